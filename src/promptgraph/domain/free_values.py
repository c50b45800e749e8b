"""A bound on what callers may make rollups tell apart: beyond it, a value is `(other)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeAlias

from promptgraph.domain.cells import NOBODY, NOTHING, OTHER, CellKey, Scope
from promptgraph.domain.figures import Figures

MAX_VALUES = 100
"""How many values of a free dimension a prompt's day keeps apart."""
OTHER_AGENT = -1
"""Stands for `(other)` where agents are told apart by id."""

FREE: Mapping[str, int | str] = {
    "agent_id": OTHER_AGENT,
    "model": OTHER,
    "provider": OTHER,
    "environment": OTHER,
}
"""The dimensions whose values callers make up, and what stands for the rest of each."""
_UNBOUND = frozenset({NOBODY, NOTHING, OTHER, OTHER_AGENT})

Values: TypeAlias = Mapping[tuple[int, int], Mapping[str, set[int | str]]]
"""By prompt id and day: the values that are kept of each free dimension."""


def capped(cells: Mapping[CellKey, Figures], kept: Values) -> dict[CellKey, Figures]:
    """The same figures, with a value beyond the first MAX_VALUES of its prompt, day and dimension counted as
    `(other)`. Values in `kept` came first.
    """
    known: defaultdict[tuple[int, int], dict[str, set[int | str]]] = defaultdict(
        lambda: {name: set() for name in FREE}
    )
    for place, values in kept.items():
        known[place] = {name: set(values.get(name, ())) for name in FREE}
    made: dict[CellKey, Figures] = {}
    for key in sorted(cells):
        at = _bounded(key, known[key.prompt_id, key.period]) if key.scope is Scope.CROSS else key
        if at in made:
            made[at].add(cells[key])
        elif at == key:
            made[at] = cells[key]
        else:
            made[at] = Figures()
            made[at].add(cells[key])
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
