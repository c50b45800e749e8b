"""Metrics: of a window, as a series, by groups; each for many owners at once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from promptgraph.domain.bins import Bin, bins
from promptgraph.domain.cells import NOBODY, NOTHING, OTHER
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.figures import Figures
from promptgraph.domain.free_values import OTHER_AGENT
from promptgraph.domain.measures import ALL
from promptgraph.domain.metrics import GroupOrder, measures_for
from promptgraph.domain.metrics_key import Dimension, MetricsKey
from promptgraph.domain.window import Window
from promptgraph.store.database import Session
from promptgraph.store.metrics_asked import Asked, asked
from promptgraph.store.sources import Source, source_of
from promptgraph.store.tally import Tally, answered, tally

MAX_GROUPS = 1_000


class Measured(NamedTuple):
    """Figures, and the window that they are of."""

    window: Window
    figures: Figures


class Group(NamedTuple):
    """Figures of the calls that have one value of a dimension. `id` is the row's where the dimension is
    prompts, families or agents; `key` its name, None for none and `(other)` for all the rest; `window` what
    the figures are of.
    """

    key: str | None
    id: int | None
    figures: Figures
    window: Window


async def metrics(
    given: Session | Source, keys: Sequence[MetricsKey], measures: Sequence[str] = ALL
) -> list[Measured]:
    """These measures of each key's calls, in key order, and the windows that they are of: an edge before what
    was pruned lies where a UTC hour or day begins.

    keys    `measures` as `domain.metrics.measures_for` gives them: nothing else is read
    cost    per kind, window and filter: up to five statements, and those of `asked`
    raises  InvalidRollupError  stored figures are damaged
    """
    source, made = source_of(given), [Measured(key.window, Figures.blank(measures)) for key in keys]
    for each, places in await asked(source, keys):
        windows = await answered(source, each, [each.window], _columns(each))
        owners = _by_owner(each, await tally(source, each, windows, _columns(each), measures))
        for place in places:
            figures = owners.get((keys[place].owner_id, 0)) or made[place].figures
            made[place] = Measured(windows[0], figures)
    return made


class SeriesKey(NamedTuple):
    """A key's calls in steps of a time zone."""

    key: MetricsKey
    step: Bin
    zone: dt.tzinfo


