"""The least that an ASGI application can do: what any other is held against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}
BODY = {"type": "http.response.body", "body": b"hello"}


async def app(scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answers `hello` to every request."""
    if scope["type"] == "http":
        await send(START)
        await send(BODY)
