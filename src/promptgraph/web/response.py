"""Answers in HTTP's words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from starlette.types import Send

from promptgraph.web.pages import SECURITY_HEADERS

RETRY_AFTER_SECONDS = 1
UNAVAILABLE = 503
EXPLANATIONS: dict[int, dict[str, str]] = {
    405: {"Allow": "POST"},
    UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}
"""Headers that go with a status."""


Headers = list[tuple[bytes, bytes]]


async def respond(
    send: Send, status: int, body: bytes, media: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send one complete answer."""
    own = {**EXPLANATIONS.get(status, {}), **(headers or {})}
    await whole(send, status, [*usual(media), *raw(own)], body)


async def whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer with these headers, and its length."""
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length_of(body)]})
    await send({"type": "http.response.body", "body": body})


def length_of(body: bytes) -> tuple[bytes, bytes]:
    """The header that says how long the body is."""
    return b"content-length", b"%d" % len(body)


async def begin(send: Send, status: int, media: str, headers: Mapping[str, str]) -> None:
    """Send the head of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": [*usual(media), *raw(headers)]})


@cache
def usual(media: str) -> Headers:
    """The headers that every answer in this form has."""
    every = {"Content-Type": f"{media}; charset=utf-8", "Cache-Control": "no-store", "Vary": "Accept"}
    return raw(every | SECURITY_HEADERS)


def raw(headers: Mapping[str, str]) -> Headers:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
