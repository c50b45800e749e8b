"""Figures of all time and series by the hour, straight from cells. What was written of the same cells before
is kept: a part of the answer is remembered by all that it is made of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from promptgraph.domain.bins import Bin, edges
from promptgraph.domain.figures import Figures
from promptgraph.domain.metrics import METRICS, measures_for
from promptgraph.domain.metrics_key import EVERY_CALL, MetricsKey, OwnerKind
from promptgraph.domain.period import DAY_HOURS, HOUR_US, instant_of
from promptgraph.domain.window import Window
from promptgraph.graph.call_inputs import metrics_filter, window_of
from promptgraph.graph.fast.batches import Batch, Planner, Rows
from promptgraph.graph.fast.selection import TYPENAME, Place
from promptgraph.graph.loaders import Context
from promptgraph.graph.metric_resolvers import BIN_ITSELF, MAX_FIGURES, CallMetrics
from promptgraph.graph.remembered import Remembered
from promptgraph.store.direct import NotDirectError
from promptgraph.store.hours import COUNTABLE, Span, Sums, checked, hours
from promptgraph.store.metrics import Measured
from promptgraph.store.totals import SCOPE, Total, totals

MOST_PARTS = 50_000
"""So many parts of answers are remembered: a bin of a series is one, the figures of an owner are as many as
they have fields.
"""
_METRICS = {metric.field: metric for metric in METRICS}

_written: Remembered[Hashable, list[Any]] = Remembered(MOST_PARTS)


def measures_of(place: Place) -> tuple[str, ...]:
    """The measures that the metrics selected there are made of."""
    return measures_for(_paths(place))


def _paths(place: Place) -> Iterator[str]:
    for selected in place.fields:
        metric = _METRICS.get(selected.name)
        if metric is not None and metric.stats and selected.below is not None:
            yield from (f"{metric.name}.{name}" for name in selected.below.names - {TYPENAME})
        elif metric is not None:
            yield metric.name


def figures_of(kind: OwnerKind) -> Planner:
    """Figures of owners of a kind, of all time."""

    def plan(place: Place, rows: Rows | None) -> Batch | None:
        measures = measures_of(place)
        if rows is None or not measures:
            return None

        async def read(
            context: Context, parents: Sequence[Any], given: Mapping[str, Any]
        ) -> list[Any] | None:
            window = window_of(given.get("window"), context.at)
            if window != Window() or metrics_filter(given.get("filter")) != EVERY_CALL:
                return None
            ids = [0 if parent is None else parent.id for parent in parents]
            try:
                found = await totals(context.db, kind, ids, measures)
                return [_figures(rows, place.size, kind, total) for total in found]
            except NotDirectError:
                return None

        return Batch(read, shaped=True, words=(f"cells of all time: {', '.join(measures)}",))

    return plan


def _figures(rows: Rows, size: int, kind: OwnerKind, total: Total) -> Any:
    """The part of the answer that these figures are: the same for the same cells."""
    key = (rows, total.mark)
    found = _written.get(key)
    if found is None:
        measured = Measured(Window(), total.figures())
        found = rows([CallMetrics(MetricsKey(kind), measured)])
        _written.put(key, found, size)
    return found[0]


def series(place: Place, rows: Rows | None) -> Batch | None:
    """Bins of an hour in UTC, of what adds up."""
    measures = measures_of(place)
    if rows is None or not measures or not COUNTABLE.issuperset(measures):
        return None

    async def read(
        context: Context, parents: Sequence[CallMetrics], given: Mapping[str, Any]
    ) -> list[Any] | None:
        if given["bin"] is not Bin.HOUR or given.get("time_zone", "UTC") != "UTC":
            return None
        keys = [parent.key for parent in parents]
        if any(key.kind not in SCOPE or key.wanted != EVERY_CALL for key in keys):
            return None
        windows = [key.window.bounded(context.at) for key in keys]
        figures = sum(len(edges(window, Bin.HOUR, dt.UTC)) for window in windows)
        figures *= BIN_ITSELF + max(len(measures), place.size)
        if context.figures + 2 * figures > MAX_FIGURES:  # the resolver counts, and says what is too much
            return None
        try:
            spans = [Span.of(window, context.at) for window in windows]
            found = [
                await hours(context.db, key.kind, key.owner_id, span, measures)
                for key, span in zip(keys, spans, strict=True)
            ]
        except NotDirectError:
            return None
        context.figures += figures
        parts = zip(windows, spans, found, strict=True)
        return [_series(rows, measures, *each) for each in parts]

    return Batch(read, shaped=True, words=(f"cells of hours: {', '.join(measures)}",))


def _series(
    rows: Rows, measures: tuple[str, ...], window: Window, span: Span, sums: Sequence[Sums | None]
) -> list[Any]:
    """The bins: whole hours by the day, as they are remembered; the parts of hours at the ends."""
    made: list[Any] = []
    starts = 0
    if span.before is not None:
        made += _bins(rows, measures, [Window(window.since, _hour(span.first))], sums[:1])
        starts = 1
    hour = span.first
    while hour < span.last:
        end = min(span.last, hour - hour % DAY_HOURS + DAY_HOURS)
        some = tuple(sums[starts + hour - span.first : starts + end - span.first])
        key = (rows, measures, hour, some)
        found = _written.get(key)
        if found is None:
            windows = [Window(_hour(each), _hour(each + 1)) for each in range(hour, end)]
            found = _bins(rows, measures, windows, some)
            _written.put(key, found, len(found))
        made += found
        hour = end
    if span.after is not None:
        made += _bins(rows, measures, [Window(_hour(span.last), window.until)], sums[-1:])
    return made


def _hour(hour: int) -> dt.datetime:
    return instant_of(hour * HOUR_US)


def _bins(
    rows: Rows, measures: tuple[str, ...], windows: Sequence[Window], sums: Sequence[Sums | None]
) -> list[Any]:
    figures = [
        Figures.blank(measures) if each is None else Figures.of_values(measures, checked(each))
        for each in sums
    ]
    return rows([Measured(*each) for each in zip(windows, figures, strict=True)])
