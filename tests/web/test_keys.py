"""Keys at every door: HTTP, its memory of answers, events, WebSockets and traces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from promptgraph.domain.key_form import make_key
from promptgraph.domain.keys import Bindings, Scope
from promptgraph.graph.executors import Executing
from promptgraph.graph.pipeline import Pipeline
from promptgraph.record.traces import Traces
from promptgraph.store.api_keys import StoredKeys, revoke_key
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.web.application import Application
from promptgraph.web.gate import Gate
from promptgraph.web.proxy import proxy_of
from tests.graph.recording import call, recorded
from tests.graph.registry import pipeline
from tests.keys import bearing, made, now
from tests.recorders import recorder
from tests.web.connections import Closed, connected, streaming
from tests.web.doors import GRAPHQL, HELLO, JSON, asking, client, served
from tests.web.otlp_bodies import PROTOBUF, as_protobuf, request, span
from tests.web.otlp_doors import answered, door

NAMES = asking("{prompts{nodes{name}}}")
PROMPT = asking('{prompt(name:"support/answer"){name}}')
ASKED = {"query": "{prompts{nodes{name}}}"}
EVENTS = {"accept": "text/event-stream"}
CALLS = "subscription{llmCallRecorded{callId}}"
USER = {"x-forwarded-user": "ada"}
MOVED = 'mutation{removePromptLabel(input:{name:"support/answer",label:"x"}){errors{code}}}'
SPANS = as_protobuf(request(span()))


@pytest.fixture
async def gate(registry: Database) -> AsyncIterator[Gate]:
    opened = Gate(StoredKeys(registry), now)
    yield opened
    await opened.stop()


@pytest.fixture
def line(registry: Database) -> Pipeline:
    return pipeline(
        registry, is_open=False, executing=Executing(memory=RegistryMemory(registry, fresh_for=0))
    )


@pytest.fixture
def app(line: Pipeline, gate: Gate) -> Application:
    return served(line, allow_get=True, gate=gate)


@pytest.fixture
async def locked(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a door that asks for keys."""
    async with client(app) as web:
        yield web


async def revoke(db: Database, public_id: str) -> None:
    async with db.write() as session:
        await revoke_key(session, public_id, now())


# ---------------------------------------------------------------- HTTP


async def test_a_key_opens_and_nothing_else_does(locked: httpx.AsyncClient, registry: Database) -> None:
    """To the byte the same for no key, a wrong one, two, and one in the address or the body."""
    key = (await made(registry, Scope.READ)).secret
    assert 200 == (await locked.post("/graphql", content=NAMES, headers=JSON | bearing(key))).status_code
    wrong = [
        await locked.post("/graphql", content=NAMES, headers=JSON),
        await locked.post("/graphql", content=NAMES, headers=JSON | bearing(make_key().text)),
        await locked.post("/graphql", content=NAMES, headers=JSON | bearing("nonsense")),
        await locked.post("/graphql", content=NAMES, headers=JSON | {"authorization": f"Basic {key}"}),
        await locked.post("/graphql", content=NAMES, headers=[*JSON.items(), *(2 * [*bearing(key).items()])]),
        await locked.post("/graphql", params={"authorization": key}, content=NAMES, headers=JSON),
        await locked.post("/graphql", content=asking("{__typename}", extensions=bearing(key)), headers=JSON),
        await locked.post("/graphql", content="{", headers=JSON),
    ]
    assert {401} == {each.status_code for each in wrong}
    assert {"Bearer"} == {each.headers["www-authenticate"] for each in wrong}
    assert 1 == len({each.content for each in wrong})
    (error,) = wrong[0].json()["errors"]
    assert "FORBIDDEN" == error["extensions"]["code"]


async def test_a_lacking_scope_is_403(locked: httpx.AsyncClient, registry: Database) -> None:
    """In every form, with an error at the top."""
    key = bearing((await made(registry, Scope.RECORD)).secret)
    for headers in (GRAPHQL, {}, EVENTS):
        answer = await locked.post("/graphql", content=NAMES, headers=JSON | key | headers)
        assert (403, "FORBIDDEN") == (answer.status_code, answer.json()["errors"][0]["extensions"]["code"])
        assert "data" not in answer.json()


