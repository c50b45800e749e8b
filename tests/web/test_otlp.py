"""The door for traces: what exporters send, in every form, and what they are answered."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from google.rpc.code_pb2 import Code
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.keys import Bindings
from promptgraph.record.span import Span
from promptgraph.record.traces import Taken, Traces
from promptgraph.store.database import Database
from promptgraph.web import otlp
from promptgraph.web.otlp import MAX_BYTES, START_BYTES
from tests.recorders import recorder
from tests.web.doors import client
from tests.web.otlp_bodies import CALL, FORMS, JSON, PROTOBUF, as_json, as_protobuf, field, request, span
from tests.web.otlp_doors import URL, answered, calls, door, refused, sent

WHOLE = as_protobuf(request(span()))

# ---------------------------------------------------------------- what is understood


@pytest.mark.parametrize("media", FORMS)
async def test_call_is_recorded_from_either_form(traced: httpx.AsyncClient, media: str) -> None:
    """The answer of a full success is empty, in the form of the request."""
    message = request(span(), span(), service_name="bot")
    answer = await sent(traced, FORMS[media](message), media)
    assert (media, ExportTraceServiceResponse()) == (answer.headers["content-type"], answered(answer))
    assert 2 == await calls(traced)


@pytest.mark.parametrize("media", FORMS)
async def test_refused_spans_are_counted(traced: httpx.AsyncClient, media: str) -> None:
    """Partial success: how many, and why; the others are recorded."""
    message = request(span(), span({"gen_ai.request.model": "m"}), span({"http.request.method": "GET"}))
    answer = await sent(traced, FORMS[media](message), media)
    told = answered(answer).partial_success
    assert 1 == told.rejected_spans
    assert told.error_message.startswith("1 x: It names no prompt: set gen_ai.prompt.name and ")
    assert 1 == await calls(traced)
    if media == JSON:
        assert "1" == answer.json()["partialSuccess"]["rejectedSpans"]  # 64 bits are a text


@pytest.mark.parametrize(
    ("media", "body"),
    [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans":null,"later":[{"x":1}]}')],
    ids=["protobuf", "JSON", "unknown fields"],
)
async def test_empty_request_is_a_success(traced: httpx.AsyncClient, media: str, body: bytes) -> None:
    """A collector's way to look whether somebody is there."""
    assert ExportTraceServiceResponse() == answered(await sent(traced, body, media))


