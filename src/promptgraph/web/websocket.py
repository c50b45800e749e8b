"""GraphQL over WebSocket, by the protocol graphql-transport-ws and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.types import Message, Receive, Scope, Send

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.key_form import Presented
from promptgraph.domain.keys import Caller
from promptgraph.domain.visit import Visit
from promptgraph.graph.answer import Answer, RequestRefusedError, refused
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request, Way, asked
from promptgraph.graph.wire import encoded, parsed
from promptgraph.web.bearer import key_of, key_told
from promptgraph.web.gate import Gate
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.streams import SEND_SECONDS, Streams, until_any
from promptgraph.web.watch import Watch, note

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
"""How long a client may take to send `connection_init`."""
CLOSE_SECONDS = 1.0
OPERATIONS = 10
"""How many operations of one connection may be under way."""
MESSAGE_CHARACTERS = 256 * 1024
ID_CHARACTERS = 128
REASON_BYTES = 123
"""What a close frame has room for."""
PLACE = "websocket"
"""How figures and logs call it."""
COMPLETE: Mapping[str, Any] = {"kind": "complete"}

TOO_LARGE, RESTARTING, TRY_LATER = 1009, 1012, 1013
BAD_MESSAGE, UNAUTHORIZED, WRONG_PROTOCOL = 4400, 4401, 4406
INIT_TIMEOUT, SAME_ID, SECOND_INIT = 4408, 4409, 4429


class ClosingError(Exception):
    """Ends a connection: the close frame's code, and its reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sockets:
    """What answers WebSockets at /graphql."""

    pipeline: Pipeline
    streams: Streams
    gate: Gate
    watch: Watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        conversation = Conversation(self, scope, receive, send)
        if PROTOCOL not in scope["subprotocols"]:
            await conversation.turn_away(ClosingError(WRONG_PROTOCOL, f"Speak {PROTOCOL}."))
            return
        try:
            with self.streams.one():
                await conversation.run()
        except HttpRefusedError as error:
            await conversation.turn_away(ClosingError(TRY_LATER, str(error)))


