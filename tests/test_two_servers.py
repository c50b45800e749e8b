"""Two server processes on one database: what one of them writes reaches the subscribers of the other, and
those that ask it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from promptgraph.domain.names import global_id
from tests.cli.processes import running
from tests.factories import write_tree
from tests.graph.registry import FILES

CALLS = "subscription{llmCallRecorded{callId agent{name} prompt{name version}}}"
MOVES = "subscription{promptLabelMoved{name label to{version}}}"
RECORD = "mutation($i:LlmCallInput!){recordLlmCall(input:$i){llmCall{callId} errors{message}}}"
MOVE = 'mutation{setPromptLabel(input:{name:"support/answer",label:"beta",version:1}){errors{message}}}'
CALL = {"promptId": global_id("Prompt", "support/answer", 2), "agent": "support-bot", "model": "m"}
EVENTS = {"accept": "text/event-stream"}
POINT = """mutation($v: Int!) {
  setPromptLabel(input: {name: "support/answer", label: "beta", version: $v}) { errors { message } } }"""
SERVED = 'query Served { prompt(name: "support/answer", label: "beta") { version } }'
REVISION, LEAST, PATH = "x-promptgraph-revision", "x-promptgraph-min-revision", "x-promptgraph-path"
PATIENCE_S = 20.0
DELAY_S = 1.0
STOP_S = 5.0


class Served(NamedTuple):
    process: subprocess.Popen[str]
    url: str


@pytest.fixture
def pair(url: str, tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two servers, as `promptgraph serve` runs them, of the same prompts and the same database."""
    write_tree(tmp_path / "prompts", FILES)
    words = ("serve", "--port", "0", "--database-url", url)
    with running(tmp_path, *words) as one, running(tmp_path, *words) as other:
        here, there = (
            Served(process, wait_for(" serves ").split(" serves ")[1].strip())
            for process, wait_for in (one, other)
        )
        yield here, there


