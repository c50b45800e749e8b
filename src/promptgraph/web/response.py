"""Answers in HTTP's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Send

from promptgraph.web.pages import SECURITY_HEADERS

RETRY_AFTER_SECONDS = 1
UNAVAILABLE = 503
EXPLANATIONS: dict[int, dict[str, str]] = {
    405: {"Allow": "POST"},
    UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}
"""Headers that go with a status."""


async def respond(
    send: Send, status: int, payload: Mapping[str, Any], media: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send one complete answer."""
    body = encoded(payload)
    own = {"Content-Length": str(len(body)), **EXPLANATIONS.get(status, {}), **(headers or {})}
    await begin(send, status, media, own)
    await send({"type": "http.response.body", "body": body})


async def begin(send: Send, status: int, media: str, headers: Mapping[str, str]) -> None:
    """Send the head of an answer."""
    every = {
        "Content-Type": f"{media}; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Accept",
        **SECURITY_HEADERS,
        **headers,
    }
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def encoded(payload: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. What UTF-8 cannot write, quoted from a refused request, is escaped."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return json.dumps(payload, allow_nan=False).encode("ascii")
