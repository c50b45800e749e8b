"""The types of metrics, made from the rows that declare them: a metric is listed nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from promptgraph.domain import metrics as domain
from promptgraph.graph import metric_resolvers
from promptgraph.graph.field import attribute, computed, interface, resolved, shape
from promptgraph.graph.scalars import BigInt
from promptgraph.store.metrics import Measured

T = TypeVar("T")


def rows(declared: Iterable[domain.Named], of: Callable[[Any], Any] = lambda root: root) -> Callable[[T], T]:
    """Give a class a field for each row; `of` is where the row's function finds what it reads."""

    def add(cls: T) -> T:
        for row in declared:
            setattr(cls, row.name, computed(row.description, _reading(row, of)))
            cls.__annotations__[row.name] = TYPES[row.type]
        return cls

    return add


def _reading(row: Any, of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda root: row.of(of(root))


TYPES: dict[str, Any] = {
    "BigInt!": BigInt,
    "Float": float | None,
    "Decimal!": Decimal,
    "DateTime": dt.datetime | None,
    "String!": str,
}
"""What the rows call types."""


@shape
@rows(domain.LATENCY_STATS)
class LatencyStats:
    """How long calls took that ended OK, in milliseconds; null where none of them says. Quantiles are within
    1 % of the sample at that rank.
    """

    quantile: float | None = resolved(metric_resolvers.latency_quantile)


@shape
@rows(domain.SCORE_STATS)
class ScoreStats:
    """The scores of one name."""


TYPES |= {"LatencyStats!": LatencyStats, "[ScoreStats!]!": list[ScoreStats]}


@interface
@rows(domain.METRICS, attrgetter("figures"))
class CallFigures:
    """Figures of calls: of all in a window, in a step of a series, or in a group. They heed the window and
    the filter, and no page.
    """

    record: ClassVar[type]

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Objects are records."""
        return isinstance(obj, cls.record)


@shape
class CallMetricsBin(CallFigures):
    """Figures of the calls that started in one step of a series."""

    record = Measured
    since: dt.datetime = attribute("Where it begins.", of="window.since")
    until: dt.datetime = attribute(
        "Where it ends: the first moment that is no part of it.", of="window.until"
    )