async def asked(web: httpx.AsyncClient, url: str, query: str, **variables: Any) -> Any:
    answer = (await web.post(url, json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def subscribe(socket: ClientConnection, id_: str, query: str) -> None:
    await socket.send(json.dumps({"type": "subscribe", "id": id_, "payload": {"query": query}}))


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return json.loads(await socket.recv())


async def event(lines: AsyncIterator[str]) -> Any:
    """The data of the next event."""
    async with asyncio.timeout(PATIENCE_S):
        async for line in lines:
            if line.startswith("data:"):
                return json.loads(line.removeprefix("data:"))
    return None


class Subscribers(NamedTuple):
    """A WebSocket that follows calls and moves, and a stream of events that follows calls."""

    socket: ClientConnection
    lines: AsyncIterator[str]


@asynccontextmanager
async def subscribers(web: httpx.AsyncClient, url: str) -> AsyncIterator[Subscribers]:
    protocol = Subprotocol("graphql-transport-ws")
    async with (
        connect(url.replace("http", "ws", 1), subprotocols=[protocol]) as socket,
        web.stream("POST", url, json={"query": CALLS}, headers=EVENTS) as stream,
    ):
        await socket.send('{"type":"connection_init"}')
        assert {"type": "connection_ack"} == await heard(socket)
        await subscribe(socket, "calls", CALLS)
        await subscribe(socket, "moves", MOVES)
        await asyncio.sleep(DELAY_S)  # the protocol has no word for "subscribed"
        yield Subscribers(socket, stream.aiter_lines())


async def delay(web: httpx.AsyncClient, url: str, subscribed: Subscribers) -> float:
    """How long after the answer to its recording both are told of a call."""
    recorded = (await asked(web, url, RECORD, i=CALL))["recordLlmCall"]
    at = time.monotonic()
    by_socket, by_event = await asyncio.gather(heard(subscribed.socket), event(subscribed.lines))
    took = time.monotonic() - at
    prompt = {"name": "support/answer", "version": 2}
    expected = {**recorded["llmCall"], "agent": {"name": "support-bot"}, "prompt": prompt}
    assert {"data": {"llmCallRecorded": expected}} == by_event
    assert {"type": "next", "id": "calls", "payload": by_event} == by_socket
    return took


async def test_what_is_written_here_reaches_subscribers_there(pair: tuple[Served, Served]) -> None:
    """A call within a second, over WebSocket and in events, on both databases; a label that moves, too. A
    server that stops sends both away at once.
    """
    here, there = pair
    async with httpx.AsyncClient(timeout=PATIENCE_S) as web, subscribers(web, there.url) as subscribed:
        delays = [await delay(web, here.url, subscribed) for _ in range(3)]
        assert sorted(delays)[1] < DELAY_S, delays

        await asked(web, here.url, MOVE)
        move = {"name": "support/answer", "label": "beta", "to": {"version": 1}}
        assert move == (await heard(subscribed.socket))["payload"]["data"]["promptLabelMoved"]

        there.process.send_signal(signal.SIGTERM)
        at = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            await heard(subscribed.socket)
        assert closed.value.rcvd is not None
        assert 1012 == closed.value.rcvd.code
        assert await event(subscribed.lines) is None
        await asyncio.to_thread(there.process.wait, PATIENCE_S)
        assert time.monotonic() - at < STOP_S
    assert 0 == there.process.returncode


async def pointed(web: httpx.AsyncClient, url: str, version: int) -> int:
    """Move the label; the revision that the move made."""
    answer = await web.post(url, json={"query": POINT, "variables": {"v": version}})
    assert {"data": {"setPromptLabel": {"errors": []}}} == answer.json()
    return int(answer.headers[REVISION])


async def version(web: httpx.AsyncClient, url: str, **headers: str) -> tuple[int, int]:
    """What the label points to, and the revision of the answer; it is one from memory."""
    answer = await web.post(url, json={"query": SERVED}, headers=headers)
    assert "fast" == answer.headers[PATH], answer.text
    return answer.json()["data"]["prompt"]["version"], int(answer.headers[REVISION])


async def test_what_is_written_here_is_read_there(pair: tuple[Served, Served]) -> None:
    """A label that one server moves has moved there at once, and on the other within a second, on both
    databases; at once, too, for whoever asks for the revision of the move.
    """
    here, there = pair
    async with httpx.AsyncClient(timeout=PATIENCE_S) as web:
        await pointed(web, here.url, 1)
        await asyncio.sleep(DELAY_S)
        delays = []
        for wanted in (2, 1, 2):
            before = await version(web, there.url)
            revision = await pointed(web, here.url, wanted)
            at = time.monotonic()
            assert (3 - wanted, revision - 1) == before
            assert (wanted, revision) == await version(web, here.url)
            async with asyncio.timeout(PATIENCE_S):
                while (wanted, revision) != await version(web, there.url):
                    pass
            delays.append(time.monotonic() - at)
        assert sorted(delays)[1] < DELAY_S, delays
        for wanted in (1, 2, 1):
            revision = await pointed(web, here.url, wanted)
            assert (wanted, revision) == await version(web, there.url, **{LEAST: str(revision)})
        await missed(web, there.url, revision + 1)
        late = {LEAST: str(revision + 1)}
        waiting = asyncio.create_task(version(web, there.url, **late))
        await asyncio.sleep(0.2)
        assert (2, await pointed(web, here.url, 2)) == await waiting


async def missed(web: httpx.AsyncClient, url: str, revision: int) -> None:
    """A revision that does not come is waited for, for some time; then the answer is to try again."""
    answer = await web.post(url, json={"query": SERVED}, headers={LEAST: str(revision)})
    (error,) = answer.json()["errors"]
    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert f"{revision} was asked for: try again" in error["message"]
    assert "UNAVAILABLE" == error["extensions"]["code"]
