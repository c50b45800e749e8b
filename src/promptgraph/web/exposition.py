"""The metrics page, in the forms that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from promptgraph.web.figures import METRICS, SEPARATOR, Figures, Kind, Metric, Values


class _Given(Collector):
    """Gives these figures."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Family]:
        return (FAMILIES[metric.kind](metric, self._figures.get(metric.name, {})) for metric in METRICS)


def page(figures: Figures, accept: str) -> tuple[bytes, str]:
    """The page and its media type, in the form that Accept asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(figures))
    encode, media = choose_encoder(accept)
    return encode(registry), media


def _counter(metric: Metric, values: Values) -> Family:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for key, (value,) in values.items():
        family.add_metric(_labels(metric, key), value)
    return family


def _gauge(metric: Metric, values: Values) -> Family:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for key, (value,) in values.items():
        family.add_metric(_labels(metric, key), value)
    return family


def _histogram(metric: Metric, values: Values) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    names = [*(repr(float(bound)) for bound in metric.bounds), "+Inf"]
    for key, (*counts, total) in values.items():
        buckets = list(zip(names, accumulate(counts), strict=True))
        family.add_metric(_labels(metric, key), buckets, total)
    return family


def _labels(metric: Metric, key: str) -> list[str]:
    return key.split(SEPARATOR) if metric.labels else []


FAMILIES: Mapping[Kind, Callable[[Metric, Values], Family]] = {
    Kind.COUNTER: _counter,
    Kind.HISTOGRAM: _histogram,
    Kind.GAUGE: _gauge,
    Kind.GREATEST: _gauge,
}
