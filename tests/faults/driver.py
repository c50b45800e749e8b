"""Clients that record call after call, each until it is acknowledged, in a thread of their own."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from promptgraph.domain.prompt import prompt_global_id
from tests.faults.history import BROKEN, REFUSED, SENT_AGAIN, History, Kind

CLIENTS = 8
PATIENCE_S = 120.0
ANSWER_S = 30.0
PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
PROMPT = prompt_global_id("triage", 1)
RECORD = """mutation Record($c: LlmCallInput!) {
  recordLlmCall(input: $c) { duplicate errors { code message retryable } } }"""


class Said(NamedTuple):
    """What became of an attempt."""

    kind: Kind
    why: str = ""
    said: str = ""


def call_of(id_: UUID | None, number: int, **more: Any) -> dict[str, Any]:
    """The input of a call, which its number tells from all others."""
    named = {} if id_ is None else {"callId": str(id_)}
    return {"promptId": PROMPT, "model": "m", "agent": "bot", "inputTokens": number} | named | more


async def sent(http: httpx.AsyncClient, url: str, call: dict[str, Any]) -> Said:
    """What a server says to a call."""
    try:
        answer = await http.post(f"{url}/graphql", json={"query": RECORD, "variables": {"c": call}})
    except httpx.ConnectError:
        return Said(Kind.INFO, REFUSED)
    except httpx.TransportError as error:
        return Said(Kind.INFO, BROKEN, repr(error))
    body = answer.json()
    if not body.get("data"):
        first = body["errors"][0]
        return _refused(first["extensions"] | {"message": first["message"]})
    payload = body["data"]["recordLlmCall"]
    if payload["errors"]:
        return _refused(payload["errors"][0])
    return Said(Kind.OK, SENT_AGAIN if payload["duplicate"] else "")


def _refused(error: dict[str, Any]) -> Said:
    return Said(Kind.INFO if error.get("retryable") else Kind.FAIL, error["code"], error["message"])


class Load:
    """The clients of some servers. Whatever an attempt comes to but a yes or a definite no, the same call
    goes to the next server, after a pause that doubles; without `keyed` its id does not come along.
    """

    def __init__(self, urls: Sequence[str], clients: int = CLIENTS, *, keyed: bool = True) -> None:
        self.history = History()
        self._urls, self._clients, self._keyed = urls, clients, keyed
        self._numbers = itertools.count(1)
        self._closing = threading.Event()
        self._failed: list[BaseException] = []
        self._tasks: asyncio.Future[list[None]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="clients")

    def start(self) -> None:
        self._thread.start()

    def until(self, acked: int) -> None:
        """Wait for so many more calls to be acknowledged."""
        most = self.history.acked + acked
        self._wait(lambda: self.history.acked >= most)

    def until_refused(self, attempts: int = CLIENTS) -> None:
        """Wait for so many more attempts that end without a yes."""
        most = self.history.turned_away + attempts
        self._wait(lambda: self.history.turned_away >= most)

    def _wait(self, done: Callable[[], bool]) -> None:
        """Wait, though not for ever, and not for clients that failed."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert not self._failed, self._failed
            assert time.monotonic() < end, f"{self.history.acked} acknowledged, {self.history.whys()}"
            time.sleep(0.01)

    def finish(self) -> History:
        """Make no new calls, and wait until all that were made are acknowledged."""
        self._closing.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"calls are left without an answer: {self.history.whys()}"
        assert not self._failed, self._failed
        return self.history

    def abandon(self) -> None:
        """End, whatever is open."""
        self._closing.set()
        if self._loop is not None and self._tasks is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._tasks.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001  # told by whoever waits
            self._failed.append(error)

    async def _all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.gather(*(self._client(place) for place in range(self._clients)))
        await self._tasks

    async def _client(self, place: int) -> None:
        async with httpx.AsyncClient(timeout=ANSWER_S) as http:
            turn = place
            while not self._closing.is_set():
                turn = await self._record(http, turn)

    async def _record(self, http: httpx.AsyncClient, turn: int) -> int:
        """Send one call until it is answered; whose turn it is then."""
        id_, number, pause = uuid4(), next(self._numbers), PAUSE_S
        call = call_of(id_ if self._keyed else None, number)
        self.history.add(Kind.INVOKE, id_, number)
        while True:
            said = await sent(http, self._urls[turn % len(self._urls)], call)
            self.history.add(said.kind, id_, number, said.why, said.said)
            if said.kind is not Kind.INFO:
                return turn
            turn += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # a pause, not a secret
            pause = min(2 * pause, LONGEST_PAUSE_S)


@contextmanager
def loaded(urls: Sequence[str], clients: int = CLIENTS, *, keyed: bool = True) -> Iterator[Load]:
    """Inside, clients record calls with these servers."""
    load = Load(urls, clients, keyed=keyed)
    load.start()
    try:
        yield load
    finally:
        load.abandon()
