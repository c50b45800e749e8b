"""GraphQL over WebSocket: what clients of graphql-transport-ws hear, and what others do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from promptgraph.store.database import Database
from promptgraph.web import websocket
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from promptgraph.web.streams import Streams
from tests.graph.recording import call, call_id, recorded
from tests.graph.registry import pipeline
from tests.web.connections import Closed, Socket, connected, until
from tests.web.doors import OPEN, nothing_open

HELLO = "{__typename}"
CALLS = "subscription{llmCallRecorded{callId}}"
INIT = {"type": "connection_init"}


@pytest.fixture
def streams() -> Streams:
    return Streams(limit=3)


@pytest.fixture
def app(empty: Database, streams: Streams) -> Application:
    """An application whose database has no tables: nothing here should come as far."""
    return application(
        Door(pipeline(empty), OPEN, streams=streams), nothing_open, ["localhost", "app.example"]
    )


@pytest.fixture
def live_app(registry: Database, streams: Streams) -> Application:
    return application(Door(pipeline(registry), OPEN, streams=streams), nothing_open, ["localhost"])


def asking(id_: str = "1", query: str = HELLO, **more: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": id_, "payload": {"query": query, **more}}


# ---------------------------------------------------------------- who may connect


@pytest.mark.parametrize(
    "protocols", [("graphql-ws",), (), ("graphql-ws", "soap")], ids=["legacy", "none", "others"]
)
async def test_other_protocols_are_turned_away(app: Application, protocols: tuple[str, ...]) -> None:
    """The legacy protocol and clients that name none are closed with 4406, and read what to speak."""
    async with connected(app, protocols=protocols) as socket:
        assert Closed(4406, "Speak graphql-transport-ws.", accepted=True) == await socket.heard()
        assert socket.subprotocol is None


async def test_the_protocol_is_chosen_among_others(app: Application) -> None:
    """A client that can speak several is told which."""
    async with connected(app, protocols=("graphql-ws", "graphql-transport-ws")) as socket:
        await socket.begun()
        assert "graphql-transport-ws" == socket.subprotocol


@pytest.mark.parametrize(
    "address",
    [
        {"host": "elsewhere.example"},
        {"origin": "https://evil.example"},
        {"origin": "https://localhost.evil.example"},
        {"origin": "null"},
        {"origin": "localhost"},
        {"path": "/other"},
        {"path": "/healthz"},
    ],
    ids=["host", "origin", "longer origin", "no origin", "no address", "path", "page"],
)
async def test_strangers_get_no_connection(app: Application, address: dict[str, str]) -> None:
    """Nobody connects by another name, from another site's page, or elsewhere than at /graphql."""
    async with connected(app, **address) as socket:  # type: ignore[arg-type]  # only texts among them
        assert Closed(1000, "", accepted=False) == await socket.heard()


@pytest.mark.parametrize("origin", [None, "http://localhost:3000", "https://app.example", "http://LOCALHOST"])
async def test_own_pages_connect(app: Application, origin: str | None) -> None:
    """Programs, pages of this server and pages of names that it is allowed to have."""
    async with connected(app, origin=origin) as socket:
        await socket.begun()


async def test_any_host_takes_its_own_pages_only(empty: Database) -> None:
    """Where every Host is taken, a page's site must still be the one that it asks."""
    app = application(Door(pipeline(empty), OPEN), nothing_open, ["*"])
    async with connected(app, host="a.example:8000", origin="https://a.example") as socket:
        await socket.begun()
    async with connected(app, host="a.example", origin="https://b.example") as socket:
        assert not (await socket.heard()).accepted
    async with connected(app, host="", origin="null") as socket:
        assert not (await socket.heard()).accepted


async def test_connections_are_bounded(app: Application, streams: Streams) -> None:
    """One too many is told to try later; when one ends there is room again."""
    async with connected(app) as first:
        await first.begun()
        async with connected(app) as second, connected(app) as third, connected(app) as fourth:
            await second.begun()
            await third.begun()
            assert 1013 == (await fourth.heard()).code
        assert 1 == streams.open
        async with connected(app) as fifth:
            await fifth.begun()
    assert 0 == streams.open


