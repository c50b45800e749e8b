"""GraphQL over server-sent events: each operation has a connection of its own, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from starlette.types import Receive, Send

from promptgraph.graph.answer import Answer
from promptgraph.graph.wire import encoded
from promptgraph.web.media import EVENTS
from promptgraph.web.response import begin
from promptgraph.web.streams import SEND_SECONDS, Streams, until_any

BEAT_SECONDS = 12.0
"""How long a connection may be silent: proxies close those that are for longer."""
BEAT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
HEADERS = {"X-Accel-Buffering": "no"}
"""So that nginx hands on each event as it comes."""


async def send_events(
    answers: AsyncIterator[Answer],
    receive: Receive,
    send: Send,
    streams: Streams,
    unwanted: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Send answers as they come, until there are no more, the client goes away, `unwanted` returns, or the
    server stops; only the first is `complete`, for after the others a client should come again.

    raises  HttpRefusedError  503, too many connections stay open
    """

    async def write(body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    async def told() -> None:
        async for answer in answers:
            await write(_event(answer))
        await write(COMPLETE)

    async def beating() -> None:
        while True:
            await write(BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    with streams.one():
        await begin(send, 200, EVENTS, HEADERS)
        try:
            await until_any(told(), beating(), _left(receive), streams.ending.wait(), unwanted())
            await write(b"", more=False)
        except TimeoutError:
            return  # the server drops a connection whose answer is not complete


async def send_event(answer: Answer, send: Send) -> None:
    """Send the only answer. It needs no place: what it tells may be done, and must not be asked for again."""
    body = _event(answer) + COMPLETE
    await begin(send, 200, EVENTS, {**HEADERS, "Content-Length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


def _event(answer: Answer) -> bytes:
    return b"event: next\ndata: " + encoded(answer.payload) + b"\n\n"


async def _left(receive: Receive) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
