"""GraphQL over server-sent events: what an EventSource or a fetch is answered."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from promptgraph.store.database import Database
from promptgraph.web import sse
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from promptgraph.web.streams import Streams
from tests.graph.recording import call, call_id, recorded
from tests.graph.registry import pipeline
from tests.web.connections import Stream, streaming, until
from tests.web.doors import OPEN, client, nothing_open

CALLS = "subscription{llmCallRecorded{callId}}"
EVENTS = "text/event-stream"
BOTH = f"application/graphql-response+json, application/json;q=0.9, {EVENTS};q=0.8"
SET = 'mutation{setPromptLabel(input:{name:"support/answer",label:"beta",version:1}){errors{code}}}'


@pytest.fixture
def streams() -> Streams:
    return Streams(limit=2)


@pytest.fixture
def app(registry: Database, streams: Streams) -> Application:
    return application(Door(pipeline(registry), OPEN, streams=streams), nothing_open, ["localhost"])


@pytest.fixture
def app_with_get(registry: Database) -> Application:
    return application(Door(pipeline(registry), OPEN, allow_get=True), nothing_open, ["localhost"])


def asking(query: str, **more: Any) -> str:
    return json.dumps({"query": query, **more})


def url(query: str, **more: str) -> bytes:
    return urlencode({"query": query, **more}).encode()


def told(number: int) -> tuple[str, Any]:
    return "next", {"data": {"llmCallRecorded": {"callId": call_id(number)}}}


async def test_a_subscription_is_answered_in_events(app: Application, registry: Database) -> None:
    """The head says that nothing keeps or gathers them; then each comes as it happens."""
    async with streaming(app, asking(CALLS)) as stream:
        assert (200, "text/event-stream; charset=utf-8") == (stream.status, stream.headers["content-type"])
        assert ("no-store", "no") == (stream.headers["cache-control"], stream.headers["x-accel-buffering"])
        assert "nosniff" == stream.headers["x-content-type-options"]
        await recorded(registry, call(1), call(2))
        assert told(1) == await stream.event()
        await recorded(registry, call(3))
        assert [told(2), told(3)] == [await stream.event(), await stream.event()]


async def test_a_silent_stream_beats(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, now and then, keeps proxies from closing it."""
    monkeypatch.setattr(sse, "BEAT_SECONDS", 0.05)
    async with streaming(app, asking(CALLS)) as stream:
        assert [":", ":", ":"] == [await stream.block() for _ in range(3)]


async def test_what_is_answered_once_is_complete(app: Application) -> None:
    """A query by a client that takes nothing but events."""
    async with streaming(app, asking("{__typename}")) as stream:
        assert ("next", {"data": {"__typename": "Query"}}) == await stream.event()
        assert ("complete", None) == await stream.event()
        assert await stream.event() is None


async def test_a_mutation_by_post_is_done_and_complete(app: Application) -> None:
    """It is the same request as any other POST."""
    async with streaming(app, asking(SET)) as stream:
        assert ("next", {"data": {"setPromptLabel": {"errors": []}}}) == await stream.event()
        assert ("complete", None) == await stream.event()


async def test_what_is_done_is_told_though_no_place_is_left(app: Application, streams: Streams) -> None:
    """A client that is sent away would do it again."""
    streams.ending.set()
    async with client(app) as web:
        found = await web.post("/graphql", content=asking(SET), headers=typed(accept=EVENTS))
    assert (200, True) == (found.status_code, '"errors":[]' in found.text)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("{", "Syntax Error"),
        ("{nothing}", "nothing"),
        ("{" + "a:__typename " * 31 + "}", "aliases"),
        ('subscription{promptLabelMoved(label:"No label!"){name}}', "label"),
        ("subscription{llmCallRecorded{callId} promptSynced{name}}", "top level field"),
    ],
    ids=["syntax", "unknown", "aliases", "argument", "two roots"],
)
async def test_a_refused_document_is_told_as_an_event(app: Application, query: str, word: str) -> None:
    """An EventSource shows its page nothing of other answers."""
    async with streaming(app, asking(query)) as stream:
        event = await stream.event()
        assert event is not None
        assert word in event[1]["errors"][0]["message"]
        assert event[1].get("data") is None
        assert ("complete", None) == await stream.event()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("{", {}, 400),
        ("[]", {}, 400),
        ('{"query":1}', {}, 400),
        (asking(CALLS), {"content-type": "text/plain"}, 415),
        (asking(CALLS), {"accept": "text/xml"}, 406),
        (asking(CALLS), {"accept": "text/*"}, 406),
        (asking(CALLS), {"accept": f"{EVENTS};q=0"}, 406),
        (asking(CALLS), {"accept": "*/*"}, 400),
        (asking(CALLS), {"accept": "application/json"}, 400),
    ],
    ids=str,
)
async def test_what_is_no_request_for_events_is_refused_in_json(
    app: Application, body: str, headers: dict[str, str], status: int
) -> None:
    """Events must be named, and a request must be one."""
    async with client(app) as web:
        sent = {"content-type": "application/json", "accept": EVENTS} | headers
        answer = await web.post("/graphql", content=body, headers=sent)
    assert status == answer.status_code
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["extensions"]["code"]


