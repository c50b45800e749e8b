"""The metrics, each declared once: the SDL, the docs, and the columns of the CLI follow from these rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from promptgraph.domain.call import usd
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import ALL, MEASURE, NO_MAXIMUM, NO_MINIMUM
from promptgraph.domain.period import instant_of

T = TypeVar("T")
_NANO = 1_000_000_000
_MS = "_ms"


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """How long calls took that ended OK, in milliseconds; null where none of them says. Quantiles are within
    1 % of the sample at that rank.
    """

    figures: Figures
    prefix: str

    def _number(self, end: str) -> int:
        return self.figures[self.prefix + end]

    def mean(self) -> float | None:
        calls = self._number("_calls")
        return self._number("_us") / (calls * 1000) if calls else None

    def max(self) -> float | None:
        longest = self._number("_max_us")
        return None if longest == NO_MAXIMUM else longest / 1000

    def quantile(self, q: float) -> float | None:
        """The duration that the share `q` of the calls did not exceed; never above `max`.

        raises  InvalidInputError  `q` is not within 0 to 1
        """
        found = self.figures.histograms[f"{self.prefix}_histogram"].quantile(q)
        return None if found is None else min(found, self._number("_max_us")) / 1000


@dataclass(frozen=True, slots=True)
class ScoreStats:
    """The scores of one name."""

    name: str
    count: int
    mean: float | None


Answer: TypeAlias = int | float | str | Decimal | dt.datetime | LatencyStats | tuple[ScoreStats, ...] | None


class Named:
    """What has a name in Python and the same one, in camel case, in GraphQL."""

    __slots__ = ()
    name: str
    type: str
    words: str
    unit: str | None

    @property
    def description(self) -> str:
        return f"{self.words} Unit: {self.unit}." if self.unit else self.words

    @property
    def field(self) -> str:
        """The name in GraphQL."""
        first, *rest = self.name.split("_")
        return first + "".join(map(str.capitalize, rest))


@dataclass(frozen=True, slots=True)
class Stat(Named, Generic[T]):
    """A field of LatencyStats or ScoreStats. `needs` are the ends of the names of measures that it reads."""

    name: str
    type: str
    words: str
    unit: str | None
    of: Callable[[T], int | float | str | None]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric(Named):
    """A figure that is answered. `type` is GraphQL's; `needs` are the measures that `of` reads: of no call it
    gives 0 for none, None for undefined.
    """

    name: str
    type: str
    words: str
    unit: str | None
    needs: tuple[str, ...]
    of: Callable[[Figures], Answer]
    stats: tuple[Stat[LatencyStats], ...] = ()


_QUANTILE = ("_max_us", "_histogram")

LATENCY_STATS: tuple[Stat[LatencyStats], ...] = (
    Stat("mean", "Float", "The mean.", "ms", LatencyStats.mean, ("_calls", "_us")),
    Stat("p50", "Float", "Half of the calls took no longer.", "ms", lambda s: s.quantile(0.5), _QUANTILE),
    Stat("p90", "Float", "90 % of the calls took no longer.", "ms", lambda s: s.quantile(0.9), _QUANTILE),
    Stat("p95", "Float", "95 % of the calls took no longer.", "ms", lambda s: s.quantile(0.95), _QUANTILE),
    Stat("p99", "Float", "99 % of the calls took no longer.", "ms", lambda s: s.quantile(0.99), _QUANTILE),
    Stat("max", "Float", "The longest, exactly.", "ms", LatencyStats.max, ("_max_us",)),
)
"""The fields of LatencyStats, but for `quantile(q:)`, which takes an argument."""

SCORE_STATS: tuple[Stat[ScoreStats], ...] = (
    Stat("name", "String!", "What is scored.", None, lambda s: s.name),
    Stat("count", "BigInt!", "How many scores have a value.", "scores", lambda s: s.count),
    Stat("mean", "Float", "The mean of their values.", None, lambda s: s.mean),
)
"""The fields of ScoreStats."""


def _plain(name: str) -> Metric:
    """The metric that is a measure, by its own name and in its own words."""
    measure = MEASURE[name]
    return Metric(name, "BigInt!", measure.words, measure.unit, (name,), lambda figures: figures[name])


def _latency(prefix: str, words: str) -> Metric:
    return Metric(
        prefix + _MS,
        "LatencyStats!",
        words,
        "ms",
        tuple(dict.fromkeys(prefix + end for stat in LATENCY_STATS for end in stat.needs)),
        lambda figures: LatencyStats(figures, prefix),
        LATENCY_STATS,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _instant(micros: int, nothing: int) -> dt.datetime | None:
    return None if micros == nothing else instant_of(micros)


def _scores(figures: Figures) -> tuple[ScoreStats, ...]:
    return tuple(
        ScoreStats(name, count, total / (count * _NANO))
        for name, (count, total) in sorted(figures.scores.items())
        if count
    )


METRICS: tuple[Metric, ...] = (
    _plain("calls"),
    _plain("errors"),
    Metric(
        "error_share",
        "Float",
        "Errors divided by calls, 0 to 1; null when there are no calls.",
        None,
        ("errors", "calls"),
        lambda f: _share(f["errors"], f["calls"]),
    ),
    _plain("unlinked_calls"),
    _plain("input_tokens"),
    _plain("output_tokens"),
    _plain("cache_read_input_tokens"),
    _plain("cache_write_input_tokens"),
    _plain("reasoning_output_tokens"),
    Metric(
        "cost_usd",
        "Decimal!",
        "What the calls cost. Calls whose price nobody knows are left out: unpricedCalls counts them.",
        "USD",
        ("cost_nano_usd",),
        lambda f: usd(f["cost_nano_usd"]),
    ),
    _plain("unpriced_calls"),
    _latency("latency", "How long calls took that ended OK."),
    _latency("time_to_first_token", "How long calls that ended OK waited for the first token."),
    Metric(
        "first_call_at",
        "DateTime",
        "When the first of the calls started; null when there are no calls.",
        None,
        ("first_call_us",),
        lambda f: _instant(f["first_call_us"], NO_MINIMUM),
    ),
    Metric(
        "last_call_at",
        "DateTime",
        "When the last of the calls started; null when there are no calls.",
        None,
        ("last_call_us",),
        lambda f: _instant(f["last_call_us"], NO_MAXIMUM),
    ),
    Metric(
        "scores",
        "[ScoreStats!]!",
        "Scores of the calls that have a value, by name.",
        None,
        ("scores",),
        _scores,
    ),
)


def _leaves(metric: Metric) -> Iterable[Metric]:
    """The metric itself, or each number of its LatencyStats as a metric named by its path."""
    if not metric.stats:
        return () if metric.name == "scores" else (metric,)
    prefix = metric.name.removesuffix(_MS)
    return (_leaf(metric, stat, prefix) for stat in metric.stats)


def _leaf(metric: Metric, stat: Stat[LatencyStats], prefix: str) -> Metric:
    return Metric(
        f"{metric.name}.{stat.name}",
        stat.type,
        f"{metric.words} {stat.words}",
        stat.unit,
        tuple(prefix + end for end in stat.needs),
        lambda figures: stat.of(LatencyStats(figures, prefix)),
    )


LEAVES: Mapping[str, Metric] = {leaf.name: leaf for metric in METRICS for leaf in _leaves(metric)}
"""Every metric that is one value, by its path: `calls`, `latency_ms.p95`. Columns and orders are named so."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    **{metric.name: metric.needs for metric in (*METRICS, *LEAVES.values())},
    **{
        f"{metric.name}.quantile": tuple(metric.name.removesuffix(_MS) + end for end in _QUANTILE)
        for metric in METRICS
        if metric.stats
    },
}


def measures_for(paths: Iterable[str]) -> tuple[str, ...]:
    """The measures that these metrics are made of, in the order of the table: what must be read, and no more.

    keys    names of metrics, or paths: `latency_ms.p95`, `latency_ms.quantile`
    raises  KeyError  there is no such metric
    """
    needed = {measure for path in paths for measure in _NEEDS[path]}
    return tuple(name for name in ALL if name in needed)


class GroupOrder(StrEnum):
    """What groups are put in order by, the greatest first. The value is the metric's path."""

    CALLS = "calls"
    ERRORS = "errors"
    COST = "cost_usd"
    P95 = "latency_ms.p95"

    def key(self, figures: Figures) -> float | Decimal:
        """What to compare; what is undefined comes last."""
        value = LEAVES[self].of(figures)
        return value if isinstance(value, int | float | Decimal) else -1
