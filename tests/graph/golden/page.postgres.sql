SELECT agent_prompts.prompt_id, count(DISTINCT agent_prompts.agent_id) AS count_1
FROM agent_prompts
WHERE agent_prompts.prompt_id IN (?, ?, ?, ?, ?)
GROUP BY agent_prompts.prompt_id;

SELECT anon_1.id, anon_1.name, anon_1.description, anon_1.declared, anon_1.source, anon_1.created_at, anon_1.parent, anon_1.rank
FROM (SELECT agents.id AS id, agents.name AS name, agents.description AS description, agents.declared AS declared, agents.source AS source, agents.created_at AS created_at, users.prompt_id AS parent, row_number() OVER (PARTITION BY users.prompt_id
ORDER BY agents.name ASC) AS rank
FROM agents
JOIN (SELECT DISTINCT agent_prompts.prompt_id AS prompt_id, agent_prompts.agent_id AS agent_id
FROM agent_prompts
WHERE agent_prompts.prompt_id IN (?, ?, ?, ?, ?)) AS users ON users.agent_id = agents.id
WHERE users.prompt_id IN (?, ?, ?, ?, ?)) AS anon_1
WHERE anon_1.rank <= ?
ORDER BY anon_1.rank;

SELECT count(*) AS count_1
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompt_families.name >= ? AND prompt_families.name <= ? AND prompt_families.retired_at IS NULL AND prompts.version = prompt_families.latest_version;

SELECT prompt_labels.id, prompt_labels.family_id, prompt_families.name, prompt_labels.label, prompt_labels.prompt_id, prompts.version, prompt_labels.managed_by_file, prompt_labels.overridden, prompt_labels.file_version, prompt_labels.moved_at, prompt_labels.family_id AS parent
FROM prompt_labels
JOIN prompt_families ON prompt_labels.family_id = prompt_families.id
JOIN prompts ON prompt_labels.prompt_id = prompts.id
WHERE prompt_labels.family_id IN (?, ?, ?, ?, ?)
ORDER BY prompt_labels.label;

SELECT prompt_labels.id, prompt_labels.family_id, prompt_families.name, prompt_labels.label, prompt_labels.prompt_id, prompts.version, prompt_labels.managed_by_file, prompt_labels.overridden, prompt_labels.file_version, prompt_labels.moved_at, prompt_labels.prompt_id AS parent
FROM prompt_labels
JOIN prompt_families ON prompt_labels.family_id = prompt_families.id
JOIN prompts ON prompt_labels.prompt_id = prompts.id
WHERE prompt_labels.prompt_id IN (?, ?, ?, ?, ?)
ORDER BY prompt_labels.label;

SELECT prompts.family_id, prompts.version, (SELECT max(other.version) AS max_1
FROM prompts AS other
WHERE other.family_id = prompts.family_id AND other.version < prompts.version) AS anon_1, (SELECT min(other.version) AS min_1
FROM prompts AS other
WHERE other.family_id = prompts.family_id AND other.version > prompts.version) AS anon_2
FROM prompts
JOIN json_array_elements(?) AS anon_3 ON prompts.family_id = CAST((anon_3.value ->> ?) AS BIGINT) AND prompts.version = CAST((anon_3.value ->> ?) AS INTEGER);

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
JOIN json_array_elements(?) AS anon_1 ON prompts.family_id = CAST((anon_1.value ->> ?) AS BIGINT) AND prompts.version = CAST((anon_1.value ->> ?) AS INTEGER);

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompt_families.name >= ? AND prompt_families.name <= ? AND prompt_families.retired_at IS NULL AND prompts.version = prompt_families.latest_version
ORDER BY prompt_families.name ASC, prompts.version DESC
LIMIT ?;

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.id IN (?, ?, ?, ?, ?);