class Conversation:
    """One connection: a loop that takes messages, and a task for each operation under way. Its key comes with
    the handshake or with `connection_init`, and counts anew for each operation.
    """

    def __init__(self, sockets: Sockets, scope: Scope, receive: Receive, send: Send) -> None:
        self._pipeline = sockets.pipeline
        self._streams = sockets.streams
        self._gate = sockets.gate
        self._watch = sockets.watch
        self._scope = scope
        self._key: Presented = key_of(scope)
        self._receive = receive
        self._out = send
        self._clock = asyncio.timeout(INIT_SECONDS)
        self._opened = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def turn_away(self, error: ClosingError) -> None:
        """Accept, so that the client can read why, and close."""
        await self._send({"type": "websocket.accept"})
        await self._close(error)

    async def run(self) -> None:
        """Converse until one side closes."""
        try:
            await self._send({"type": "websocket.accept", "subprotocol": PROTOCOL})
            async with self._group:
                await until_any(self._listen(), self._ended(), self._unwanted())
                for task in self._operations.values():
                    task.cancel()
        except* ClosingError as closings:
            first = closings.exceptions[0]
            if isinstance(first, ClosingError):
                await self._close(first)
        except* OSError:
            pass  # the client has gone

    async def _ended(self) -> NoReturn:
        await self._streams.ending.wait()
        raise ClosingError(RESTARTING, "The server is stopping; connect again.")

    async def _unwanted(self) -> NoReturn:
        await self._opened.wait()
        await self._gate.until_refused(self._key, self._scope)
        raise ClosingError(UNAUTHORIZED, "Unauthorized: the key is not valid any more.")

    async def _caller(self) -> Caller:
        """Who asks.

        raises  ClosingError  nobody who may
        """
        try:
            return self._gate.at_hand(self._key) or await self._gate.caller(self._key, self._scope)
        except HttpRefusedError as error:
            code = TRY_LATER if "Retry-After" in error.headers else UNAUTHORIZED
            raise ClosingError(code, f"Unauthorized: {error}") from error
        except StoreUnavailableError as error:
            raise ClosingError(TRY_LATER, str(error)) from error

    async def _listen(self) -> None:
        try:
            async with self._clock:
                while (message := await self._next()) is not None:
                    await self._take(message)
        except TimeoutError:
            raise ClosingError(INIT_TIMEOUT, f"No connection_init within {INIT_SECONDS:g} s.") from None

    async def _next(self) -> JsonObject | None:
        """The next message; None once the client has gone."""
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            return None
        text = received.get("text")
        if text is None:
            raise ClosingError(BAD_MESSAGE, "A message is a text, not binary.")
        if len(text) > MESSAGE_CHARACTERS:
            raise ClosingError(TOO_LARGE, f"A message has at most {MESSAGE_CHARACTERS:,} characters.")
        try:
            message = parsed(text, what="message")
        except RequestRefusedError as error:
            raise ClosingError(BAD_MESSAGE, str(error)) from error
        if not isinstance(message, dict):
            raise ClosingError(BAD_MESSAGE, "A message is a JSON object.")
        return message

    async def _take(self, message: JsonObject) -> None:
        kind = message.get("type")
        if not isinstance(kind, str) or kind not in MESSAGES:
            raise ClosingError(BAD_MESSAGE, f"The type of a message is one of {', '.join(MESSAGES)}.")
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise ClosingError(BAD_MESSAGE, "`payload` must be an object.")
        await MESSAGES[kind](self, message)

    async def on_init(self, message: JsonObject) -> None:
        if self._opened.is_set():
            raise ClosingError(
                SECOND_INIT, "Too many initialisation requests: one connection_init is enough."
            )
        self._key = key_told(message.get("payload")) or self._key
        await self._caller()
        self._opened.set()
        self._clock.reschedule(None)
        await self._say("connection_ack")

    async def on_ping(self, message: JsonObject) -> None:
        payload = message.get("payload")
        await self._say("pong", **({} if payload is None else {"payload": payload}))

    async def on_pong(self, _message: JsonObject) -> None:
        """Nobody waits for one: whether a client is there, the frames of WebSocket itself tell."""

    async def on_subscribe(self, message: JsonObject) -> None:
        if not self._opened.is_set():
            raise ClosingError(UNAUTHORIZED, "Unauthorized: connection_init comes first.")
        id_ = _id(message)
        if id_ in self._operations:
            raise ClosingError(SAME_ID, f"Subscriber for {id_} already exists.")
        try:
            request = asked(message.get("payload"))
        except RequestRefusedError as error:
            raise ClosingError(BAD_MESSAGE, str(error)) from error
        if len(self._operations) >= OPERATIONS:
            crowded = StoreUnavailableError(f"At most {OPERATIONS} operations at once on a connection.")
            await self._say("error", id=id_, payload=refused(crowded).payload["errors"])
            return
        self._operations[id_] = self._group.create_task(self._operate(id_, request), name="operation")

    async def on_complete(self, message: JsonObject) -> None:
        task = self._operations.pop(_id(message), None)
        if task is not None:
            task.cancel()

    async def _operate(self, id_: str, request: Request) -> None:
        last = COMPLETE
        try:
            with self._watch.message(PLACE) as visit:
                last = await self._answered(id_, request, visit)
        finally:
            if self._operations.get(id_) is asyncio.current_task():
                del self._operations[id_]  # before it is said, for then the client may use it again
        await self._say(**last, id=id_)

    async def _answered(self, id_: str, request: Request, visit: Visit) -> Mapping[str, Any]:
        """Send what the operation gets; what is to be said last of it."""
        caller = await self._caller()
        visit.key = caller.public_id
        found = await self._pipeline.subscribe(request, Way(reading=True, caller=caller))
        if not isinstance(found, Answer):
            visit.streams = True
            with closing(found):
                async for answer in found:
                    await self._say("next", id=id_, payload=answer.payload)
            return COMPLETE
        note(found)
        if "data" not in found.payload:
            return {"kind": "error", "payload": found.payload["errors"]}
        await self._say("next", id=id_, payload=found.payload)
        return COMPLETE

    async def _say(self, kind: str, **more: object) -> None:
        await self._send({"type": "websocket.send", "text": encoded({"type": kind, **more}).decode()})

    async def _send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._out(message)
        except TimeoutError:
            raise ClosingError(TRY_LATER, "What was sent is not taken.") from None
        except RuntimeError as error:  # a server's word for a connection that it has closed itself
            raise ConnectionError from error

    async def _close(self, error: ClosingError) -> None:
        reason = str(error).encode()[:REASON_BYTES].decode(errors="ignore")
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._out({"type": "websocket.close", "code": error.code, "reason": reason})


def _id(message: JsonObject) -> str:
    """The operation that a message is about.

    raises  ClosingError  it names none
    """
    id_ = message.get("id")
    if not isinstance(id_, str) or not 1 <= len(id_) <= ID_CHARACTERS:
        raise ClosingError(BAD_MESSAGE, f"`id` must be a text of 1 to {ID_CHARACTERS} characters.")
    return id_


MESSAGES: Mapping[str, Callable[[Conversation, JsonObject], Awaitable[None]]] = {
    "connection_init": Conversation.on_init,
    "ping": Conversation.on_ping,
    "pong": Conversation.on_pong,
    "subscribe": Conversation.on_subscribe,
    "complete": Conversation.on_complete,
}
"""What a client may say."""
