"""Rows for the registry, written by the functions that a sync uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.prompt import Message, MessageRole, PromptContent, Source
from promptgraph.store import registry
from promptgraph.store.database import Session
from promptgraph.store.registry import NewAssignment

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SOURCE = Source("support/triage.prompt.yaml", "c0ffee", "Ann", NOW, "https://example.org/c0ffee")


class Stocked(NamedTuple):
    """A family that was added: its id, and the ids of its versions by number."""

    id: int
    prompts: Mapping[int, int]


def content_with(text: str = "Hello") -> PromptContent:
    return PromptContent(messages=(Message(MessageRole.USER, text),))


async def stock(
    session: Session,
    name: str,
    versions: Sequence[int] = (1,),
    *,
    tags: Sequence[str] = (),
    description: str | None = None,
    former_names: Sequence[str] = (),
    content_of: Callable[[int], PromptContent] | None = None,
    at: dt.datetime = NOW,
) -> Stocked:
    """A live family with these versions."""
    family_id = await registry.add_family(
        session,
        name=name,
        former_names=former_names,
        description=description,
        tags=tags,
        metadata={},
        source="default",
        latest_version=max(versions),
        at=at,
    )
    prompts = {}
    for version in versions:
        content = content_of(version) if content_of else None
        prompts[version] = await stock_version(session, family_id, name, version, content=content, at=at)
    return Stocked(family_id, prompts)


async def stock_version(
    session: Session,
    family_id: int,
    name: str,
    version: int,
    *,
    content: PromptContent | None = None,
    draft: bool = False,
    at: dt.datetime = NOW,
) -> int:
    """The id of a new version."""
    content = content or content_with(f"{name} {version}")
    return await registry.add_prompt(
        session,
        family_id=family_id,
        name=name,
        version=version,
        draft=draft,
        content=content,
        digest=content.digest(),
        partials=(),
        source=SOURCE,
        at=at,
    )


async def point(
    session: Session, family: Stocked, label: str, version: int | None, *, at: dt.datetime = NOW
) -> int:
    """Move a label, or take it away, and note the move; the id of the move."""
    stored = (await registry.inventory(session)).labels.values()
    before = next((each for each in stored if (each.family_id, each.label) == (family.id, label)), None)
    if version is not None:
        await put(session, family, label, version, at=at)
    elif before is not None:
        await registry.drop_label(session, before.id)
    return await registry.add_move(
        session,
        family_id=family.id,
        label=label,
        from_prompt_id=before.prompt_id if before else None,
        to_prompt_id=family.prompts[version] if version is not None else None,
        at=at,
        moved_by="ann",
        reason=None,
        source=None,
    )


async def put(session: Session, family: Stocked, label: str, version: int, *, at: dt.datetime = NOW) -> None:
    """Have a label name this version; no move is noted."""
    await registry.put_label(
        session,
        family_id=family.id,
        label=label,
        prompt_id=family.prompts[version],
        managed_by_file=False,
        overridden=False,
        file_version=None,
        at=at,
    )


async def stock_agent(session: Session, name: str, *rows: NewAssignment) -> int:
    """The id of an agent with these assignments."""
    agent_id = await registry.put_agent(
        session, name=name, description=None, declared=True, source="default", at=NOW
    )
    await registry.put_assignments(session, agent_id, rows, managed_by_file=True)
    return agent_id


def use(
    role: str, selector: str, prompt_id: int | None, *, position: int = 0, when: JsonObject | None = None
) -> NewAssignment:
    return NewAssignment(role, position, selector, when or {}, {}, prompt_id)
