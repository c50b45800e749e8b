"""Metrics: what the fields of metrics answer, and what is read for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from strawberry import Parent

from promptgraph.domain.asking import MAX_PAGE
from promptgraph.domain.bins import Bin, bins, zone_named
from promptgraph.domain.cover import is_ragged
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.domain.figures import Figures
from promptgraph.domain.metrics import GroupOrder, LatencyStats
from promptgraph.domain.metrics_key import Dimension, MetricsKey, OwnerKind
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.domain.registry import Agent
from promptgraph.graph.call_inputs import (
    MetricsFilterInput,
    WindowInput,
    checked_size,
    metrics_filter,
    window_of,
)
from promptgraph.graph.field import words
from promptgraph.graph.loaders import Context, Info
from promptgraph.graph.lookahead import fields_of, is_selected, measures_of
from promptgraph.graph.measured import Counted, CountedBy, CountedInBins
from promptgraph.store.metrics import Group, GroupsKey, Measured, SeriesKey

MAX_FIGURES = 60_000
"""How much the series of one request may come to: every measure in as many bins as there may be."""
BIN_ITSELF = 4
"""What a bin costs without a measure, in measures. A field that is selected costs as much as one."""

Within = Annotated[WindowInput | None, words("When the calls started; at any time by default.")]
Which = Annotated[MetricsFilterInput | None, words("Which calls count; all of them by default.")]


@dataclass(frozen=True, slots=True)
class CallMetrics:
    """The figures of `key`, and the window that they are of."""

    key: MetricsKey
    measured: Measured

    @property
    def figures(self) -> Figures:
        return self.measured.figures


@dataclass(frozen=True, slots=True)
class CallMetricsGroup:
    """A group by a dimension."""

    dimension: Dimension
    group: Group

    @property
    def figures(self) -> Figures:
        return self.group.figures


async def metrics(info: Info, window: Within = None, filter: Which = None) -> CallMetrics:
    """Figures of all calls; of no page, whatever is asked for beside them."""
    return await _metrics(info, OwnerKind.ALL, 0, window, filter)


async def prompt_metrics(
    root: Parent[Prompt], info: Info, window: Within = None, filter: Which = None
) -> CallMetrics:
    """Figures of this version's calls."""
    return await _metrics(info, OwnerKind.PROMPT, root.id, window, filter)


async def family_metrics(
    root: Parent[PromptFamily], info: Info, window: Within = None, filter: Which = None
) -> CallMetrics:
    """Figures of the calls of all versions."""
    return await _metrics(info, OwnerKind.FAMILY, root.id, window, filter)


async def agent_metrics(
    root: Parent[Agent], info: Info, window: Within = None, filter: Which = None
) -> CallMetrics:
    """Figures of the calls that the agent made."""
    return await _metrics(info, OwnerKind.AGENT, root.id, window, filter)


async def _metrics(
    info: Info, kind: OwnerKind, id_: int, window: WindowInput | None, filter_: MetricsFilterInput | None
) -> CallMetrics:
    """Figures of what is selected; nothing is read where only series or groups are."""
    within = window_of(window, info.context.at)
    key, measures = MetricsKey(kind, id_, within, metrics_filter(filter_)), measures_of(info)
    if not measures and not (is_ragged(within, hours=False) and is_selected(info, *_ENDS)):
        return CallMetrics(key, Measured(within, Figures.blank(())))
    return CallMetrics(key, await info.context.load.metrics.load(Counted(key, measures)))


_ENDS = ("since", "until")


async def metrics_series(
    root: Parent[CallMetrics],
    info: Info,
    bin: Annotated[Bin, words("How long a step is.")],
    time_zone: Annotated[str, words("The IANA name of the zone whose days and hours they are.")] = "UTC",
) -> list[Measured]:
    """The window in steps, empty ones too; the first and the last are cut to it. Without a window: the last
    7 days. At most 10 000 steps. Where calls have been pruned, steps are whole hours or days of UTC.
    """
    zone, measures = zone_named(time_zone), measures_of(info)
    within = root.key.window.bounded(info.context.at)
    _take(info.context, 0)  # once they come to too much, no more bins are made
    steps = bins(within, bin, zone)
    _take(info.context, len(steps) * (BIN_ITSELF + max(len(measures), fields_of(info))))
    if not measures and not any(is_ragged(step, hours=False) for step in steps):
        return [Measured(step, Figures.blank(())) for step in steps]
    key = SeriesKey(root.key._replace(window=within), bin, zone)
    return await info.context.load.series.load(CountedInBins(key, measures))


def _take(context: Context, figures: int) -> None:
    """raises  TooManyRowsError  the series of this request come to too much"""
    context.figures += figures
    if context.figures > MAX_FIGURES:
        raise TooManyRowsError(
            "The series of this request have too many bins with too many figures: ask for shorter windows,"
            " for longer bins, or for fewer figures.",
            limit=MAX_FIGURES,
            field="bin",
        )


async def metrics_by(
    root: Parent[CallMetrics],
    info: Info,
    dimension: Annotated[Dimension, words("What tells the groups apart.")],
    first: Annotated[int, words("How many groups: 1 to 100.")] = 20,
    order_by: Annotated[GroupOrder, words("Which groups come first.")] = GroupOrder.CALLS,
) -> list[CallMetricsGroup]:
    """The calls in groups. All that is left is one more group, `(other)`, so that shares sum to one."""
    key = GroupsKey(root.key, dimension, checked_size(first, MAX_PAGE), order_by)
    found = await info.context.load.groups.load(CountedBy(key, measures_of(info)))
    return [CallMetricsGroup(dimension, group) for group in found]


def latency_quantile(
    root: Parent[LatencyStats], q: Annotated[float, words("The share of the calls: 0 to 1.")]
) -> float | None:
    """What the share `q` of the calls did not exceed, within 1 % of the sample at that rank. Unit: ms."""
    return root.quantile(q)


def group_of(dimension: Dimension) -> Callable[[CallMetricsGroup], int | None]:
    """Reads the row that a group is about, where groups are by `dimension`."""
    return lambda root: root.group.id if root.dimension is dimension else None
