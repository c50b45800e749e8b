SELECT anon_1.id, anon_1.family_id, anon_1.name, anon_1.label, anon_1.from_prompt_id, anon_1.to_prompt_id, anon_1.moved_at, anon_1.moved_by, anon_1.reason, anon_1.path, anon_1.commit_sha, anon_1.author, anon_1.committed_at, anon_1.url, anon_1.parent, anon_1.rank
FROM (SELECT label_moves.id AS id, label_moves.family_id AS family_id, prompt_families.name AS name, label_moves.label AS label, label_moves.from_prompt_id AS from_prompt_id, label_moves.to_prompt_id AS to_prompt_id, label_moves.moved_at AS moved_at, label_moves.moved_by AS moved_by, label_moves.reason AS reason, label_moves.path AS path, label_moves.commit_sha AS commit_sha, label_moves.author AS author, label_moves.committed_at AS committed_at, label_moves.url AS url, label_moves.family_id AS parent, row_number() OVER (PARTITION BY label_moves.family_id
ORDER BY label_moves.moved_at DESC, label_moves.id DESC) AS rank
FROM label_moves
JOIN prompt_families ON label_moves.family_id = prompt_families.id
WHERE label_moves.family_id IN (?)) AS anon_1
WHERE anon_1.rank <= ?
ORDER BY anon_1.rank;

SELECT anon_1.id, anon_1.version, anon_1.draft, anon_1.content_hash, anon_1.partials, anon_1.created_at, anon_1.path, anon_1.commit_sha, anon_1.author, anon_1.committed_at, anon_1.url, anon_1.messages, anon_1.engine, anon_1.model, anon_1.config, anon_1.tools, anon_1.input_schema, anon_1.input_default, anon_1.output_schema, anon_1.id_1, anon_1.name, anon_1.former_names, anon_1.description, anon_1.tags, anon_1.metadata, anon_1.source, anon_1.latest_version, anon_1.retired_at, anon_1.created_at_1, anon_1.record, anon_1.parent, anon_1.rank
FROM (SELECT prompts.id AS id, prompts.version AS version, prompts.draft AS draft, prompts.content_hash AS content_hash, prompts.partials AS partials, prompts.created_at AS created_at, prompts.path AS path, prompts.commit_sha AS commit_sha, prompts.author AS author, prompts.committed_at AS committed_at, prompts.url AS url, prompts.messages AS messages, prompts.engine AS engine, prompts.model AS model, prompts.config AS config, prompts.tools AS tools, prompts.input_schema AS input_schema, prompts.input_default AS input_default, prompts.output_schema AS output_schema, prompt_families.id AS id_1, prompt_families.name AS name, prompt_families.former_names AS former_names, prompt_families.description AS description, prompt_families.tags AS tags, prompt_families.metadata AS metadata, prompt_families.source AS source, prompt_families.latest_version AS latest_version, prompt_families.retired_at AS retired_at, prompt_families.created_at AS created_at_1, prompt_families.record AS record, prompts.family_id AS parent, row_number() OVER (PARTITION BY prompts.family_id
ORDER BY prompts.version DESC) AS rank
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.family_id IN (?)) AS anon_1
WHERE anon_1.rank <= ?
ORDER BY anon_1.rank;

SELECT label_moves.family_id, count(*) AS count_1
FROM label_moves
WHERE label_moves.family_id IN (?)
GROUP BY label_moves.family_id;

SELECT prompt_families.id, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at, prompt_families.record
FROM prompt_families
WHERE prompt_families.name IN (?)
ORDER BY prompt_families.id;

SELECT prompt_labels.id, prompt_labels.family_id, prompt_families.name, prompt_labels.label, prompt_labels.prompt_id, prompts.version, prompt_labels.managed_by_file, prompt_labels.overridden, prompt_labels.file_version, prompt_labels.moved_at, prompt_labels.family_id AS parent
FROM prompt_labels
JOIN prompt_families ON prompt_labels.family_id = prompt_families.id
JOIN prompts ON prompt_labels.prompt_id = prompts.id
WHERE prompt_labels.family_id IN (?)
ORDER BY prompt_labels.label;

SELECT prompts.family_id, count(*) AS count_1
FROM prompts
WHERE prompts.family_id IN (?)
GROUP BY prompts.family_id;

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.id IN (?, ?);
