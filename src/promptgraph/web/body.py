"""Request bodies: how much is read, how long is waited, and which JSON is accepted."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from starlette.types import Receive

from promptgraph.domain.canonical import Json
from promptgraph.graph.pipeline import BULKY, QUERY_BYTES
from promptgraph.web.refusal import HttpRefusedError

BULKY_AT_ONCE = 2
BODY_SECONDS = 30.0
"""What a client has for sending; waiting for its turn does not count."""
TURN_SECONDS = 30.0
"""What a large request waits for its turn before it is sent away."""
INTEGER_DIGITS = 30
SIGNS: Mapping[bytes, int] = {name.lower().encode(): bulk.limit for name, bulk in BULKY.items()}
"""One of them stands, in whatever case, in the first MiB of a body that may be larger, in its query or its
operation name; and how large that may be. What the operation really does is looked at later.
"""
LARGEST = max(SIGNS.values())


class DisconnectedError(Exception):
    """The client went away before its request was complete; nobody waits for an answer."""


async def read_body(receive: Receive, announced: int | None, large: Callable[[], Awaitable[object]]) -> bytes:
    """The whole body.

    keys    announced: the Content-Length, if there is one; large: awaited before more than 1 MiB is held
    raises  HttpRefusedError   413 too large, 408 too slow, 503 too many large ones at once
            DisconnectedError  the client went away
    """
    if announced is not None and announced > LARGEST:
        raise _too_large(LARGEST)
    try:
        async with asyncio.timeout(BODY_SECONDS) as clock:
            return await _collected(receive, partial(_its_turn, clock, large))
    except TimeoutError:
        raise HttpRefusedError(408, f"The body did not arrive within {BODY_SECONDS:g} s.") from None


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


async def _collected(receive: Receive, large: Callable[[], Awaitable[object]]) -> bytes:
    body, limit, more = bytearray(), QUERY_BYTES, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise DisconnectedError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if limit == QUERY_BYTES < len(body):
            limit = _limit(bytes(body[:QUERY_BYTES]).lower())
            if limit > QUERY_BYTES:
                await large()
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _limit(start: bytes) -> int:
    """How large the body may be that begins so."""
    return max((size for sign, size in SIGNS.items() if sign in start), default=QUERY_BYTES)


def _too_large(limit: int) -> HttpRefusedError:
    return HttpRefusedError(413, f"The body is larger than {limit:,} bytes.")


def decoded(body: bytes) -> Json:
    """The JSON value of a body: UTF-8 without a mark, each key once, finite numbers, integers of 30 digits.

    raises  HttpRefusedError  400, with what is wrong
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HttpRefusedError(400, f"The body is not UTF-8: byte {error.start} is wrong.") from error
    return parsed(text, what="body")


def parsed(text: str, *, what: str) -> Json:
    """The JSON value of a text, as strictly as `decoded`.

    raises  HttpRefusedError  400, naming `what` was wrong
    """
    if text.startswith("\ufeff"):
        raise HttpRefusedError(400, f"The {what} begins with a byte order mark: leave it out.")
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise HttpRefusedError(400, f"The {what} is not JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise HttpRefusedError(400, f"The {what} is nested too deeply.") from error
    except _StrictError as error:
        raise HttpRefusedError(400, f"The {what} is refused: {error}") from error
    return value


class _StrictError(Exception):
    """JSON that many readers take, each in its own way."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _StrictError("an object names a key twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _StrictError(f"JSON knows no {name}.")


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS:
        raise _StrictError(f"an integer has more than {INTEGER_DIGITS} digits.")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _StrictError("a number is too large.")
    return value
