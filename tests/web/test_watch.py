"""What is counted of requests, and the id that each of them has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from promptgraph.graph.pipeline import Pipeline
from promptgraph.store.database import Database
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from promptgraph.web.watch import NAME_CHARACTERS, NAMES, Watch, names_in
from tests.graph.registry import pipeline
from tests.web.connections import connected, streaming, until
from tests.web.doors import GRAPHQL, HELLO, JSON, OPEN, asking, client, nothing_open

CALLS = "subscription Follow { llmCallRecorded { callId } }"


def watched(line: Pipeline, watch: Watch) -> Application:
    return application(Door(line, OPEN, watch=watch), nothing_open, ["localhost"])


def kinds(watch: Watch) -> dict[str, dict[str, int]]:
    """By operation what became of its requests."""
    return {name: dict(tally.kinds) for name, tally in watch.tallies.items()}


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def web(line: Pipeline, watch: Watch) -> AsyncIterator[httpx.AsyncClient]:
    async with client(watched(line, watch)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("content", "operation", "kind", "codes"),
    [
        (HELLO, "(anonymous)", "data", {}),
        (asking("query Hello{__typename}"), "Hello", "data", {}),
        (asking("query Wrong{nope}"), "Wrong", "refused", {"INVALID_INPUT": 1}),
        (asking("query Away{prompts{totalCount}}"), "Away", "unavailable", {"UNAVAILABLE": 1}),
        (asking("{"), "(none)", "refused", {"INVALID_INPUT": 1}),
        ("[]", "(none)", "malformed", {"INVALID_INPUT": 1}),
    ],
    ids=["anonymous", "named", "refused", "unavailable", "no document", "no request"],
)
async def test_a_request_is_counted_by_what_became_of_it(
    web: httpx.AsyncClient, watch: Watch, content: str, operation: str, kind: str, codes: dict[str, int]
) -> None:
    """Once, with its errors' codes and the time that it took; then nothing is under way."""
    await web.post("/graphql", content=content, headers={**JSON, **GRAPHQL})
    assert {operation: {kind: 1}} == kinds(watch)
    assert codes == watch.codes
    assert 1 == sum(watch.tallies[operation].times.figures()[:-1])
    assert 0 == watch.under_way


async def test_an_answer_at_hand_is_counted_as_its_operation(registry: Database, watch: Watch) -> None:
    """Nothing is executed, and yet it is known what was asked."""
    async with client(watched(pipeline(registry), watch)) as web:
        for _ in range(3):
            await web.post("/graphql", content=asking("query Hello{prompts{totalCount}}"), headers=JSON)
    assert {"Hello": {"data": 3}} == kinds(watch)


async def test_names_that_anybody_makes_up_are_few() -> None:
    """The first ones count by themselves, and what is known beforehand; the others together."""
    watch = Watch(names_in(["query Known { a }", "mutation  Other($a: Int) { b }"]))
    for number in range(NAMES + 5):
        with watch.message("test") as visit:
            visit.operation = f"Made{number}"
    for name in ("Known", "Other", "x" * (NAME_CHARACTERS + 1), "Made0"):
        with watch.message("test") as visit:
            visit.operation = name
    assert NAMES + 3 == len(watch.tallies)
    assert {"gone": 6} == kinds(watch)["(other)"]
    assert {"gone": 2} == kinds(watch)["Made0"]
    assert {"gone": 1} == kinds(watch)["Known"]


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("3e5f-1", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ('"', False), ("", False)],
)
async def test_an_answer_has_the_id_of_its_request(
    web: httpx.AsyncClient, sent: str, *, is_kept: bool
) -> None:
    """The client's own, if it is a sound one; else one that no other request has."""
    headers = {**JSON, "x-request-id": sent}
    one, other = [await web.post("/graphql", content=HELLO, headers=headers) for _ in range(2)]
    found = [one.headers["x-request-id"], other.headers["x-request-id"]]
    assert is_kept == (found == [sent, sent])
    assert is_kept or found[0] != found[1]


async def test_what_no_door_expects_has_an_id_too(web: httpx.AsyncClient, watch: Watch) -> None:
    """Whatever is refused, by whichever part of the server; only doors of the API count operations."""
    for method, path, host in (
        ("GET", "/no", "localhost"),
        ("GET", "/graphql", "x"),
        ("PUT", "/graphql", "localhost"),
    ):
        answer = await web.request(method, path, headers={"host": host, "x-request-id": "7"})
        assert "7" == answer.headers["x-request-id"]
    assert {404: 1, 400: 1, 405: 1} == watch.statuses
    assert {"(none)": {"malformed": 2}} == kinds(watch)


async def test_one_more_than_may_be_is_sent_away(line: Pipeline) -> None:
    """At once, to come again; whether the process lives may always be asked; who streams holds no place."""
    watch = Watch(most=1)
    app = watched(line, watch)
    body = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield HELLO.encode()
        await body.wait()

    async with client(app) as web:
        first = asyncio.create_task(web.post("/graphql", content=slowly(), headers=JSON))
        await until(lambda: watch.under_way == 1)
        refused = await web.post("/graphql", content=HELLO, headers=JSON)
        assert (503, "1") == (refused.status_code, refused.headers["retry-after"])
        assert "UNAVAILABLE" == refused.json()["errors"][0]["extensions"]["code"]
        assert 200 == (await web.get("/healthz")).status_code
        body.set()
        assert 200 == (await first).status_code
        assert 200 == (await web.post("/graphql", content=HELLO, headers=JSON)).status_code


async def test_who_listens_holds_no_place(registry: Database) -> None:
    """A stream is counted when it ends, without the time that it took; over a WebSocket, too."""
    watch = Watch(most=1)
    app = watched(pipeline(registry), watch)
    async with streaming(app, asking(CALLS)) as stream, client(app) as web:
        assert 200 == stream.status
        await until(lambda: watch.under_way == 0)
        assert 200 == (await web.post("/graphql", content=HELLO, headers=JSON)).status_code
    async with connected(app) as socket:
        await socket.begun()
        socket.subscribe("1", "query Hello{__typename}")
        assert "next" == (await socket.heard())["type"]
        assert "complete" == (await socket.heard())["type"]
        socket.subscribe("2", CALLS)
        socket.say({"type": "ping"})
        assert "pong" == (await socket.heard())["type"]
    expected = {"Follow": {"stream": 2}, "(anonymous)": {"data": 1}, "Hello": {"data": 1}}
    assert json.dumps(expected, sort_keys=True) == json.dumps(kinds(watch), sort_keys=True)
    assert 0 == sum(watch.tallies["Follow"].times.figures())
    assert 0 == watch.under_way
