"""Bounds on what callers may make rollups tell apart: beyond them, a value is `(other)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from promptgraph.domain.cells import NOBODY, NOTHING, OTHER, CellKey, Level, Scope
from promptgraph.domain.figures import Figures
from promptgraph.domain.period import DAY_HOURS

MAX_VALUES = 100
"""How many values of a free dimension a day keeps apart, a prompt's own or everybody's."""
MAX_ENVIRONMENTS = 100
"""How many environments the rollups keep apart, in all: every cell has one."""
OTHER_AGENT = -1
"""Stands for `(other)` where agents are told apart by id."""

FREE: Mapping[str, int | str] = {"agent_id": OTHER_AGENT, "model": OTHER, "provider": OTHER}
"""The other dimensions whose values callers make up, and what stands for the rest of each."""
_UNBOUND = frozenset({NOBODY, NOTHING, OTHER, OTHER_AGENT})


class Place(NamedTuple):
    """Whose day a bound is of."""

    scope: int
    prompt_id: int
    day: int


Values: TypeAlias = Mapping[Place, Mapping[str, set[int | str]]]
"""The values that are kept of each free dimension."""


def place_of(key: CellKey) -> Place | None:
    """Where the values of a cell are bounded; None where none are free but the environment."""
    if key.scope not in {Scope.MODEL, Scope.CROSS}:
        return None
    return Place(key.scope, key.prompt_id, key.period if key.level is Level.DAY else key.period // DAY_HOURS)


class Kept(NamedTuple):
    """What is told apart already: the environments, and the values of days."""

    environments: frozenset[str]
    values: Values


def environments_with(kept: Iterable[str], coming: Iterable[str]) -> frozenset[str]:
    """Those that are kept, and of those that come as many as there is room for."""
    held = {*kept} - {OTHER}
    room = max(0, MAX_ENVIRONMENTS - len(held))
    return frozenset({*held, *sorted({*coming} - held - {OTHER})[:room]})


def capped(cells: Mapping[CellKey, Figures], kept: Kept) -> dict[CellKey, Figures]:
    """The same figures, with an environment beyond the first MAX_ENVIRONMENTS, and a value beyond the first
    MAX_VALUES of its place and dimension, counted as `(other)`. What is `kept` came first.
    """
    environments = environments_with(kept.environments, {key.environment for key in cells})
    known: defaultdict[Place, dict[str, set[int | str]]] = defaultdict(lambda: {name: set() for name in FREE})
    for place, values in kept.values.items():
        known[place] = {name: set(values.get(name, ())) for name in FREE}
    made: dict[CellKey, Figures] = {}
    for key in sorted(cells):
        at = key if key.environment in environments else key._replace(environment=OTHER)
        at_place = place_of(at)
        if at_place is not None:
            at = _bounded(at, known[at_place])
        if at in made:
            made[at].add(cells[key])
        else:
            made[at] = cells[key] if at == key else cells[key].copy()
    return made


def _bounded(key: CellKey, known: Mapping[str, set[int | str]]) -> CellKey:
    changed: dict[str, Any] = {}
    for name, other in FREE.items():
        value = getattr(key, name)
        values = known[name]
        if value in _UNBOUND or value in values:
            continue
        if len(values) < MAX_VALUES:
            values.add(value)
        else:
            changed[name] = other
    return key._replace(**changed) if changed else key
