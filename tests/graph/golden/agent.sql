SELECT agent_prompts.agent_id, count(DISTINCT agent_prompts.prompt_id) AS count_1
FROM agent_prompts
WHERE agent_prompts.agent_id IN (?)
GROUP BY agent_prompts.agent_id;

SELECT agent_prompts.id, agent_prompts.agent_id, agents.name, agent_prompts.role, agent_prompts.position, agent_prompts.selector, agent_prompts.prompt_id, agent_prompts."when", agent_prompts.metadata, agent_prompts.managed_by_file
FROM agent_prompts
JOIN agents ON agent_prompts.agent_id = agents.id
WHERE agent_prompts.agent_id IN (?)
ORDER BY agent_prompts.role, agent_prompts.position, agent_prompts.id;

SELECT agents.id, agents.name, agents.description, agents.declared, agents.source, agents.created_at
FROM agents
WHERE agents.name IN (?);

SELECT anon_1.id, anon_1.version, anon_1.draft, anon_1.content_hash, anon_1.partials, anon_1.created_at, anon_1.path, anon_1.commit_sha, anon_1.author, anon_1.committed_at, anon_1.url, anon_1.messages, anon_1.engine, anon_1.model, anon_1.config, anon_1.tools, anon_1.input_schema, anon_1.input_default, anon_1.output_schema, anon_1.id_1, anon_1.name, anon_1.former_names, anon_1.description, anon_1.tags, anon_1.metadata, anon_1.source, anon_1.latest_version, anon_1.retired_at, anon_1.created_at_1, anon_1.record, anon_1.parent, anon_1.rank
FROM (SELECT prompts.id AS id, prompts.version AS version, prompts.draft AS draft, prompts.content_hash AS content_hash, prompts.partials AS partials, prompts.created_at AS created_at, prompts.path AS path, prompts.commit_sha AS commit_sha, prompts.author AS author, prompts.committed_at AS committed_at, prompts.url AS url, prompts.messages AS messages, prompts.engine AS engine, prompts.model AS model, prompts.config AS config, prompts.tools AS tools, prompts.input_schema AS input_schema, prompts.input_default AS input_default, prompts.output_schema AS output_schema, prompt_families.id AS id_1, prompt_families.name AS name, prompt_families.former_names AS former_names, prompt_families.description AS description, prompt_families.tags AS tags, prompt_families.metadata AS metadata, prompt_families.source AS source, prompt_families.latest_version AS latest_version, prompt_families.retired_at AS retired_at, prompt_families.created_at AS created_at_1, prompt_families.record AS record, used.agent_id AS parent, row_number() OVER (PARTITION BY used.agent_id
ORDER BY prompt_families.name ASC, prompts.version DESC) AS rank
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
JOIN (SELECT DISTINCT agent_prompts.agent_id AS agent_id, agent_prompts.prompt_id AS prompt_id
FROM agent_prompts
WHERE agent_prompts.agent_id IN (?)) AS used ON used.prompt_id = prompts.id
WHERE used.agent_id IN (?)) AS anon_1
WHERE anon_1.rank <= ?
ORDER BY anon_1.rank;

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.id IN (?, ?, ?, ?, ?, ?);
