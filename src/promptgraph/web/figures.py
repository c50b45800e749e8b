"""What the metrics page shows, each figure declared once, and how those of several processes add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from promptgraph import __version__
from promptgraph.domain.spread import ROWS, SECONDS
from promptgraph.graph.pipeline import Pipeline
from promptgraph.record.recorder import Recorder
from promptgraph.web.streams import Streams
from promptgraph.web.watch import Watch

SEPARATOR = "|"
"""Between the values of labels; none of them holds one."""
Values: TypeAlias = dict[str, list[float]]
"""By the values of the labels: one number, or a histogram's counts and its sum."""
Figures: TypeAlias = dict[str, Values]
"""By the metric's name."""


class Kind(StrEnum):
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    """Ends with its process; those of several are added."""
    GREATEST = "greatest"
    """As a gauge, but the greatest of several counts."""


class Metric(NamedTuple):
    """A figure. `bounds`: of a histogram."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: Sequence[float] = ()


METRICS: Sequence[Metric] = (
    Metric("promptgraph_requests", Kind.COUNTER, "GraphQL and OTLP requests.", ("operation", "kind")),
    Metric(
        "promptgraph_request_duration_seconds",
        Kind.HISTOGRAM,
        "From a request's arrival to its answer; streams are left out.",
        ("operation",),
        SECONDS,
    ),
    Metric("promptgraph_errors", Kind.COUNTER, "Errors in answers, by their code.", ("code",)),
    Metric("promptgraph_responses", Kind.COUNTER, "HTTP answers of every path.", ("status",)),
    Metric("promptgraph_requests_under_way", Kind.GAUGE, "Requests that are being answered."),
    Metric(
        "promptgraph_executions",
        Kind.COUNTER,
        "Operations by who answered: fast, standard, or recalled from memory.",
        ("path",),
    ),
    Metric("promptgraph_replica_queries", Kind.COUNTER, "Queries that a standby was to answer.", ("by",)),
    Metric("promptgraph_deopts", Kind.COUNTER, "Operations that left the fast path.", ("reason",)),
    Metric("promptgraph_shadows", Kind.COUNTER, "Queries that were executed both ways."),
    Metric("promptgraph_shadow_differences", Kind.COUNTER, "Of these, those answered in two ways."),
    Metric("promptgraph_subscribers", Kind.GAUGE, "Connections that stay open: WebSockets and events."),
    Metric("promptgraph_calls", Kind.COUNTER, "Calls that were sent for recording.", ("status",)),
    Metric("promptgraph_lost_parts", Kind.COUNTER, "Values not stored because their redaction failed."),
    Metric("promptgraph_commit_rows", Kind.HISTOGRAM, "Calls that share a commit.", (), ROWS),
    Metric(
        "promptgraph_commit_wait_seconds",
        Kind.HISTOGRAM,
        "How long the first call of a commit waited for its answer.",
        (),
        SECONDS,
    ),
    Metric("promptgraph_recorder_queue", Kind.GAUGE, "Calls that wait to be written."),
    Metric("promptgraph_pool_in_use", Kind.GAUGE, "Database connections in use.", ("pool",)),
    Metric("promptgraph_pool_size", Kind.GAUGE, "Database connections that there may be.", ("pool",)),
    Metric("promptgraph_registry_revision", Kind.GREATEST, "The registry's revision as it is known here."),
    Metric("promptgraph_workers", Kind.GAUGE, "Processes of this server."),
    Metric("promptgraph_build_info", Kind.GREATEST, "The release that runs.", ("version",)),
)
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}
LASTING = frozenset(metric.name for metric in METRICS if metric.kind in (Kind.COUNTER, Kind.HISTOGRAM))
"""What counts on when its process has ended."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures of one process come from. `pools`: by name the connections in use, and their most."""

    watch: Watch
    pipeline: Pipeline
    streams: Streams
    recorder: Recorder
    pools: Callable[[], Mapping[str, tuple[int, int]]]

    def figures(self) -> Figures:
        """They, now."""
        return self._of_requests() | self._of_executions() | self._of_calls() | self._of_process()

    def _of_requests(self) -> Figures:
        watch = self.watch
        kinds = {
            f"{name}{SEPARATOR}{kind}": [float(count)]
            for name, tally in watch.tallies.items()
            for kind, count in tally.kinds.items()
        }
        return {
            "promptgraph_requests": kinds,
            "promptgraph_request_duration_seconds": {
                name: tally.times.figures() for name, tally in watch.tallies.items()
            },
            "promptgraph_errors": _by(watch.codes),
            "promptgraph_responses": _by({str(status): count for status, count in watch.statuses.items()}),
            "promptgraph_requests_under_way": _one(watch.under_way),
            "promptgraph_subscribers": _one(self.streams.open),
        }

    def _of_executions(self) -> Figures:
        counters = self.pipeline.counters
        paths = {"fast": counters.fast, "standard": counters.standard, "recalled": counters.recalled}
        return {
            "promptgraph_executions": _by(paths),
            "promptgraph_replica_queries": _by({"standby": counters.replica, "primary": counters.fallbacks}),
            "promptgraph_deopts": _by(counters.deopts),
            "promptgraph_shadows": _one(counters.shadows),
            "promptgraph_shadow_differences": _one(counters.differences),
        }

    def _of_calls(self) -> Figures:
        tallies = self.recorder.tallies
        return {
            "promptgraph_calls": _by({status.lower(): n for status, n in tallies.statuses.items()}),
            "promptgraph_lost_parts": _one(self.recorder.lost_parts),
            "promptgraph_commit_rows": {"": tallies.rows.figures()},
            "promptgraph_commit_wait_seconds": {"": tallies.waits.figures()},
            "promptgraph_recorder_queue": _one(self.recorder.waiting),
        }

    def _of_process(self) -> Figures:
        pools = self.pools()
        return {
            "promptgraph_pool_in_use": _by({name: used for name, (used, _) in pools.items()}),
            "promptgraph_pool_size": _by({name: size for name, (_, size) in pools.items()}),
            "promptgraph_registry_revision": _one(self.pipeline.state.revision or 0),
            "promptgraph_workers": _one(1),
            "promptgraph_build_info": {__version__: [1.0]},
        }


def added(one: Figures, other: Figures) -> Figures:
    """The figures of both."""
    return {
        name: _joined(one.get(name, {}), other.get(name, {}), greatest=metric.kind is Kind.GREATEST)
        for name, metric in BY_NAME.items()
    }


def lasting(figures: Figures) -> Figures:
    """What stays of the figures of a process that has ended."""
    return {name: values for name, values in figures.items() if name in LASTING}


def _joined(one: Values, other: Values, *, greatest: bool) -> Values:
    join: Callable[[float, float], float] = max if greatest else float.__add__
    both = {
        key: [join(float(a), float(b)) for a, b in zip(one[key], other[key], strict=True)]
        for key in one.keys() & other.keys()
    }
    return {**one, **other, **both}


def _by(counts: Mapping[str, int]) -> Values:
    return {key: [float(count)] for key, count in counts.items()}


def _one(value: int) -> Values:
    return {"": [float(value)]}