# ---------------------------------------------------------------- the protocol


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([asking()], 4401),
        ([INIT, INIT], 4429),
        ([INIT, asking(query=CALLS), asking()], 4409),
        ([{"type": "start", "id": "1", "payload": {"query": HELLO}}], 4400),
        ([INIT, {"type": "next", "id": "1", "payload": {}}], 4400),
        (["{"], 4400),
        ([""], 4400),
        (["null"], 4400),
        (["[]"], 4400),
        (['{"type":"ping","type":"pong"}'], 4400),
        (['{"type":"ping","payload":{"a":NaN}}'], 4400),
        (['{"type":"ping","payload":{"a":1e999}}'], 4400),
        (['{"type":"ping","payload":{"a":' + "9" * 5000 + "}}"], 4400),
        (["[" * 100_000], 4400),
        (["\ufeff{}"], 4400),
        ([b'{"type":"connection_init"}'], 4400),
        ([{}], 4400),
        ([{"type": 1}], 4400),
        ([{"type": ["ping"]}], 4400),
        ([{"type": "connection_init", "payload": "key"}], 4400),
        ([{"type": "ping", "payload": [1]}], 4400),
        ([INIT, {"type": "subscribe", "payload": {"query": HELLO}}], 4400),
        ([INIT, asking(id_="")], 4400),
        ([INIT, asking(id_="x" * 129)], 4400),
        ([INIT, {"type": "subscribe", "id": 1, "payload": {"query": HELLO}}], 4400),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {}}], 4400),
        ([INIT, asking(query="  ")], 4400),
        ([INIT, asking(variables=[])], 4400),
        ([INIT, asking(operationName=1)], 4400),
        ([INIT, {"type": "complete"}], 4400),
        ([INIT, asking(variables={"a": "x" * 1_000_000})], 1009),
        (["x" * 1_000_000], 1009),
    ],
    ids=str,
)
async def test_what_is_no_protocol_closes_the_connection(
    app: Application, streams: Streams, said: list[object], code: int
) -> None:
    """Each mistake has its close code and a reason; nothing stays behind."""
    async with connected(app) as socket:
        for message in said:
            socket.say(message)
        heard = await socket.heard()
        while not isinstance(heard, Closed):
            heard = await socket.heard()
        assert code == heard.code
        assert 1 <= len(heard.reason.encode()) <= 123
    assert 0 == streams.open


