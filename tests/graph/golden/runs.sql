SELECT count(*) AS count_1
FROM sync_runs;

SELECT prompts.id, prompts.version, prompts.draft, prompts.content_hash, prompts.partials, prompts.created_at, prompts.path, prompts.commit_sha, prompts.author, prompts.committed_at, prompts.url, prompts.messages, prompts.engine, prompts.model, prompts.config, prompts.tools, prompts.input_schema, prompts.input_default, prompts.output_schema, prompt_families.id AS id_1, prompt_families.name, prompt_families.former_names, prompt_families.description, prompt_families.tags, prompt_families.metadata, prompt_families.source, prompt_families.latest_version, prompt_families.retired_at, prompt_families.created_at AS created_at_1, prompt_families.record, ? AS asked
FROM prompts
JOIN prompt_families ON prompts.family_id = prompt_families.id
JOIN json_each(?) AS anon_1 ON prompts.name = json_extract(anon_1.value, '$[' || ? || ']') AND prompts.version = CAST(json_extract(anon_1.value, '$[' || ? || ']') AS INTEGER);

SELECT sync_runs.id, sync_runs.source, sync_runs.commit_sha, sync_runs.sequence, sync_runs.author, sync_runs.committed_at, sync_runs.url, sync_runs.forced, sync_runs.started_at, sync_runs.finished_at, sync_runs.added, sync_runs.moved, sync_runs.retired, sync_runs.unchanged, sync_runs.steps
FROM sync_runs
ORDER BY sync_runs.id DESC
LIMIT ? OFFSET ?;
