"""Connections that stay open, as their clients see them: over ASGI, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from promptgraph.web.application import Application

PATIENCE_S = 20.0
PROTOCOL = "graphql-transport-ws"


class Closed(NamedTuple):
    """How a WebSocket was closed; before it was accepted, by 403 to its client."""

    code: int
    reason: str
    accepted: bool


class Wire:
    """The two ends of one connection: what the application is given, and what it says."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.taken = asyncio.Event()
        self.taken.set()

    async def send(self, message: Any) -> None:
        await self.taken.wait()
        self.said.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        """What is said next; fails the test if that is nothing."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.said.get()


class Socket:
    """A WebSocket."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.subprotocol: str | None = None
        self._accepted = False

    def say(self, message: object) -> None:
        """Send a message, or as it is a text, or bytes."""
        if isinstance(message, bytes):
            frame: dict[str, Any] = {"bytes": message}
        else:
            frame = {"text": message if isinstance(message, str) else json.dumps(message)}
        self.wire.given.put_nowait({"type": "websocket.receive", **frame})

    async def heard(self) -> Any:
        """The next message, or how the connection was closed."""
        message = await self.wire.next()
        if message["type"] == "websocket.accept":
            self._accepted, self.subprotocol = True, message.get("subprotocol")
            return await self.heard()
        if message["type"] == "websocket.close":
            return Closed(message.get("code", 1000), message.get("reason") or "", self._accepted)
        return json.loads(message["text"])

    async def begun(self, **payload: Any) -> Socket:
        """This, after the greetings."""
        self.say({"type": "connection_init", **({"payload": payload} if payload else {})})
        assert {"type": "connection_ack"} == await self.heard()
        return self

    def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        self.say({"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}})


@asynccontextmanager
async def connected(
    app: Application,
    *,
    protocols: tuple[str, ...] = (PROTOCOL,),
    path: str = "/graphql",
    host: str = "localhost",
    origin: str | None = None,
    more: Sequence[tuple[str, str]] = (),
) -> AsyncIterator[Socket]:
    """A WebSocket, whose client goes away at the end; the application has ended its work for it then. `more`:
    headers of the handshake.
    """
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    headers += [(name.encode(), value.encode()) for name, value in more]
    scope = {"type": "websocket", "path": path, "headers": headers, "subprotocols": list(protocols)}
    wire = Wire()
    wire.given.put_nowait({"type": "websocket.connect"})
    async with _running(app, scope, wire, {"type": "websocket.disconnect", "code": 1001}):
        yield Socket(wire)


class Stream:
    """An answer in events."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.status = 0
        self.headers: dict[str, str] = {}
        self._text = ""
        self._is_over = False

    async def head(self) -> Stream:
        """This, once status and headers are there."""
        message = await self.wire.next()
        self.status = message["status"]
        self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        return self

    async def block(self) -> str | None:
        """The next block of lines, None after the last."""
        while "\n\n" not in self._text:
            if self._is_over:
                return None
            message = await self.wire.next()
            self._text += message["body"].decode()
            self._is_over = not message.get("more_body", False)
        block, _, self._text = self._text.partition("\n\n")
        return block

    async def event(self) -> tuple[str, Any] | None:
        """The next event and its data; None after the last block."""
        while (block := await self.block()) == ":":
            pass
        if block is None:
            return None
        fields = dict(line.split(":", 1) for line in block.splitlines())
        data = fields["data"].strip()
        return fields["event"].strip(), json.loads(data) if data else None


@asynccontextmanager
async def streaming(app: Application, body: str = "", **more: Any) -> AsyncIterator[Stream]:
    """A POST, or with `query_string` a GET, that accepts events; its client goes away at the end."""
    accept = more.pop("accept", "text/event-stream")
    headers = {"host": "localhost", "accept": accept, "content-type": "application/json"} | more.pop(
        "headers", {}
    )
    scope = {
        "type": "http",
        "method": "GET" if "query_string" in more else "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        **more,
    }
    wire = Wire()
    wire.given.put_nowait({"type": "http.request", "body": body.encode()})
    async with _running(app, scope, wire, {"type": "http.disconnect"}):
        yield await Stream(wire).head()


@asynccontextmanager
async def _running(
    app: Application, scope: dict[str, Any], wire: Wire, leaving: dict[str, Any]
) -> AsyncIterator[None]:
    task = asyncio.create_task(app(scope, wire.given.get, wire.send))
    try:
        yield
    finally:
        wire.taken.set()
        wire.given.put_nowait(leaving)
        async with asyncio.timeout(PATIENCE_S):
            await task


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fails the test if it does not."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # what it waits for has no event
            await asyncio.sleep(0.01)