async def test_a_client_that_takes_both_gets_what_fits(app: Application) -> None:
    """Events for a subscription, one answer for a query."""
    async with client(app) as web:
        answer = await web.post("/graphql", content=asking("{__typename}"), headers=typed(accept=BOTH))
        assert answer.headers["content-type"].startswith("application/graphql-response+json")
        assert 400 == (await web.post("/graphql", content="{", headers=typed(accept=BOTH))).status_code
    async with streaming(app, asking(CALLS), accept=BOTH) as stream:
        assert stream.headers["content-type"].startswith(EVENTS)


def typed(**more: str) -> dict[str, str]:
    return {"content-type": "application/json"} | more


async def test_get_is_for_reading_and_only_where_it_is_allowed(
    app: Application, app_with_get: Application, registry: Database
) -> None:
    """An EventSource asks by GET: not by default, never for mutations, never from another site."""
    async with client(app) as web:
        assert (
            405
            == (await web.get("/graphql", params={"query": CALLS}, headers={"accept": EVENTS})).status_code
        )
    async with streaming(app_with_get, query_string=url(CALLS)) as stream:
        await recorded(registry, call(1))
        assert told(1) == await stream.event()
    async with client(app_with_get) as web:

        async def got(query: str, **headers: str) -> httpx.Response:
            return await web.get("/graphql", params={"query": query}, headers={"accept": EVENTS} | headers)

        assert 405 == (await got(SET)).status_code
        assert 403 == (await got(CALLS, **{"sec-fetch-site": "cross-site"})).status_code


async def test_a_stop_ends_streams_without_completing_them(app: Application, streams: Streams) -> None:
    """So that clients come again; nobody new is let in meanwhile."""
    async with streaming(app, asking(CALLS)) as stream:
        assert ":" == await stream.block()
        streams.ending.set()
        assert await stream.event() is None
    async with client(app) as web:
        late = await web.post("/graphql", content=asking(CALLS), headers=typed(accept=EVENTS))
        assert (503, "1") == (late.status_code, late.headers["retry-after"])


async def test_streams_are_bounded_and_given_back(app: Application, streams: Streams) -> None:
    """One too many is refused and leaves nothing behind; when a client goes there is room."""
    before = asyncio.all_tasks()
    async with streaming(app, asking(CALLS)), streaming(app, asking(CALLS)):
        async with client(app) as web:
            late = await web.post("/graphql", content=asking(CALLS), headers=typed(accept=EVENTS))
        assert (503, "UNAVAILABLE") == (late.status_code, late.json()["errors"][0]["extensions"]["code"])
        assert 2 == streams.open
    assert 0 == streams.open
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_reader_that_never_reads_is_given_up(
    app: Application, registry: Database, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent must be taken within a time."""
    monkeypatch.setattr(sse, "SEND_SECONDS", 0.1)
    async with streaming(app, asking(CALLS)) as stream:
        await wait_for_beat(stream)
        stream.wire.taken.clear()
        await recorded(registry, call(1))
        await until(lambda: streams.open == 0)


async def wait_for_beat(stream: Stream) -> None:
    assert ":" == await stream.block()