# ---------------------------------------------------------------- compression


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
async def test_body_may_be_compressed(
    traced: httpx.AsyncClient, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    """As exporters can be told to; also where it is larger than what is inflated at once."""
    large = as_protobuf(request(*(span(CALL | {"else": os.urandom(400_000).hex()}) for _ in range(2))))
    for body in (as_protobuf(request(span())), large):
        assert ExportTraceServiceResponse() == answered(
            await sent(traced, pack(body), content_encoding=coding)
        )
    assert (True, 3) == (len(large) > START_BYTES, await calls(traced))


@pytest.mark.parametrize(
    ("size", "status"),
    [(MAX_BYTES, 200), (MAX_BYTES + 1, 413), (2**28, 413)],
    ids=["most", "more", "256 MiB"],
)
async def test_bomb_is_not_inflated(traced: httpx.AsyncClient, size: int, status: int) -> None:
    """A body is inflated to 16 MiB and no further, in bounded time."""
    packer = zlib.compressobj(wbits=31)
    body = packer.compress(b'{"' + b"a" * (size - 6) + b'":1}') + packer.flush()
    began = time.monotonic()
    answer = await sent(traced, body, JSON, content_encoding="gzip")
    assert status == answer.status_code, answer.text
    assert time.monotonic() - began < 10


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_spans_come_by_post_alone(traced: httpx.AsyncClient, method: str) -> None:
    """Whatever else is asked, the answer names POST."""
    answer = await traced.request(method, URL)
    assert (405, "POST") == (answer.status_code, answer.headers["allow"])


async def test_coding_that_is_not_taken_names_those_that_are(traced: httpx.AsyncClient) -> None:
    """Accept-Encoding says what to compress with."""
    answer = await sent(traced, WHOLE, content_encoding="zstd")
    assert (415, "gzip, deflate") == (answer.status_code, answer.headers["accept-encoding"])


HALF = '{"stringValue":"\\ud800"}'


@pytest.mark.parametrize("media", FORMS)
@pytest.mark.parametrize(
    "key", ["gen_ai.request.model", "promptgraph.prompt.id", "promptgraph.call.id", "user.id"]
)
async def test_hostile_value_is_quoted_harmlessly(traced: httpx.AsyncClient, media: str, key: str) -> None:
    """What UTF-8 cannot write is refused, with its span alone, in an answer that is UTF-8."""
    if media == JSON:
        body = json.loads(as_json(request(span(CALL | {key: "MARK"}))))
        raw = json.dumps(body).replace('{"stringValue": "MARK"}', HALF).encode()
    else:
        raw = as_protobuf(request(span(CALL | {key: "\0" * 10 + "\u202e<script>" + "\n" * 9})))
    told = answered(await sent(traced, raw, media)).partial_success
    assert 1 == told.rejected_spans
    assert not re.search("[\0\n\ud800]", told.error_message)


# ---------------------------------------------------------------- when the server cannot


@pytest.mark.parametrize("media", FORMS)
async def test_database_that_is_away_has_spans_sent_again(registry: Database, media: str) -> None:
    """503 with Retry-After, which exporters obey."""
    line = recorder(registry)
    await line.stop()
    async with client(door(registry, Traces(line).record)) as traced:
        answer = await sent(traced, FORMS[media](request(span())), media)
    assert (503, media, "1") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.headers["retry-after"],
    )
    assert Code.UNAVAILABLE == refused(answer).code


async def test_database_that_is_slow_has_spans_sent_again(registry: Database) -> None:
    """An exporter that waits for ever sends nothing else meanwhile."""

    async def slow(_spans: Sequence[Span], _bindings: Bindings) -> Taken:
        await asyncio.sleep(60)
        raise StoreUnavailableError("It never comes to this.")

    async with client(door(registry, slow, seconds=0.05)) as traced:
        answer = await sent(traced, WHOLE)
    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert "send the spans again" in refused(answer).message


async def test_large_bodies_wait_for_their_turn_only_so_long(
    registry: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small body that becomes large is sent away while others hold all turns; a small one is not."""
    monkeypatch.setattr(otlp, "TURN_SECONDS", 0.05)
    app = door(registry, Traces(recorder(registry)).record, turns=0)
    bomb = gzip.compress(b" " * 2 * START_BYTES)
    async with client(app) as web:
        assert 503 == (await sent(web, bomb, JSON, content_encoding="gzip")).status_code
        assert 200 == (await sent(web, gzip.compress(b"{}"), JSON, content_encoding="gzip")).status_code


async def test_client_that_goes_away_ends_nothing(registry: Database) -> None:
    """Half a body and gone: nobody is answered, and nothing fails."""
    app = door(registry, Traces(recorder(registry)).record)
    said: list[Any] = []
    messages = iter(
        [{"type": "http.request", "body": WHOLE[:5], "more_body": True}, {"type": "http.disconnect"}]
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "headers": [(b"host", b"localhost"), (b"content-type", PROTOBUF.encode())],
    }

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    assert [] == said


async def test_large_body_holds_up_no_other_request(traced: httpx.AsyncClient) -> None:
    """While millions of empty attributes are read, others are answered."""
    one = field(2, field(9, b"") * 450_000)
    body = field(1, field(2, one * 5))
    waits: list[float] = []
    done = threading.Event()

    async def others() -> None:
        while not done.is_set():
            began = time.monotonic()
            assert 200 == (await traced.get("/healthz")).status_code
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(others())
    assert ExportTraceServiceResponse() == answered(await sent(traced, body))
    done.set()
    await task
    assert len(waits) > 5
    assert max(waits) < 1
