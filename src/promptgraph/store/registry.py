"""The registry as a whole: its lock, its inventory, its revision, and everything that is written to it.

Writes go under the lock: a new row's id is the highest so far plus one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, case, delete, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.errors import SyncConflictError
from promptgraph.domain.inventory import Inventory, StoredVersion
from promptgraph.domain.prompt import PromptContent, Source
from promptgraph.domain.registry import SyncOrigin, SyncRun, SyncStep
from promptgraph.store.agents import assignments
from promptgraph.store.database import REVISED, Session
from promptgraph.store.filters import search_text
from promptgraph.store.labels import labels
from promptgraph.store.records import (
    AGENT_COLUMNS,
    CONTENT_COLUMNS,
    FAMILY_COLUMNS,
    ORIGIN,
    A,
    F,
    L,
    P,
    R,
    S,
    agent_of,
    assignment_of,
    content_of,
    content_values,
    family_of,
    label_of,
    source_values,
    step_values,
)
from promptgraph.store.tables import (
    AGENTS,
    ASSIGNMENTS,
    FAMILIES,
    LABELS,
    MOVES,
    PROMPTS,
    REGISTRY,
    RUNS,
)


class NewAssignment(NamedTuple):
    """An assignment to be stored for an agent."""

    role: str
    position: int
    selector: str
    when: JsonObject
    metadata: JsonObject
    prompt_id: int | None


async def lock_registry(session: Session) -> None:
    """Wait until nobody else writes the registry, and keep others out until this transaction ends.

    cost  one statement: it locks the one row of `registry`; on SQLite beginning to write has locked all
    """
    await session.execute(select(REGISTRY.c.revision).with_for_update())


async def revision(session: Session) -> int:
    """A number that grows with every change of the registry.

    cost  one statement
    """
    return int((await session.execute(select(REGISTRY.c.revision))).scalar_one())


async def advance_revision(session: Session) -> int:
    """The next revision, as this transaction leaves it. Who listens to the database is told of it.

    cost  one statement
    """
    stmt = update(REGISTRY).values(revision=REGISTRY.c.revision + 1).returning(REGISTRY.c.revision)
    session.info[REVISED] = now = int((await session.execute(stmt)).scalar_one())
    return now


async def prompt_count(session: Session) -> int:
    """How many names are live.

    cost  one statement
    """
    stmt = select(func.count()).select_from(FAMILIES).where(F.retired_at.is_(None))
    return int((await session.execute(stmt)).scalar_one())


async def inventory(session: Session) -> Inventory:
    """All that a plan needs of the registry, contents left out.

    cost  seven statements
    """
    families = [family_of(row) for row in await session.execute(select(*FAMILY_COLUMNS))]
    names = {family.id: family.name for family in families}
    columns = (P.id, P.family_id, P.version, P.draft, P.content_hash)
    versions = [StoredVersion(*row) for row in await session.execute(select(*columns))]
    pointers = [label_of(row) for row in await session.execute(labels())]
    agents = [agent_of(row) for row in await session.execute(select(*AGENT_COLUMNS))]
    rows = await session.execute(assignments().order_by(A.name, S.role, S.position, S.id))
    highest = select(R.source, func.max(R.sequence)).where(R.sequence.is_not(None)).group_by(R.source)
    return Inventory(
        families={family.name: family for family in families},
        versions={(names[version.family_id], version.version): version for version in versions},
        labels={(pointer.name, pointer.label): pointer for pointer in pointers},
        agents={agent.name: agent for agent in agents},
        assignments=tuple(assignment_of(row) for row in rows),
        sequences={source: int(sequence) for source, sequence in await session.execute(highest)},
        revision=await revision(session),
    )


async def latest_contents(session: Session, names: Sequence[str]) -> dict[str, PromptContent]:
    """The content of the latest version, by name, of those that are stored under it now.

    cost  one statement
    """
    stmt = (
        select(*CONTENT_COLUMNS, F.name)
        .join_from(FAMILIES, PROMPTS, P.family_id == F.id)
        .where(P.version == F.latest_version, F.name.in_(set(names)))
    )
    return {row[-1]: content_of(row) for row in await session.execute(stmt)}


@cache
def _insertion(table: Table) -> ReturningInsert[int]:
    """One statement object per table: building it anew costs more than running it."""
    next_id = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
    return insert(table).values(id=next_id).returning(table.c.id)


async def _add(session: Session, table: Table, values: Mapping[str, Any]) -> int:
    return int((await session.execute(_insertion(table), values)).scalar_one())


async def add_family(  # noqa: PLR0913  # the columns of a row
    session: Session,
    *,
    name: str,
    former_names: Sequence[str],
    description: str | None,
    tags: Sequence[str],
    metadata: JsonObject,
    record: Levels = IN_FULL,
    source: str,
    latest_version: int,
    at: dt.datetime,
) -> int:
    """The id of a new, live family."""
    values = _facts(name, former_names, description, tags, metadata)
    values |= {"record": record.words() or None, "source": source}
    return await _add(session, FAMILIES, values | {"latest_version": latest_version, "created_at": at})


async def change_family(  # noqa: PLR0913  # the columns of a row
    session: Session,
    family_id: int,
    *,
    name: str,
    former_names: Sequence[str],
    description: str | None,
    tags: Sequence[str],
    metadata: JsonObject,
    record: Levels = IN_FULL,
    latest_version: int,
) -> None:
    """Give a family these facts and make it live; its versions take a new name too."""
    values = _facts(name, former_names, description, tags, metadata)
    values |= {"record": record.words() or None, "latest_version": latest_version, "retired_at": None}
    await session.execute(update(FAMILIES).where(F.id == family_id).values(values))
    await session.execute(update(PROMPTS).where(P.family_id == family_id, P.name != name).values(name=name))


def _facts(
    name: str, former_names: Sequence[str], description: str | None, tags: Sequence[str], metadata: JsonObject
) -> dict[str, Any]:
    return {
        "name": name,
        "former_names": list(former_names),
        "description": description,
        "tags": list(tags),
        "metadata": metadata,
        "search_text": search_text(name, description, tags),
    }


async def retire_family(session: Session, family_id: int, *, at: dt.datetime) -> None:
    """Leave a family out of lists from now on."""
    await session.execute(update(FAMILIES).where(F.id == family_id).values(retired_at=at))


async def set_latest_version(session: Session, family_id: int, version: int) -> None:
    """Make `version` the family's latest."""
    await session.execute(update(FAMILIES).where(F.id == family_id).values(latest_version=version))


