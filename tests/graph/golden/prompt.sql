SELECT prompt_labels.id, prompt_labels.family_id, prompt_families.name, prompt_labels.label, prompt_labels.prompt_id, prompts.version, prompt_labels.managed_by_file, prompt_labels.overridden, prompt_labels.file_version, prompt_labels.moved_at, prompt_labels.prompt_id AS parent
FROM prompt_labels
JOIN prompt_families ON prompt_labels.family_id = prompt_families.id
JOIN prompts ON prompt_labels.prompt_id = prompts.id
WHERE prompt_labels.prompt_id IN (?)
ORDER BY prompt_labels.label;

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record, ? AS asked
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
WHERE prompts.version = prompt_families.latest_version AND prompt_families.name IN (?);

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record, prompt_labels.label AS asked
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
JOIN prompt_labels ON prompt_labels.family_id = prompt_families.id AND prompt_labels.prompt_id = prompts.id
WHERE prompt_families.name IN (?) AND prompt_labels.label IN (?);
