"""What is new in the registry: versions that syncs brought or changed, and labels that moved.

Syncs and moves are numbered under the registry's lock, so their numbers grow in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from promptgraph.store.database import Session
from promptgraph.store.keys import chunked
from promptgraph.store.records import F, M, P, R, step_of
from promptgraph.store.tables import FAMILIES, MOVES, PROMPTS, REGISTRY

NAMES = 500
CHANGED = ("prompt", "family")
"""The kinds of sync steps that are about versions."""


class Marks(NamedTuple):
    """How far the registry is: its revision, the last sync, the last move of a label."""

    revision: int
    run_id: int
    move_id: int


class Synced(NamedTuple):
    """A version, by its id, that a sync added or changed; all names of its family."""

    prompt_id: int
    names: frozenset[str]


class Moved(NamedTuple):
    """A move, by its id, of a label; all names of its family."""

    move_id: int
    label: str
    names: frozenset[str]


async def registry_marks(session: Session) -> Marks:
    """How far the registry is now.

    cost  one statement
    """
    last_run = select(func.coalesce(func.max(R.id), 0)).scalar_subquery()
    last_move = select(func.coalesce(func.max(M.id), 0)).scalar_subquery()
    return Marks(*(await session.execute(select(REGISTRY.c.revision, last_run, last_move))).one())


async def prompts_synced(session: Session, run_id: int) -> list[Synced]:
    """What the syncs after `run_id` added or changed, in their order, each version once per sync. A step
    about a whole name (renamed, retired, back again) stands for the latest version.

    cost  a statement, and one per 500 names
    """
    rows = await session.scalars(select(R.steps).where(R.id > run_id).order_by(R.id))
    runs = [[step for step in map(step_of, steps) if step.kind in CHANGED] for steps in rows]
    known = await _versions(session, dict.fromkeys(step.name for steps in runs for step in steps))
    return [
        each
        for steps in runs
        for each in dict.fromkeys(known.get((step.name, step.version)) for step in steps)
        if each is not None
    ]


async def _versions(session: Session, names: Iterable[str]) -> dict[tuple[str, int | None], Synced]:
    """Every version of these names, by name and number; the latest one by None, too."""
    found: dict[tuple[str, int | None], Synced] = {}
    columns = (P.id, P.version, F.name, F.former_names, F.latest_version)
    stmt = select(*columns).join_from(PROMPTS, FAMILIES, P.family_id == F.id)
    for some in chunked(list(names), NAMES):
        for id_, version, name, former, latest in await session.execute(stmt.where(F.name.in_(some))):
            synced = Synced(id_, frozenset((name, *former)))
            found[name, version] = synced
            if version == latest:
                found[name, None] = synced
    return found


async def labels_moved(session: Session, move_id: int) -> Sequence[Moved]:
    """The moves after `move_id`, in their order.

    cost  one statement
    """
    stmt = select(M.id, M.label, F.name, F.former_names).join_from(MOVES, FAMILIES, M.family_id == F.id)
    rows = await session.execute(stmt.where(M.id > move_id).order_by(M.id))
    return [Moved(id_, label, frozenset((name, *former))) for id_, label, name, former in rows]
