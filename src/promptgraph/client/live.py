"""News of the registry over server-sent events: what is kept is dropped the moment that something changes."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from promptgraph.client.answers import ServerAwayError
from promptgraph.client.documents import NEWS
from promptgraph.client.forks import PROCESS, LockPerProcess
from promptgraph.client.http import AsyncShell, Shell
from promptgraph.client.patience import Patience
from promptgraph.client.threads import begun
from promptgraph.domain.errors import PromptgraphError

log = logging.getLogger("promptgraph.client")

_BODIES = tuple(json.dumps({"query": query}).encode() for query in NEWS)
STOP_S = 2.0
PATIENCE = Patience(first_s=0.5, longest_s=30.0)


class Events:
    """Reads the lines of a stream of events, in the graphql-sse form."""

    def __init__(self) -> None:
        self._event = ""

    def is_news(self, line: str) -> bool:
        """Whether this line says that something changed.

        raises  ServerAwayError  it says that nothing more will come
        """
        if line.startswith("event:"):
            self._event = line.removeprefix("event:").strip()
            if self._event == "complete":
                raise ServerAwayError("The server ended the news.")
        if not line.startswith("data:") or self._event != "next":
            return False
        try:
            told = json.loads(line.removeprefix("data:"))
        except ValueError as error:
            raise ServerAwayError("The server's news make no sense.") from error
        if isinstance(told, dict) and told.get("errors"):
            raise ServerAwayError("The server has no news to give.")
        return True


class Listener:
    """Threads that listen, started when they are first needed and anew after a fork. What may have happened
    while nobody listened counts as news. `listening`: to how many of NEWS.
    """

    def __init__(self, shell: Shell, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self.listening = 0
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._starting = LockPerProcess()
        self._process = 0

    def start(self) -> None:
        if self._process == PROCESS.number or self._stopped.is_set():
            return
        with self._starting.get():
            if self._process != PROCESS.number:
                self._begin()

    def _begin(self) -> None:
        self.listening = 0
        threads = (begun(self._listen, "news", body) for body in _BODIES)
        self._threads = [thread for thread in threads if thread is not None]
        self._process = PROCESS.number

    def stop(self) -> None:
        """No more news."""
        self._stopped.set()
        self._shell.hang_up()
        for thread in self._threads if self._process == PROCESS.number else ():
            thread.join(STOP_S)

    def _listen(self, body: bytes) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                with self._shell.stream(body) as lines, self._counted():
                    failures = 0
                    self._read(lines)
            except PromptgraphError as error:
                if not failures and not self._stopped.is_set():
                    log.info("No live news of the registry: %s", error)
            failures += 1
            self._stopped.wait(PATIENCE.backoff(failures))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.listening += 1
        try:
            yield
        finally:
            self.listening -= 1

    def _read(self, lines: Iterator[str]) -> None:
        self._changed()
        events = Events()
        for line in lines:
            if events.is_news(line):
                self._changed()
            if self._stopped.is_set():
                return


class AsyncListener:
    """Tasks that listen, as Listener's threads."""

    def __init__(self, shell: AsyncShell, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self.listening = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen(body)) for body in _BODIES]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, body: bytes) -> None:
        failures = 0
        while True:
            try:
                async with self._shell.stream(body) as lines:
                    failures = 0
                    await self._read(lines)
            except PromptgraphError as error:
                if not failures:
                    log.info("No live news of the registry: %s", error)
            failures += 1
            await asyncio.sleep(PATIENCE.backoff(failures))

    async def _read(self, lines: AsyncIterator[str]) -> None:
        self._changed()
        self.listening += 1
        events = Events()
        try:
            async for line in lines:
                if events.is_news(line):
                    self._changed()
        finally:
            self.listening -= 1
