"""Spans of OpenTelemetry: one for each request, and within it one for each visit to the database. This module
is imported where they are wanted, and nowhere else.

source  OpenTelemetry's semantic conventions for HTTP, GraphQL and databases
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import Token
from typing import NamedTuple

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.types import Scope, Send

from promptgraph import __version__
from promptgraph.domain.errors import PromptgraphError
from promptgraph.web.watch import COUNTED, Exchange, Watch

OURS = {"service.name": "promptgraph", "service.version": __version__}
FAULT = 500


class _Open(NamedTuple):
    """The span of a request under way, and what was current before."""

    span: Span
    before: Token[Context]


class Tracing:
    """Makes spans; without a provider they go where OpenTelemetry's own variables say."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider or _exporting()
        self.tracer = self._provider.get_tracer("promptgraph", __version__)

    def watch(self, known: Iterable[str], most: int) -> Watch:
        """A watch of requests that makes a span of each."""
        return TracedWatch(self.tracer, known, most)

    def visit(self, product: str, act: str) -> AbstractContextManager[object]:
        """The span of a visit to the database, where a request is under way that has one."""
        return _visit(self.tracer, product, act)

    async def stop(self) -> None:
        """Send what has not been sent yet."""
        await asyncio.to_thread(self._provider.shutdown)


class TracedWatch(Watch):
    """As `Watch`, with a span for each request at a door of the API."""

    def __init__(self, tracer: trace.Tracer, known: Iterable[str], most: int) -> None:
        super().__init__(known, most)
        self._tracer = tracer
        self._open: dict[Exchange, _Open] = {}

    def begun(self, scope: Scope, send: Send) -> Exchange:
        exchange = super().begun(scope, send)
        if exchange.place in COUNTED:
            told = propagate.extract(_headers(scope))
            span = self._tracer.start_span(exchange.place, told, SpanKind.SERVER)
            self._open[exchange] = _Open(span, context.attach(trace.set_span_in_context(span, told)))
        return exchange

    def ended(self, exchange: Exchange) -> None:
        found = self._open.pop(exchange, None)
        super().ended(exchange)
        if found is not None:
            context.detach(found.before)
            _describe(found.span, exchange)
            found.span.end()


def _exporting() -> TracerProvider:
    made = TracerProvider(resource=Resource.create(OURS).merge(OTELResourceDetector().detect()))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def _headers(scope: Scope) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _describe(span: Span, exchange: Exchange) -> None:
    """What became of the request; no document and no variable."""
    if exchange.operation:
        span.update_name(f"{exchange.place} {exchange.operation}")
        span.set_attribute("graphql.operation.name", exchange.operation)
    span.set_attribute("http.route", exchange.place)
    span.set_attribute("http.response.status_code", exchange.status)
    span.set_attribute("promptgraph.request_id", exchange.request_id.decode("ascii"))
    span.set_attribute("promptgraph.kind", exchange.kind)
    if exchange.path:
        span.set_attribute("promptgraph.path", exchange.path)
    if exchange.codes:
        span.set_attribute("error.type", min(exchange.codes))
    if exchange.status >= FAULT:
        span.set_status(Status(StatusCode.ERROR))


@contextmanager
def _visit(tracer: trace.Tracer, product: str, act: str) -> Iterator[None]:
    if not trace.get_current_span().is_recording():
        yield
        return
    with tracer.start_as_current_span(
        f"{product} {act}", kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        span.set_attribute("db.system.name", product)
        span.set_attribute("db.operation.name", act)
        try:
            yield
        except PromptgraphError as error:
            span.set_attribute("error.type", error.code)
            span.set_status(Status(StatusCode.ERROR))
            raise
