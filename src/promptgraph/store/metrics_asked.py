"""Keys of metrics, put together by what one set of statements can answer, and their names looked up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select

from promptgraph.domain.cells import SCOPES, Scope
from promptgraph.domain.metrics_key import MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.agents import agents_by_name
from promptgraph.store.database import Session
from promptgraph.store.families import families_by_name
from promptgraph.store.keys import INT32, among, storable
from promptgraph.store.records import P

COLUMN: Mapping[OwnerKind, str] = {
    OwnerKind.PROMPT: "prompt_id",
    OwnerKind.FAMILY: "prompt_id",
    OwnerKind.AGENT: "agent_id",
}
"""The column that tells owners apart; all calls have none."""

Where = Mapping[str, frozenset[int | str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Keys that differ by their owner alone. `owners` says which owner a value of the column belongs to;
    `where` which values each column may have, and with no value at all nothing counts.
    """

    kind: OwnerKind
    window: Window
    owners: Mapping[int, int]
    where: Where

    @property
    def column(self) -> str | None:
        return COLUMN.get(self.kind)

    @property
    def empty(self) -> bool:
        """Whether no call can count."""
        return not all(self.where.values())

    def owner(self, value: int | str) -> int:
        return self.owners[int(value)] if self.owners else 0

    def scope(self, by: Collection[str] = ()) -> Scope:
        """The rollups that tell apart what is asked for: the smallest ones, CROSS if no other does."""
        needed = {*self.where, *by}
        return next(scope for scope, kept in SCOPES.items() if needed <= set(kept.dimensions))


class _Group(NamedTuple):
    kind: OwnerKind
    window: Window
    wanted: MetricsFilter


async def asked(session: Session, keys: Sequence[MetricsKey]) -> list[tuple[Asked, list[int]]]:
    """The keys by what can be answered together, each with the places of its keys.

    cost  per kind, window and filter: a statement for families' prompts, up to four for names in the filter
    """
    groups: defaultdict[_Group, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[_Group(key.kind, key.window, key.wanted)].append(place)
    return [
        (await _asked(session, group, storable({keys[place].owner_id for place in places})), places)
        for group, places in groups.items()
    ]


async def _asked(session: Session, group: _Group, ids: Sequence[int]) -> Asked:
    where = await _where(session, group.wanted)
    column = COLUMN.get(group.kind)
    if column is None:
        return Asked(group.kind, group.window, {}, where)
    owners = {id_: id_ for id_ in ids}
    if group.kind is OwnerKind.FAMILY:
        stmt = select(P.id, P.family_id).where(among(P.family_id, ids))
        owners = {row.id: row.family_id for row in await session.execute(stmt)}
    allowed = where.get(column)
    values = frozenset(owners) if allowed is None else allowed & owners.keys()
    return Asked(group.kind, group.window, owners, {**where, column: values})


async def _where(session: Session, wanted: MetricsFilter) -> dict[str, frozenset[int | str]]:
    where: dict[str, frozenset[int | str]] = {}
    if wanted.prompts is not None or wanted.versions is not None:
        where["prompt_id"] = frozenset(await _prompts(session, wanted))
    if wanted.agents is not None:
        agents = await agents_by_name(session, wanted.agents)
        where["agent_id"] = frozenset(agent.id for agent in agents if agent)
    given = {"model": wanted.models, "provider": wanted.providers, "environment": wanted.environments}
    where |= {name: frozenset(values) - {""} for name, values in given.items() if values is not None}
    return where


async def _prompts(session: Session, wanted: MetricsFilter) -> list[int]:
    stmt = select(P.id)
    if wanted.prompts is not None:
        families = await families_by_name(session, wanted.prompts)
        stmt = stmt.where(among(P.family_id, [family.id for family in families if family]))
    if wanted.versions is not None:
        stmt = stmt.where(among(P.version, [number for number in wanted.versions if abs(number) <= INT32]))
    return list((await session.execute(stmt)).scalars())
