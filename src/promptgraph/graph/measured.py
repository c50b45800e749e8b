"""Metrics as loaders ask for them: what each key needs is read for all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError
from promptgraph.domain.measures import MEASURE
from promptgraph.domain.metrics_key import MetricsKey
from promptgraph.store.database import Session
from promptgraph.store.metrics import Group, GroupsKey, Measured, SeriesKey, groups, metrics, series
from promptgraph.store.sources import Source

T = TypeVar("T")
Measures = tuple[str, ...]


class Counted(NamedTuple):
    """One owner's metrics, and of which measures."""

    key: MetricsKey
    measures: Measures


class CountedInBins(NamedTuple):
    """A series, whose window has both ends, and of which measures."""

    key: SeriesKey
    measures: Measures


class CountedBy(NamedTuple):
    """Groups, and of which measures."""

    key: GroupsKey
    measures: Measures


async def counted(source: Session | Source, keys: Sequence[Counted]) -> list[Measured | PromptgraphError]:
    """The figures of each key."""
    return await _apart(keys, lambda asked, measures: metrics(source, asked, measures))


async def counted_in_bins(
    source: Session | Source, keys: Sequence[CountedInBins]
) -> list[list[Measured] | PromptgraphError]:
    """The bins of each key with their figures."""
    return await _apart(keys, lambda asked, measures: series(source, asked, measures))


async def counted_by(
    source: Session | Source, keys: Sequence[CountedBy]
) -> list[list[Group] | PromptgraphError]:
    """The groups of each key with their figures."""
    return await _apart(keys, lambda asked, measures: groups(source, asked, measures))


async def _apart(
    keys: Sequence[Any], query: Callable[[list[Any], Measures], Awaitable[list[T]]]
) -> list[T | PromptgraphError]:
    """What each key gets, or the error that refuses it. Keys that differ by their owner alone are asked for
    together, as the store would: what is wrong with one question fails no other.

    raises  StoreUnavailableError  the database is out of reach, for all of them
    """
    alike: defaultdict[Any, list[int]] = defaultdict(list)
    for place, (key, _) in enumerate(keys):
        alike[_question(key)].append(place)
    made: dict[int, T | PromptgraphError] = {}
    for places in alike.values():
        some = [keys[place] for place in places]
        try:
            found = await query([each.key for each in some], joined(each.measures for each in some))
            made |= zip(places, found, strict=True)
        except StoreUnavailableError:
            raise
        except PromptgraphError as error:
            made |= dict.fromkeys(places, error)
    return [made[place] for place in range(len(keys))]


def _question(key: MetricsKey | SeriesKey | GroupsKey) -> tuple[Any, ...]:
    """The key without its owner."""
    if isinstance(key, MetricsKey):
        return key._replace(owner_id=0)
    return key._replace(key=key.key._replace(owner_id=0))


def joined(asked: Iterable[Measures]) -> Measures:
    """All of these measures, in the order of the table."""
    wanted = {name for measures in asked for name in measures}
    return tuple(name for name in MEASURE if name in wanted)
