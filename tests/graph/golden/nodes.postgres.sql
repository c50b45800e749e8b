SELECT agent_prompts.id, agent_prompts.agent_id, agents.name, agent_prompts.role, agent_prompts.position, agent_prompts.selector, agent_prompts.prompt_id, agent_prompts."when", agent_prompts.metadata, agent_prompts.managed_by_file
FROM agent_prompts
JOIN agents ON agent_prompts.agent_id = agents.id
JOIN json_array_elements(?) AS anon_1 ON agents.name = (anon_1.value ->> ?) AND agent_prompts.role = (anon_1.value ->> ?) AND agent_prompts.selector = (anon_1.value ->> ?);

SELECT agents.id, agents.name, agents.description, agents.declared, agents.source, agents.created_at
FROM agents
WHERE agents.id IN (?);

SELECT agents.id, agents.name, agents.description, agents.declared, agents.source, agents.created_at
FROM agents
WHERE agents.name IN (?);

SELECT prompt_families.id, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at, prompt_families.record
FROM prompt_families
WHERE EXISTS (SELECT ? AS anon_1
FROM json_array_elements_text(prompt_families.former_names) AS anon_2
WHERE anon_2.value IN (?))
ORDER BY prompt_families.id;

SELECT prompt_families.id, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at, prompt_families.record
FROM prompt_families
WHERE prompt_families.name IN (?)
ORDER BY prompt_families.id;

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

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.id IN (?);

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record, ? AS asked
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
JOIN json_array_elements(?) AS anon_1 ON prompts.name = (anon_1.value ->> ?) AND prompts.version = CAST((anon_1.value ->> ?) AS INTEGER);

SELECT sync_runs.id, sync_runs.source, sync_runs.commit_sha, sync_runs.sequence, sync_runs.author, sync_runs.committed_at, sync_runs.url, sync_runs.forced, sync_runs.started_at, sync_runs.finished_at, sync_runs.added, sync_runs.moved, sync_runs.retired, sync_runs.unchanged, sync_runs.steps
FROM sync_runs
WHERE sync_runs.id IN (?);
