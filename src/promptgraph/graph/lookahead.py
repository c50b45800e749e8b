"""What a resolver's field is asked for, so that it reads no more than that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from strawberry.types.nodes import SelectedField, Selection

from promptgraph.domain.metrics import METRICS, measures_for
from promptgraph.graph.loaders import Info

_METRICS = {metric.field: metric for metric in METRICS}


def selected(selections: Iterable[Selection]) -> Iterator[SelectedField]:
    """The fields among selections, those of fragments included, but for what a directive leaves out."""
    for item in selections:
        if _is_left_out(item):
            continue
        if isinstance(item, SelectedField):
            yield item
        else:
            yield from selected(item.selections)


def _is_left_out(item: Selection) -> bool:
    """A literal is a text here, a variable its value."""
    skip, include = item.directives.get("skip", {}), item.directives.get("include", {})
    return skip.get("if") in (True, "true") or include.get("if") in (False, "false")


def measures_of(info: Info) -> tuple[str, ...]:
    """The measures that the metrics selected below the resolver's field are made of.

    cost  looked at once for each place in the document, however many parents it is resolved for
    """
    known = info.context.measures
    place = _place(info.path)
    if place not in known:
        known[place] = measures_for(_paths(info))
    return known[place]


def fields_of(info: Info) -> int:
    """How many fields are selected below the resolver's field, aliases and nested ones too.

    cost  as `measures_of`
    """
    known = info.context.fields
    place = _place(info.path)
    if place not in known:
        known[place] = sum(_count(own.selections) for own in selected(info.selected_fields))
    return known[place]


def is_selected(info: Info, *names: str) -> bool:
    """Whether one of these fields is selected below the resolver's field."""
    return any(
        item.name in names for own in selected(info.selected_fields) for item in selected(own.selections)
    )


def _count(selections: Iterable[Selection]) -> int:
    return sum(1 + _count(item.selections) for item in selected(selections))


def _paths(info: Info) -> Iterator[str]:
    for own in selected(info.selected_fields):
        for item in selected(own.selections):
            metric = _METRICS.get(item.name)
            if metric is not None and metric.stats:
                below = {stat.name for stat in selected(item.selections)} - {"__typename"}
                yield from (f"{metric.name}.{name}" for name in below)
            elif metric is not None:
                yield metric.name


def _place(path: Any) -> tuple[tuple[str, str | None], ...]:
    """Where a field stands in the document: its path without the indices of lists."""
    found = []
    while path is not None:
        if isinstance(path.key, str):
            found.append((path.key, path.typename))
        path = path.prev
    return tuple(found)