async def series(
    given: Session | Source, keys: Sequence[SeriesKey], measures: Sequence[str] = ALL
) -> list[list[Measured]]:
    """Every bin of each key's window, which has both ends; empty ones too, in key order. Where calls were
    pruned, bins are whole hours or days of UTC, several of them one where no less was kept.

    cost    per kind, window, filter, step and zone as `metrics`
    raises  TooManyRowsError    more than 10 000 bins, too many days of single calls
            InvalidInputError   a window with an open end
            InvalidRollupError  stored figures are damaged
    """
    source, made = source_of(given), list[list[Measured]]([] for _ in keys)
    alike: defaultdict[tuple[Bin, dt.tzinfo], list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        alike[key.step, key.zone].append(place)
    for (step, zone), some in alike.items():
        for each, places in await asked(source, [keys[place].key for place in some]):
            steps = bins(each.window, step, zone)
            windows = await answered(source, each, steps, _columns(each))
            owners = _by_owner(each, await tally(source, each, windows, _columns(each), measures))
            for place in (some[at] for at in places):
                owner = keys[place].key.owner_id
                made[place] = [
                    Measured(window, owners.get((owner, at)) or Figures.blank(measures))
                    for at, window in enumerate(windows)
                ]
    return made


class GroupsKey(NamedTuple):
    """The groups of a key's calls: the first ones in an order, and one more of the rest."""

    key: MetricsKey
    dimension: Dimension
    first: int = 20
    order: GroupOrder = GroupOrder.CALLS


async def groups(
    given: Session | Source, keys: Sequence[GroupsKey], measures: Sequence[str] = ALL
) -> list[list[Group]]:
    """The groups of each key, in key order: figures of all groups add up to those of the key.

    cost    per kind, window, filter and dimension as `metrics`; one more for the groups' names
    raises  InvalidInputError   fewer groups than one, or more than a thousand
            InvalidRollupError  stored figures are damaged
    """
    source, made = source_of(given), list[list[Group]]([] for _ in keys)
    alike: defaultdict[Dimension, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if not 1 <= key.first <= MAX_GROUPS:
            raise InvalidInputError(f"first is a number from 1 to {MAX_GROUPS}.", field="first")
        alike[key.dimension].append(place)
    for dimension, some in alike.items():
        needed = _with_order(measures, {keys[place].order for place in some})
        for each, places in await asked(source, [keys[place].key for place in some]):
            columns = list(dict.fromkeys((*_columns(each), dimension.column)))
            windows = await answered(source, each, [each.window], columns)
            found = await tally(source, each, windows, columns, needed)
            named = await _named(
                source, dimension, {key[1 + columns.index(dimension.column)] for key in found}
            )
            owned = _grouped(each, found, columns.index(dimension.column), named)
            for place in (some[at] for at in places):
                ranked = _ranked(owned[keys[place].key.owner_id], keys[place], needed)
                made[place] = [Group(*name, figures, windows[0]) for name, figures in ranked]
    return made


def _columns(each: Asked) -> list[str]:
    return [each.column] if each.column else []


def _with_order(measures: Sequence[str], orders: set[GroupOrder]) -> tuple[str, ...]:
    needed = {*measures, *measures_for(order.value for order in orders)}
    return tuple(name for name in ALL if name in needed)


def _by_owner(each: Asked, found: Tally) -> dict[tuple[int, int], Figures]:
    """By owner and place of the window; of a family, all its prompts."""
    made: dict[tuple[int, int], Figures] = {}
    for (at, *key), figures in found.items():
        place = each.owner(key[0]) if key else 0, int(at)
        if place in made:
            made[place].add(figures)
        else:
            made[place] = figures
    return made


_Name = tuple[str | None, int | None]
"""A group's key and id: what makes it one."""
_REST: _Name = (OTHER, None)
_NOBODY: _Name = (None, None)


def _grouped(
    each: Asked, found: Tally, column: int, named: Mapping[int | str, _Name]
) -> defaultdict[int, dict[_Name, Figures]]:
    """By owner, then by group."""
    made: defaultdict[int, dict[_Name, Figures]] = defaultdict(dict)
    for (_, *key), figures in found.items():
        mine = made[each.owner(key[0])]
        name = named[key[column]]
        if name in mine:
            mine[name].add(figures)
        else:
            mine[name] = figures
    return made


def _ranked(
    mine: Mapping[_Name, Figures], key: GroupsKey, measures: Sequence[str]
) -> list[tuple[_Name, Figures]]:
    apart = [name for name in mine if name != _REST]
    apart.sort(key=lambda name: (name[0] is None, name[0] or ""))
    apart.sort(key=lambda name: key.order.key(mine[name]), reverse=True)
    shown = [(name, mine[name]) for name in apart[: key.first]]
    left = [mine[name] for name in (*apart[key.first :], *([_REST] if _REST in mine else ()))]
    if left:
        rest = Figures.blank(measures)
        for figures in left:
            rest.add(figures)
        shown.append((_REST, rest))
    return shown


async def _named(source: Source, dimension: Dimension, values: set[int | str]) -> dict[int | str, _Name]:
    """The group of each value of a dimension's column."""
    made: dict[int | str, _Name] = {NOBODY: _NOBODY, NOTHING: _NOBODY, OTHER: _REST, OTHER_AGENT: _REST}
    ids = [value for value in values if isinstance(value, int) and value > 0]
    if dimension in {Dimension.PROMPT, Dimension.FAMILY}:
        for id_, name, number, family_id in await source.versions(ids):
            one = dimension is Dimension.PROMPT
            made[id_] = (f"{name}@{number}", id_) if one else (name, family_id)
    elif dimension is Dimension.AGENT:
        made |= {id_: (name, id_) for id_, name in await source.agents(ids)}
    else:
        made |= {value: (str(value), None) for value in values if value not in made}
    return made