async def test_what_is_remembered_is_for_who_may_read(
    locked: httpx.AsyncClient, registry: Database, line: Pipeline
) -> None:
    """An answer that was given to one is given to no one without the scope, whose key was revoked, or who is
    bound to other prompts.
    """
    reads, records, gone, bound = [
        await made(registry, Scope.READ),
        await made(registry, Scope.RECORD),
        await made(registry, Scope.READ),
        await made(registry, Scope.READ, bindings=Bindings(name_prefix="billing/")),
    ]
    await revoke(registry, gone.key.public_id)
    for body in (NAMES, PROMPT):
        for _ in range(2):
            answer = await locked.post("/graphql", content=body, headers=JSON | bearing(reads.secret))
            assert 200 == answer.status_code
        for key, status in ((records, 403), (bound, 403), (gone, 401)):
            answer = await locked.post("/graphql", content=body, headers=JSON | GRAPHQL | bearing(key.secret))
            assert (status, False) == (answer.status_code, "support/answer" in answer.text)
        assert 401 == (await locked.post("/graphql", content=body, headers=JSON)).status_code
    assert 2 == line.counters.recalled


async def test_an_etag_is_for_who_may_read(locked: httpx.AsyncClient, registry: Database) -> None:
    """Whoever may not is not even told that nothing changed."""
    reads, records = [await made(registry, scope) for scope in (Scope.READ, Scope.RECORD)]
    first = await locked.get("/graphql", params=ASKED, headers=bearing(reads.secret))
    named = {"if-none-match": first.headers["etag"]} | GRAPHQL
    again = await locked.get(
        "/graphql", params=ASKED, headers={"if-none-match": first.headers["etag"]} | bearing(reads.secret)
    )
    assert (200, 304) == (first.status_code, again.status_code)
    assert (
        403
        == (await locked.get("/graphql", params=ASKED, headers=named | bearing(records.secret))).status_code
    )
    assert 401 == (await locked.get("/graphql", params=ASKED, headers=named)).status_code


async def test_a_bound_key_reads_what_it_names(locked: httpx.AsyncClient, registry: Database) -> None:
    """By its prefix, and no list of all."""
    key = bearing((await made(registry, Scope.READ, bindings=Bindings(name_prefix="support/"))).secret)
    for _ in range(2):
        answer = await locked.post("/graphql", content=PROMPT, headers=JSON | key)
        assert {"data": {"prompt": {"name": "support/answer"}}} == answer.json()
    assert 403 == (await locked.post("/graphql", content=NAMES, headers=JSON | GRAPHQL | key)).status_code


async def test_nobody_reads_the_schema(locked: httpx.AsyncClient, registry: Database) -> None:
    """Not where keys are asked for, whatever the key."""
    key = bearing((await made(registry)).secret)
    answer = await locked.post("/graphql", content=asking("{__schema{types{name}}}"), headers=JSON | key)
    assert "data" not in answer.json()


async def test_what_asks_for_no_key_takes_any(registry: Database) -> None:
    """Development mode looks at no key, so that a client needs no other setting there."""
    async with client(served(pipeline(registry))) as web:
        for headers in (JSON, JSON | bearing(make_key().text), JSON | bearing("nonsense")):
            assert 200 == (await web.post("/graphql", content=NAMES, headers=headers)).status_code


async def test_health_needs_no_key(locked: httpx.AsyncClient) -> None:
    """A supervisor has none."""
    assert 200 == (await locked.get("/healthz")).status_code


# ---------------------------------------------------------------- events


