"""Spans of requests, where somebody wants them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from promptgraph.store.watched import Watched
from promptgraph.web.application import application
from promptgraph.web.http import Door
from promptgraph.web.tracing import Tracing
from tests.children import surroundings
from tests.graph.registry import FILES, pipeline, sync
from tests.web.doors import JSON, OPEN, asking, client, nothing_open

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def web(
    spans: InMemorySpanExporter, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing = Tracing(provider)
    path = tmp_path / "traced.db"
    shutil.copy(sqlite_template, path)
    db = Watched(tracing.visit, f"sqlite:///{path}")
    await sync(db, FILES)
    door = Door(pipeline(db), OPEN, watch=tracing.watch((), 10))
    async with client(application(door, nothing_open, ["localhost"])) as opened:
        yield opened
    await db.close()
    await tracing.stop()


async def test_a_request_is_a_span_and_its_visits_are_within(
    web: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    """Below the span that the client names, with the operation's name and no variable."""
    headers = {**JSON, "traceparent": f"00-{TRACE}-{PARENT}-01"}
    text = "query Names($n: String!) { prompt(name: $n) { version } }"
    query = asking(text, variables={"n": "s3cret"})
    await web.post("/graphql", content=query, headers=headers)
    await web.get("/healthz")
    *visits, request = spans.get_finished_spans()
    assert request.parent is not None
    assert request.context is not None
    assert ("/graphql Names", int(TRACE, 16)) == (request.name, request.context.trace_id)
    assert int(PARENT, 16) == request.parent.span_id
    assert request.attributes is not None
    assert (200, "data") == (
        request.attributes["http.response.status_code"],
        request.attributes["promptgraph.kind"],
    )
    assert {"sqlite read"} == {visit.name for visit in visits}
    assert {request.context.span_id} == {visit.parent.span_id for visit in visits if visit.parent}
    assert "s3cret" not in "".join(span.to_json() for span in spans.get_finished_spans())


async def test_an_error_names_its_code(web: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    """So that traces can be found by it."""
    await web.post("/graphql", content=asking("query Wrong { nope }"), headers=JSON)
    attributes = spans.get_finished_spans()[-1].attributes
    assert attributes is not None
    assert "INVALID_INPUT" == attributes["error.type"]


def test_nothing_is_imported_where_no_spans_are_wanted() -> None:
    """Neither the library nor what uses it."""
    program = (
        "import sys; from promptgraph.app import build; from promptgraph.config import load; build(load());"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.trace',"
        " 'promptgraph.web.tracing'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=surroundings(), capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
