"""The two shells of a client's work: one sends and waits, the other awaits. httpx is spoken here alone."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Generic, TypeVar

import httpx

from promptgraph import __version__
from promptgraph.client.address import Server
from promptgraph.client.answers import SERVER, ServerAwayError
from promptgraph.client.forks import PROCESS, LockPerProcess
from promptgraph.client.steps import Ask, Reply, Wait, Work
from promptgraph.domain.errors import InvalidInputError, PromptgraphError

T = TypeVar("T")
C = TypeVar("C", httpx.Client, httpx.AsyncClient)

CONNECT_S = 5.0
TIMEOUT_S = 10.0
SILENCE_S = 40.0
_INHERITED: list[httpx.Client | httpx.AsyncClient] = []
"""Connections of the parent of a fork: neither used nor closed here, for that would say good-bye for it."""


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """What httpx raises becomes one of our errors. None of its words are repeated: they may hold the key."""
    try:
        yield
    except httpx.ConnectError as error:
        raise ServerAwayError(f"{server.url} is out of reach. Does it run?") from error
    except httpx.TimeoutException as error:
        raise ServerAwayError(f"{server.url} did not answer in time.") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        if isinstance(error, httpx.UnsupportedProtocol):
            raise InvalidInputError(
                f"{server.url} cannot be asked. Is the address right?", field=SERVER
            ) from error
        raise ServerAwayError(f"{server.url} broke off the connection.") from error
    except httpx.InvalidURL as error:
        raise InvalidInputError(
            f"{server.url} cannot be asked. Is the address right?", field=SERVER
        ) from error


class _Connected(Generic[C]):
    """An httpx client for one server, made when it is first used and made again after a fork."""

    def __init__(self, server: Server, make: Callable[[], C]) -> None:
        self.server = server
        self._make: Callable[[], C] = make
        self._made: C | None = None
        self._process = 0
        self._making = LockPerProcess()

    def get(self) -> C:
        made = self._made
        if made is None or self._process != PROCESS.number:
            with self._making.get():
                made = self._own()
        return made

    def _own(self) -> C:
        if self._made is not None and self._process == PROCESS.number:
            return self._made
        if self._made is not None:
            _INHERITED.append(self._made)
        try:
            made = self._make()
        except (ValueError, ImportError) as error:
            raise InvalidInputError(
                "The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) cannot be"
                " used: mend it, or unset it."
            ) from error
        self._made, self._process = made, PROCESS.number
        return made

    def taken(self) -> C | None:
        """The client, to be closed; None if there is none of this process."""
        made, self._made = self._made, None
        return made if self._process == PROCESS.number else None


def headers(server: Server) -> dict[str, str]:
    return server.headers | {"content-type": "application/json", "user-agent": f"promptgraph/{__version__}"}


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, response.headers.get("retry-after"))


class Shell:
    """Carries out work by sending and waiting. Any number of threads may use it."""

    def __init__(
        self, server: Server, transport: httpx.BaseTransport | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        self.server = server
        self._http = _Connected(
            server, lambda: httpx.Client(transport=transport, timeout=timeout, headers=headers(server))
        )
        self._streams: set[tuple[int, socket.socket]] = set()

    def run(self, work: Work[T], wait: Callable[[float], object] = time.sleep) -> T:
        """What `work` gives."""
        try:
            step = next(work)
            while True:
                try:
                    reply = self._done(step, wait)
                except PromptgraphError as error:
                    step = work.throw(error)
                else:
                    step = work.send(reply)
        except StopIteration as end:
            made: T = end.value
            return made

    def _done(self, step: Ask | Wait, wait: Callable[[float], object]) -> Reply | None:
        if isinstance(step, Wait):
            wait(step.seconds)
            return None
        with translated(self.server):
            return _reply(self._http.get().post(self.server.url, content=step.body))

    @contextmanager
    def stream(self, body: bytes) -> Iterator[Iterator[str]]:
        """The lines of an answer that goes on."""
        asked = {"accept": "text/event-stream"}
        with (
            translated(self.server),
            self._http.get().stream(
                "POST", self.server.url, content=body, headers=asked, timeout=_patient()
            ) as response,
        ):
            _check_stream(response)
            held = PROCESS.number, response.extensions["network_stream"].get_extra_info("socket")
            self._streams.add(held)
            try:
                yield response.iter_lines()
            finally:
                self._streams.discard(held)

    def hang_up(self) -> None:
        """End the answers that go on: whoever waits for a line gets an error."""
        for number, line in list(self._streams):
            if number == PROCESS.number:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if (made := self._http.taken()) is not None:
            made.close()


class AsyncShell:
    """Carries out work on an event loop."""

    def __init__(
        self, server: Server, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        self.server = server
        self._http = _Connected(
            server, lambda: httpx.AsyncClient(transport=transport, timeout=timeout, headers=headers(server))
        )

    async def run(self, work: Work[T]) -> T:
        """What `work` gives."""
        try:
            step = next(work)
            while True:
                try:
                    reply = await self._done(step)
                except PromptgraphError as error:
                    step = work.throw(error)
                else:
                    step = work.send(reply)
        except StopIteration as end:
            made: T = end.value
            return made

    async def _done(self, step: Ask | Wait) -> Reply | None:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        with translated(self.server):
            return _reply(await self._http.get().post(self.server.url, content=step.body))

    @asynccontextmanager
    async def stream(self, body: bytes) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of an answer that goes on."""
        asked = {"accept": "text/event-stream"}
        with translated(self.server):
            async with self._http.get().stream(
                "POST", self.server.url, content=body, headers=asked, timeout=_patient()
            ) as response:
                _check_stream(response)
                yield response.aiter_lines()

    async def close(self) -> None:
        if (made := self._http.taken()) is not None:
            await made.aclose()


def _patient() -> httpx.Timeout:
    """For what goes on: a server gives a sign of life every 12 s."""
    return httpx.Timeout(CONNECT_S, read=SILENCE_S)


def _check_stream(response: httpx.Response) -> None:
    kind = response.headers.get("content-type", "")
    if response.status_code != 200 or not kind.startswith("text/event-stream"):  # noqa: PLR2004  # OK
        raise ServerAwayError(f"The server sends no events (HTTP {response.status_code}).")