async def add_prompt(  # noqa: PLR0913  # the columns of a row
    session: Session,
    *,
    family_id: int,
    name: str,
    version: int,
    draft: bool,
    content: PromptContent,
    digest: str,
    partials: Sequence[str],
    source: Source | None,
    at: dt.datetime,
) -> int:
    """The id of a new version."""
    identity = {"family_id": family_id, "name": name, "version": version, "draft": draft, "created_at": at}
    return await _add(session, PROMPTS, identity | _version_values(content, digest, partials, source))


async def replace_draft(  # the columns of a row
    session: Session,
    prompt_id: int,
    *,
    content: PromptContent,
    digest: str,
    partials: Sequence[str],
    source: Source | None,
) -> None:
    """Put another content into a draft.

    raises  SyncConflictError  it is firm, or gone
    """
    values = _version_values(content, digest, partials, source)
    stmt = update(PROMPTS).where(P.id == prompt_id, P.draft).values(values).returning(P.id)
    if (await session.execute(stmt)).one_or_none() is None:
        raise SyncConflictError("This version is no draft (any more); a firm version never changes.")


def _version_values(
    content: PromptContent, digest: str, partials: Sequence[str], source: Source | None
) -> dict[str, Any]:
    return content_values(content, digest) | source_values(source) | {"partials": list(partials)}


async def make_firm(session: Session, prompt_id: int) -> None:
    """Make a draft a version like any other."""
    await session.execute(update(PROMPTS).where(P.id == prompt_id).values(draft=False))


async def put_label(  # noqa: PLR0913  # the columns of a row
    session: Session,
    *,
    family_id: int,
    label: str,
    prompt_id: int,
    managed_by_file: bool,
    overridden: bool,
    file_version: int | None,
    at: dt.datetime,
) -> None:
    """Point a family's label at a version; `at` counts as a move only where it pointed elsewhere."""
    same = (L.family_id == family_id) & (L.label == label)
    values = {
        "managed_by_file": managed_by_file,
        "overridden": overridden,
        "file_version": file_version,
        "moved_at": case((L.prompt_id == prompt_id, L.moved_at), else_=at),
        "prompt_id": prompt_id,
    }
    changed = await session.execute(update(LABELS).where(same).values(values).returning(L.id))
    if changed.one_or_none() is None:
        await _add(session, LABELS, values | {"family_id": family_id, "label": label, "moved_at": at})


