"""Keys of metrics, put together by what one set of statements can answer, and their names looked up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptgraph.domain.cells import SCOPES, Scope
from promptgraph.domain.metrics_key import MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.keys import storable
from promptgraph.store.sources import Source

COLUMN: Mapping[OwnerKind, str] = {
    OwnerKind.PROMPT: "prompt_id",
    OwnerKind.FAMILY: "prompt_id",
    OwnerKind.AGENT: "agent_id",
}
"""The column that tells owners apart; all calls have none."""


def columns_of(kind: OwnerKind) -> tuple[str, ...]:
    """The same as a tuple: of one column, or of none."""
    return (COLUMN[kind],) if kind in COLUMN else ()


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


async def asked(source: Source, keys: Sequence[MetricsKey]) -> list[tuple[Asked, list[int]]]:
    """The keys by what can be answered together, each with the places of its keys.

    cost  per kind, window and filter: a statement for families' prompts, up to four for names in the filter
    """
    groups: defaultdict[_Group, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[_Group(key.kind, key.window, key.wanted)].append(place)
    return [
        (await _asked(source, group, storable({keys[place].owner_id for place in places})), places)
        for group, places in groups.items()
    ]


async def _asked(source: Source, group: _Group, ids: Sequence[int]) -> Asked:
    where = await _where(source, group.wanted)
    column = COLUMN.get(group.kind)
    if column is None:
        return Asked(group.kind, group.window, {}, where)
    owners = {id_: id_ for id_ in ids}
    if group.kind is OwnerKind.FAMILY:
        owners = dict(await source.versions_of(ids))
    allowed = where.get(column)
    values = frozenset(owners) if allowed is None else allowed & owners.keys()
    return Asked(group.kind, group.window, owners, {**where, column: values})


async def _where(source: Source, wanted: MetricsFilter) -> dict[str, frozenset[int | str]]:
    where: dict[str, frozenset[int | str]] = {}
    if wanted.prompts is not None or wanted.versions is not None:
        where["prompt_id"] = frozenset(await source.versions_wanted(wanted))
    if wanted.agents is not None:
        where["agent_id"] = frozenset(await source.agents_named(wanted.agents))
    given = {"model": wanted.models, "provider": wanted.providers, "environment": wanted.environments}
    where |= {name: frozenset(values) - {""} for name, values in given.items() if values is not None}
    return where
