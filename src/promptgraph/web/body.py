"""Request bodies: how much is read, and how long is waited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from starlette.types import Message, Receive

from promptgraph.graph.bulk import BULKY, QUERY_BYTES
from promptgraph.graph.patience import within
from promptgraph.web.refusal import HttpRefusedError

BULKY_AT_ONCE = 2
BODY_SECONDS = 30.0
"""What a client has for sending; waiting for its turn does not count."""
TURN_SECONDS = 30.0
"""What a large request waits for its turn before it is sent away."""
SIGNS: Mapping[bytes, int] = {name.lower().encode(): bulk.limit for name, bulk in BULKY.items()}
"""One of them stands, in whatever case, in the first MiB of a body that may be larger, in its query or its
operation name; and how large that may be. What the operation really does is looked at later.
"""
LARGEST = max(SIGNS.values())


class DisconnectedError(Exception):
    """The client went away before its request was complete; nobody waits for an answer."""


async def read_body(
    receive: Receive,
    announced: int | None,
    large: Callable[[], Awaitable[object]],
    *,
    most: int | None = None,
    seconds: float = BODY_SECONDS,
) -> bytes:
    """The whole body.

    keys    announced: the Content-Length, if there is one; large: awaited before more than 1 MiB is held;
            most: how many bytes it may have, where its first MiB does not say so; seconds: what its client
            has for sending it
    raises  HttpRefusedError   413 too large, 408 too slow, 503 too many large ones at once
            DisconnectedError  the client went away
    """
    check_length(announced, most)
    first = await first_piece(receive, seconds)
    if (body := whole_of(first)) is not None:
        return body
    return await body_from(first, receive, large, most=most, seconds=seconds)


def check_length(announced: int | None, most: int | None = None) -> None:
    """Nothing, for a body that may be as long as its client says.

    raises  HttpRefusedError  413
    """
    largest = LARGEST if most is None else most
    if announced is not None and announced > largest:
        raise _too_large(largest)


async def first_piece(receive: Receive, seconds: float = BODY_SECONDS) -> Message:
    """What has come of a body when something has.

    raises  HttpRefusedError   408 too slow
            DisconnectedError  the client went away
    """
    try:
        message = await within(seconds, receive())
    except TimeoutError:
        raise _too_slow(seconds) from None
    if message["type"] != "http.request":
        raise DisconnectedError
    return message


def whole_of(first: Message) -> bytes | None:
    """The body, if it came in one piece, and is none of those that may be large."""
    body: bytes = first.get("body", b"")
    return None if first.get("more_body") or len(body) > QUERY_BYTES else body


async def body_from(
    first: Message,
    receive: Receive,
    large: Callable[[], Awaitable[object]],
    *,
    most: int | None = None,
    seconds: float = BODY_SECONDS,
) -> bytes:
    """The whole body that begins so; for the rest a client has as long as for the beginning.

    keys, raises  as `read_body`
    """
    try:
        async with asyncio.timeout(seconds) as clock:
            return await _collected(_pieces(first, receive), partial(_its_turn, clock, large), most)
    except TimeoutError:
        raise _too_slow(seconds) from None


async def _its_turn(clock: asyncio.Timeout, large: Callable[[], Awaitable[object]]) -> None:
    """Wait for `large` while the client's clock stands still."""
    now = asyncio.get_running_loop().time
    left = (clock.when() or now()) - now()
    clock.reschedule(None)
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await large()
    except TimeoutError:
        raise HttpRefusedError(503, "Other large requests are under way; try again.") from None
    clock.reschedule(now() + left)


async def _pieces(first: Message, receive: Receive) -> AsyncIterator[bytes]:
    message = first
    yield message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        if message["type"] != "http.request":
            raise DisconnectedError
        yield message.get("body", b"")


async def _collected(
    pieces: AsyncIterator[bytes], large: Callable[[], Awaitable[object]], most: int | None
) -> bytes:
    body, limit = bytearray(), QUERY_BYTES
    async for piece in pieces:
        body += piece
        if limit == QUERY_BYTES < len(body):
            limit = _limit(bytes(body[:QUERY_BYTES]).lower()) if most is None else most
            if limit > QUERY_BYTES:
                await large()
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _limit(start: bytes) -> int:
    """How large the body may be that begins so."""
    return max((size for sign, size in SIGNS.items() if sign in start), default=QUERY_BYTES)


def _too_slow(seconds: float) -> HttpRefusedError:
    """The connection ends with it: what still comes of the body would stand where a request begins."""
    return HttpRefusedError(408, f"The body did not arrive within {seconds:g} s.", {"Connection": "close"})


def _too_large(limit: int) -> HttpRefusedError:
    return HttpRefusedError(413, f"The body is larger than {limit:,} bytes.")