async def drop_label(session: Session, label_id: int) -> None:
    """Take a label away."""
    await session.execute(delete(LABELS).where(L.id == label_id))


async def add_move(  # noqa: PLR0913  # the columns of a row
    session: Session,
    *,
    family_id: int,
    label: str,
    from_prompt_id: int | None,
    to_prompt_id: int | None,
    at: dt.datetime,
    moved_by: str | None,
    reason: str | None,
    source: Source | None,
) -> int:
    """The id of a new line in the history of a label."""
    values = {
        "family_id": family_id,
        "label": label,
        "from_prompt_id": from_prompt_id,
        "to_prompt_id": to_prompt_id,
        "moved_at": at,
        "moved_by": moved_by,
        "reason": reason,
    }
    return await _add(session, MOVES, values | source_values(source))


async def put_agent(  # the columns of a row
    session: Session,
    *,
    name: str,
    description: str | None,
    declared: bool,
    source: str | None,
    at: dt.datetime,
) -> int:
    """The id of the agent of this name, which has these facts now; a new one is created at `at`."""
    values = {"description": description, "declared": declared, "source": source}
    stmt = update(AGENTS).where(A.name == name).values(values).returning(A.id)
    known = (await session.execute(stmt)).scalar_one_or_none()
    return (
        known if known is not None else await _add(session, AGENTS, values | {"name": name, "created_at": at})
    )


async def put_assignments(
    session: Session, agent_id: int, rows: Sequence[NewAssignment], *, managed_by_file: bool
) -> None:
    """Make `rows` the agent's assignments of that kind. One of the other kind with the same role and
    selector is taken over; one that stays keeps its id.
    """
    stmt = select(S.id, S.role, S.selector, S.managed_by_file).where(S.agent_id == agent_id)
    stored = {(role, selector): (id_, kind) for id_, role, selector, kind in await session.execute(stmt)}
    wanted = {(row.role, row.selector): row for row in rows}
    gone = [id_ for key, (id_, kind) in stored.items() if kind == managed_by_file and key not in wanted]
    await session.execute(delete(ASSIGNMENTS).where(S.id.in_(gone)))
    for key, row in wanted.items():
        values = row._asdict() | {"agent_id": agent_id, "managed_by_file": managed_by_file}
        if key in stored:
            await session.execute(update(ASSIGNMENTS).where(S.id == stored[key][0]).values(values))
        else:
            await _add(session, ASSIGNMENTS, values)


async def drop_assignment(session: Session, assignment_id: int) -> None:
    """Take an assignment away."""
    await session.execute(delete(ASSIGNMENTS).where(S.id == assignment_id))


async def resolve_assignments(session: Session, resolved: Mapping[int, int | None]) -> None:
    """Write down which version each assignment, by its id, stands for now."""
    stmt = update(ASSIGNMENTS).where(S.id == bindparam("key")).values(prompt_id=bindparam("now"))
    if resolved:
        await (await session.connection()).execute(
            stmt, [{"key": key, "now": now} for key, now in resolved.items()]
        )


async def add_run(  # noqa: PLR0913  # the columns of a row
    session: Session,
    *,
    origin: SyncOrigin,
    forced: bool,
    started_at: dt.datetime,
    finished_at: dt.datetime,
    added: int,
    moved: int,
    retired: int,
    unchanged: int,
    steps: Sequence[SyncStep],
) -> SyncRun:
    """The new line in the history of syncs."""
    counts: dict[str, Any] = {"added": added, "moved": moved, "retired": retired, "unchanged": unchanged}
    times: dict[str, Any] = {"forced": forced, "started_at": started_at, "finished_at": finished_at}
    stored = {column: getattr(origin, column) for column in ORIGIN}
    values = counts | times | stored | {"steps": [step_values(step) for step in steps]}
    id_ = await _add(session, RUNS, values)
    return SyncRun(id=id_, origin=origin, steps=tuple(steps), **counts, **times)