async def test_a_silent_client_is_closed(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not begin in time is sent away; whoever has begun may be silent."""
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.1)
    async with connected(app) as silent, connected(app) as greeting:
        await greeting.begun()
        assert 4408 == (await silent.heard()).code
        greeting.say({"type": "ping"})
        assert {"type": "pong"} == await greeting.heard()


async def test_pings_are_answered(app: Application) -> None:
    """At any time, with the payload they came with; pongs are taken."""
    async with connected(app) as socket:
        for message in (
            {"type": "ping"},
            {"type": "pong", "payload": {"a": 1}},
            {"type": "ping", "payload": {"at": 1}},
        ):
            socket.say(message)
        assert {"type": "pong"} == await socket.heard()
        assert {"type": "pong", "payload": {"at": 1}} == await socket.heard()


async def test_a_query_is_answered_once(app: Application) -> None:
    """Then it is complete, and its id is free again; variables and operation names count."""
    query = "query A{__typename} query B($a:Boolean!){x:__typename @include(if:$a)}"
    async with connected(app) as socket:
        await socket.begun()
        for _ in range(2):
            socket.say(asking("q", query, operationName="B", variables={"a": True}))
            assert {"type": "next", "id": "q", "payload": {"data": {"x": "Query"}}} == await socket.heard()
            assert {"type": "complete", "id": "q"} == await socket.heard()


DEEP = "{" + "nodes(ids:[]){... on Prompt{family{latest{" * 10 + "id" + "}}}}" * 10 + "}"


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ('mutation{unassignPrompt(input:{id:"1"}){errors{code}}}', "POST"),
        ("{nothing}", "nothing"),
        ("{", "Syntax Error"),
        ("{" + "a:__typename " * 31 + "}", "aliases"),
        (DEEP, "depth"),
        ("{" + "id " * 3000 + "}", "Syntax Error"),
        (CALLS.replace("callId", "callId " * 6000), "characters"),
        ("subscription{llmCallRecorded{callId} promptSynced{name}}", "top level field"),
        ("query A{__typename} query B{__typename}", "operationName"),
    ],
    ids=["mutation", "unknown", "syntax", "aliases", "depth", "tokens", "length", "two roots", "two names"],
)
async def test_what_may_not_be_executed_is_an_error_of_its_own(
    app: Application, query: str, word: str
) -> None:
    """The same documents are refused as over HTTP, and mutations all: the connection and others go on."""
    async with connected(app) as socket:
        await socket.begun()
        socket.subscribe("bad", query)
        heard = await socket.heard()
        assert ("error", "bad") == (heard["type"], heard["id"])
        assert word in heard["payload"][0]["message"]
        assert all(error["extensions"]["code"] for error in heard["payload"])
        socket.subscribe("bad", HELLO)
        assert "next" == (await socket.heard())["type"]


async def test_operations_of_a_connection_are_bounded(live_app: Application) -> None:
    """One too many is an error; when one is completed there is room."""
    async with connected(live_app) as socket:
        await socket.begun()
        for number in range(11):
            socket.subscribe(str(number), CALLS)
        heard = await socket.heard()
        assert ("error", "10") == (heard["type"], heard["id"])
        assert "UNAVAILABLE" == heard["payload"][0]["extensions"]["code"]
        socket.say({"type": "complete", "id": "0"})
        socket.subscribe("again", HELLO)
        assert "again" == (await socket.heard())["id"]


# ---------------------------------------------------------------- events


async def told(socket: Socket, id_: str, number: int) -> None:
    """The connection says next that this call was recorded."""
    data = {"llmCallRecorded": {"callId": call_id(number)}}
    assert {"type": "next", "id": id_, "payload": {"data": data}} == await socket.heard()


async def subscribed(socket: Socket, id_: str, *, query: str = CALLS, after: float = 0.3) -> None:
    """Subscribe, and leave the server time to begin: the protocol has no word for it."""
    socket.subscribe(id_, query)
    await asyncio.sleep(after)


async def test_events_come_until_they_are_completed(live_app: Application, registry: Database) -> None:
    """Whoever has enough says so, and hears no more; other subscriptions go on."""
    async with connected(live_app) as socket:
        await socket.begun()
        await subscribed(socket, "a")
        await recorded(registry, call(1))
        await told(socket, "a", 1)
        socket.say({"type": "complete", "id": "a"})
        socket.say({"type": "complete", "id": "unknown"})
        await subscribed(socket, "b")
        await recorded(registry, call(2))
        await told(socket, "b", 2)
        await subscribed(socket, "a")
        await recorded(registry, call(3))
        assert {"a", "b"} == {(await socket.heard())["id"], (await socket.heard())["id"]}


async def test_a_subscription_that_cannot_begin_is_answered(app: Application) -> None:
    """What its database or its arguments stand in the way of is an answer, and the end of it."""
    async with connected(app) as socket:
        await socket.begun()
        socket.subscribe("a", 'subscription{promptLabelMoved(label:"No label!"){name}}')
        heard = await socket.heard()
        assert "INVALID_INPUT" == heard["payload"]["errors"][0]["extensions"]["code"]
        assert {"type": "complete", "id": "a"} == await socket.heard()


async def test_a_stop_closes_connections_for_others_to_come(live_app: Application, streams: Streams) -> None:
    """1012: clients connect again, elsewhere; nothing is complete, and nobody new comes in."""
    async with connected(live_app) as busy, connected(live_app) as waiting:
        await busy.begun()
        await subscribed(busy, "a")
        streams.ending.set()
        assert 1012 == (await busy.heard()).code
        assert 1012 == (await waiting.heard()).code
        async with connected(live_app) as late:
            assert 1013 == (await late.heard()).code


async def test_nothing_is_left_of_a_client_that_went_away(live_app: Application, streams: Streams) -> None:
    """Its operations end with it, whatever they are doing."""
    before = asyncio.all_tasks()
    async with connected(live_app) as socket:
        await socket.begun()
        for id_ in "abc":
            await subscribed(socket, id_, after=0.05)
        assert 1 == streams.open
    assert 0 == streams.open
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_reader_that_never_reads_is_given_up(
    live_app: Application, registry: Database, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent must be taken within a time: then the connection is dropped, with all it held."""
    monkeypatch.setattr(websocket, "SEND_SECONDS", 0.1)
    monkeypatch.setattr(websocket, "CLOSE_SECONDS", 0.1)
    async with connected(live_app) as socket:
        await socket.begun()
        await subscribed(socket, "a")
        socket.wire.taken.clear()
        await recorded(registry, call(1))
        await until(lambda: streams.open == 0)


async def test_what_utf8_cannot_write_is_escaped(app: Application) -> None:
    """A refusal that quotes half of a character is still a message."""
    async with connected(app) as socket:
        await socket.begun()
        socket.say(json.dumps(asking("a\ud800", '{x(a:"\ud800")}')))
        assert "a\ud800" == (await socket.heard())["id"]