async def test_events_need_a_key(locked: httpx.AsyncClient, registry: Database, app: Application) -> None:
    """And the scope: else there is no stream, so that a client does not think that one was open."""
    body = asking(CALLS)
    assert 401 == (await locked.post("/graphql", content=body, headers=JSON | EVENTS)).status_code
    records, reads = [await made(registry, scope) for scope in (Scope.RECORD, Scope.READ)]
    headers = JSON | EVENTS | bearing(records.secret)
    assert 403 == (await locked.post("/graphql", content=body, headers=headers)).status_code
    async with streaming(app, body, headers=bearing(reads.secret)) as stream:
        await recorded(registry, call(1))
        event = await stream.event()
        assert event is not None
        assert "data" in event[1]


async def test_events_end_with_their_key(
    registry: Database, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `complete`: the client comes again, and is told why."""
    monkeypatch.setattr("promptgraph.web.gate.FRESH_SECONDS", 0.05)
    key = await made(registry, Scope.READ)
    async with streaming(app, asking(CALLS), headers=bearing(key.secret)) as stream:
        assert ":" == await stream.block()
        await revoke(registry, key.key.public_id)
        assert await stream.event() is None


# ---------------------------------------------------------------- WebSockets


@pytest.mark.parametrize("by", ["header", "payload"])
async def test_a_socket_has_its_key_from_either_place(registry: Database, app: Application, by: str) -> None:
    """From the handshake, or from browsers in `connection_init`."""
    key = bearing((await made(registry, Scope.READ)).secret)
    more, payload = (
        (list(key.items()), {}) if by == "header" else ([], {"Authorization": key["authorization"]})
    )
    async with connected(app, more=more) as socket:
        await socket.begun(**payload)
        socket.subscribe("1", "{prompts{totalCount}}")
        assert {"prompts": {"totalCount": 3}} == (await socket.heard())["payload"]["data"]


async def test_a_socket_without_a_key_is_closed(registry: Database, app: Application) -> None:
    """At the greeting, alike for each that is wrong; what the payload says counts."""
    good = list(bearing((await made(registry, Scope.READ)).secret).items())
    heard = set()
    for more, payload in (
        ([], {}),
        (list(bearing(make_key().text).items()), {}),
        (good + good, {}),
        (good, {"authorization": "Bearer nonsense"}),
        ([], {"token": "x"}),
    ):
        async with connected(app, more=more) as socket:
            socket.say({"type": "connection_init", "payload": payload})
            heard.add(await socket.heard())
    (closed,) = heard
    assert isinstance(closed, Closed)
    assert (4401, True) == (closed.code, closed.accepted)


async def test_a_key_counts_for_each_operation(
    registry: Database, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was opened with a key is of no use once the key is not."""
    monkeypatch.setattr("promptgraph.web.gate.FRESH_SECONDS", 0)
    key = await made(registry, Scope.READ)
    async with connected(app, more=list(bearing(key.secret).items())) as socket:
        await socket.begun()
        await revoke(registry, key.key.public_id)
        socket.subscribe("1", HELLO)
        closed = await socket.heard()
        assert 4401 == closed.code


async def test_a_socket_is_closed_with_its_key(
    registry: Database, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nobody says a word."""
    monkeypatch.setattr("promptgraph.web.gate.FRESH_SECONDS", 0.05)
    key = await made(registry, Scope.READ)
    async with connected(app, more=list(bearing(key.secret).items())) as socket:
        await socket.begun()
        socket.subscribe("1", CALLS)
        await asyncio.sleep(0.1)
        await revoke(registry, key.key.public_id)
        assert 4401 == (await socket.heard()).code


async def test_a_lacking_scope_ends_the_operation_alone(registry: Database, app: Application) -> None:
    """The connection stays for what the key may do."""
    key = await made(registry, Scope.RECORD)
    async with connected(app, more=list(bearing(key.secret).items())) as socket:
        await socket.begun()
        socket.subscribe("1", CALLS)
        said = await socket.heard()
        assert ("error", "FORBIDDEN") == (said["type"], said["payload"][0]["extensions"]["code"])
        socket.subscribe("2", "{__typename}")
        assert "next" == (await socket.heard())["type"]


# ---------------------------------------------------------------- traces


@pytest.fixture
async def traced_with_keys(registry: Database, gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with client(door(registry, Traces(recorder(registry)).record, gate=gate)) as web:
        yield web
    await recorder(registry).stop()


@pytest.mark.parametrize("media", [PROTOBUF, "application/json"])
async def test_traces_need_a_key_that_records(
    traced_with_keys: httpx.AsyncClient, registry: Database, media: str
) -> None:
    """No other is listened to, and the answer is in the form of the request."""
    body = SPANS if media == PROTOBUF else b"{}"
    reads = bearing((await made(registry, Scope.READ)).secret)
    for key, status in (({}, 401), (bearing("nonsense"), 401), (reads, 403)):
        answer = await traced_with_keys.post(
            "/v1/traces", content=body, headers={"content-type": media} | key
        )
        assert (status, media) == (answer.status_code, answer.headers["content-type"])
    records = bearing((await made(registry, Scope.RECORD)).secret)
    assert (
        200
        == (
            await traced_with_keys.post("/v1/traces", content=body, headers={"content-type": media} | records)
        ).status_code
    )


async def test_spans_outside_the_bindings_are_refused_alone(
    traced_with_keys: httpx.AsyncClient, registry: Database
) -> None:
    """Partial success: how many, and why."""
    key = await made(registry, Scope.RECORD, bindings=Bindings(environments=frozenset({"staging"})))
    headers = {"content-type": PROTOBUF} | bearing(key.secret)
    inside = as_protobuf(request(span(), deployment_environment_name="staging"))
    assert (
        0
        == answered(
            await traced_with_keys.post("/v1/traces", content=inside, headers=headers)
        ).partial_success.rejected_spans
    )
    told = answered(await traced_with_keys.post("/v1/traces", content=SPANS, headers=headers)).partial_success
    assert (1, True) == (told.rejected_spans, "these environments alone: staging" in told.error_message)


async def test_who_is_turned_away_too_often_waits(locked: httpx.AsyncClient) -> None:
    """429, with the seconds, as an error that may be tried again."""
    answers = [await locked.post("/graphql", content=HELLO, headers=JSON) for _ in range(61)]
    assert [401] * 60 + [429] == [each.status_code for each in answers]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    (error,) = json.loads(answers[-1].content)["errors"]
    assert ("UNAVAILABLE", True) == (error["extensions"]["code"], error["extensions"]["retryable"])


# ---------------------------------------------------------------- a proxy that signs users in


@pytest.fixture
def behind(line: Pipeline, gate: Gate) -> Application:
    """The same door behind a proxy on this machine, which names its users."""
    return replace(served(line, gate=gate), proxy=proxy_of(["127.0.0.1"], "X-Forwarded-User"))


async def test_whom_a_proxy_has_let_in_may_read(behind: Application) -> None:
    """Without a key, also what is remembered; nothing else, and nobody without the proxy's word."""
    async with client(behind) as web:
        answers = [await web.post("/graphql", json=ASKED, headers=USER) for _ in range(3)]
        assert [200, 200, 200] == [answer.status_code for answer in answers]
        written = await web.post("/graphql", json={"query": MOVED}, headers=USER)
        assert (403, "FORBIDDEN") == (written.status_code, written.json()["errors"][0]["extensions"]["code"])
        assert 401 == (await web.post("/graphql", json=ASKED)).status_code


async def test_nobody_else_names_users(line: Pipeline, gate: Gate) -> None:
    """The header of a client that comes by no proxy of ours counts for nothing."""
    stranger = replace(served(line, gate=gate), proxy=proxy_of(["10.0.0.1"], "X-Forwarded-User"))
    for app in (stranger, served(line, gate=gate)):
        async with client(app) as web:
            assert 401 == (await web.post("/graphql", json=ASKED, headers=USER)).status_code


async def test_a_signed_in_users_events_go_on(behind: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no key that could be revoked: whom the proxy has let in, it sends away itself."""
    monkeypatch.setattr("promptgraph.web.gate.FRESH_SECONDS", 0.01)
    async with streaming(behind, asking(CALLS), headers=USER, client=("127.0.0.1", 1)) as stream:
        assert ":" == await stream.block()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await stream.event()
