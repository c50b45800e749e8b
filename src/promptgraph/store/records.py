"""Rows and the records they stand for, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptgraph.domain.canonical import HASH_SCHEME
from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.diff import Impact
from promptgraph.domain.prompt import Engine, Message, Prompt, PromptContent, PromptFamily, Source
from promptgraph.domain.registry import (
    Agent,
    Assignment,
    LabelMove,
    PromptLabel,
    SyncAction,
    SyncOrigin,
    SyncRun,
    SyncStep,
)
from promptgraph.store.tables import AGENTS, ASSIGNMENTS, FAMILIES, LABELS, MOVES, PROMPTS, RUNS

F, P, L, M, A, S, R = (t.c for t in (FAMILIES, PROMPTS, LABELS, MOVES, AGENTS, ASSIGNMENTS, RUNS))

FAMILY_COLUMNS = (
    F.id,
    F.name,
    F.former_names,
    F.description,
    F.tags,
    F.metadata,
    F.source,
    F.latest_version,
    F.retired_at,
    F.created_at,
    F.record,
)
CONTENT_COLUMNS = (
    P.messages,
    P.engine,
    P.model,
    P.config,
    P.tools,
    P.input_schema,
    P.input_default,
    P.output_schema,
)
VERSION_COLUMNS = (
    P.id,
    P.version,
    P.draft,
    P.content_hash,
    P.partials,
    P.created_at,
    P.path,
    P.commit_sha,
    P.author,
    P.committed_at,
    P.url,
    *CONTENT_COLUMNS,
)
PROMPT_COLUMNS = (*VERSION_COLUMNS, *FAMILY_COLUMNS)
LABEL_COLUMNS = (
    L.id,
    L.family_id,
    F.name,
    L.label,
    L.prompt_id,
    P.version,
    L.managed_by_file,
    L.overridden,
    L.file_version,
    L.moved_at,
)
MOVE_COLUMNS = (
    M.id,
    M.family_id,
    F.name,
    M.label,
    M.from_prompt_id,
    M.to_prompt_id,
    M.moved_at,
    M.moved_by,
    M.reason,
    M.path,
    M.commit_sha,
    M.author,
    M.committed_at,
    M.url,
)
AGENT_COLUMNS = (A.id, A.name, A.description, A.declared, A.source, A.created_at)
ASSIGNMENT_COLUMNS = (
    S.id,
    S.agent_id,
    A.name,
    S.role,
    S.position,
    S.selector,
    S.prompt_id,
    S.when,
    S.metadata,
    S.managed_by_file,
)
RUN_COLUMNS = (
    R.id,
    R.source,
    R.commit_sha,
    R.sequence,
    R.author,
    R.committed_at,
    R.url,
    R.forced,
    R.started_at,
    R.finished_at,
    R.added,
    R.moved,
    R.retired,
    R.unchanged,
    R.steps,
)


def source_of(columns: Sequence[Any]) -> Source | None:
    """From path, commit_sha, author, committed_at, url; None without a path."""
    return Source(*columns) if columns[0] is not None else None


def source_values(source: Source | None) -> dict[str, Any]:
    """The inverse of `source_of`, by column name."""
    return {
        "path": source.path if source else None,
        "commit_sha": source.commit_sha if source else None,
        "author": source.author if source else None,
        "committed_at": source.committed_at if source else None,
        "url": source.url if source else None,
    }


def family_of(row: Sequence[Any]) -> PromptFamily:
    """From FAMILY_COLUMNS."""
    id_, name, former_names, description, tags, metadata, source, latest, retired_at, created_at = row[:10]
    record = row[10]
    return PromptFamily(
        id=id_,
        name=name,
        former_names=tuple(former_names),
        description=description,
        tags=tuple(tags),
        metadata=metadata,
        record=Levels.of_words(record) if record else IN_FULL,
        source=source,
        latest_version=latest,
        retired_at=retired_at,
        created_at=created_at,
    )


def _content(row: Sequence[Any]) -> dict[str, Any]:
    messages, engine, model, config, tools, input_schema, input_default, output_schema = row[:8]
    return {
        "messages": tuple(Message.from_json(message) for message in messages),
        "engine": Engine(engine),
        "model": model,
        "config": config,
        "tools": tools,
        "input_schema": input_schema,
        "input_default": input_default,
        "output_schema": output_schema,
    }


def content_of(row: Sequence[Any]) -> PromptContent:
    """From CONTENT_COLUMNS."""
    return PromptContent(**_content(row))


def content_values(content: PromptContent, digest: str) -> dict[str, Any]:
    """The columns of a content, by name."""
    return {
        "content_hash": digest,
        "hash_scheme": HASH_SCHEME,
        "engine": content.engine.value,
        "messages": [message.as_json() for message in content.messages],
        "model": content.model,
        "config": content.config,
        "tools": content.tools,
        "input_schema": content.input_schema,
        "input_default": content.input_default,
        "output_schema": content.output_schema,
    }


def prompt_of(row: Sequence[Any]) -> Prompt:
    """From PROMPT_COLUMNS."""
    return version_of(row, family_of(row[19:]))


def version_of(row: Sequence[Any], family: PromptFamily) -> Prompt:
    """From VERSION_COLUMNS."""
    id_, version, draft, content_hash, partials, created_at = row[:6]
    return Prompt(
        id=id_,
        family=family,
        version=version,
        draft=draft,
        content_hash=content_hash,
        partials=tuple(partials),
        source=source_of(row[6:11]),
        created_at=created_at,
        **_content(row[11:]),
    )


def label_of(row: Sequence[Any]) -> PromptLabel:
    """From LABEL_COLUMNS."""
    id_, family_id, name, label, prompt_id, version, managed, overridden, file_version, moved_at = row[:10]
    return PromptLabel(
        id=id_,
        family_id=family_id,
        name=name,
        label=label,
        prompt_id=prompt_id,
        version=version,
        managed_by_file=managed,
        overridden=overridden,
        file_version=file_version,
        moved_at=moved_at,
    )


def move_of(row: Sequence[Any]) -> LabelMove:
    """From MOVE_COLUMNS."""
    id_, family_id, name, label, from_id, to_id, moved_at, moved_by, reason = row[:9]
    return LabelMove(
        id=id_,
        family_id=family_id,
        name=name,
        label=label,
        from_prompt_id=from_id,
        to_prompt_id=to_id,
        moved_at=moved_at,
        moved_by=moved_by,
        reason=reason,
        source=source_of(row[9:14]),
    )


def agent_of(row: Sequence[Any]) -> Agent:
    """From AGENT_COLUMNS."""
    id_, name, description, declared, source, created_at = row[:6]
    return Agent(
        id=id_, name=name, description=description, declared=declared, source=source, created_at=created_at
    )


def assignment_of(row: Sequence[Any]) -> Assignment:
    """From ASSIGNMENT_COLUMNS."""
    id_, agent_id, agent_name, role, position, selector, prompt_id, when, metadata, managed = row[:10]
    return Assignment(
        id=id_,
        agent_id=agent_id,
        agent_name=agent_name,
        role=role,
        position=position,
        selector=selector,
        prompt_id=prompt_id,
        when=when,
        metadata=metadata,
        managed_by_file=managed,
    )


def run_of(row: Sequence[Any]) -> SyncRun:
    """From RUN_COLUMNS."""
    id_, *origin = row[:7]
    forced, started_at, finished_at, added, moved, retired, unchanged, steps = row[7:15]
    return SyncRun(
        id=id_,
        origin=SyncOrigin(**dict(zip(ORIGIN, origin, strict=True))),
        forced=forced,
        started_at=started_at,
        finished_at=finished_at,
        added=added,
        moved=moved,
        retired=retired,
        unchanged=unchanged,
        steps=tuple(step_of(step) for step in steps),
    )


ORIGIN = ("source", "commit_sha", "sequence", "author", "committed_at", "url")


def step_values(step: SyncStep) -> dict[str, Any]:
    """A step as JSON."""
    return {
        "action": step.action.value,
        "kind": step.kind,
        "name": step.name,
        "version": step.version,
        "sentence": step.sentence,
        "impact": step.impact.value if step.impact else None,
        "path": step.path,
    }


def step_of(value: dict[str, Any]) -> SyncStep:
    """The inverse of `step_values`."""
    impact = value["impact"]
    return SyncStep(
        **(
            value
            | {
                "action": SyncAction(value["action"]),
                "impact": Impact(impact) if impact is not None else None,
            }
        )
    )
