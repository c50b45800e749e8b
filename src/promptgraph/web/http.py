"""GraphQL over HTTP: the one door. It reads a request strictly, hands it to the pipeline, and says in HTTP's
words what became of it. Every answer, refusals too, is a GraphQL response.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from promptgraph.graph.pipeline import (
    QUERY_BYTES,
    Kind,
    Pipeline,
    Request,
    RequestRefusedError,
    Way,
    asked,
    refused,
)
from promptgraph.web.body import BULKY_AT_ONCE, DisconnectedError, decoded, parsed, read_body
from promptgraph.web.media import JSON, check_json, negotiated, wants_page
from promptgraph.web.pages import SECURITY_HEADERS, graphiql_page
from promptgraph.web.refusal import HttpRefusedError

RETRY_AFTER_SECONDS = 1
PARTIAL_SUCCESS = 294
UNAVAILABLE = 503
GET_FIELDS = ("query", "operationName", "variables", "extensions")

STATUS: dict[Kind, tuple[int, int]] = {
    # kind: (as application/graphql-response+json, as application/json, where 200 is what clients look for)
    Kind.DATA: (200, 200),
    Kind.PARTIAL: (PARTIAL_SUCCESS, 200),
    Kind.FAILED: (200, 200),
    Kind.REFUSED: (400, 200),
    Kind.MALFORMED: (400, 400),
    Kind.NOT_READING: (405, 405),
    Kind.TOO_LARGE: (413, 413),
    Kind.UNAVAILABLE: (UNAVAILABLE, UNAVAILABLE),
}
EXPLANATIONS: dict[int, dict[str, str]] = {
    405: {"Allow": "POST"},
    UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}
"""Headers that go with a status."""


Body = Callable[[int | None], Awaitable[bytes]]
"""Reads a body of the announced length, if one was announced."""


@dataclass(frozen=True, slots=True)
class Door:
    """What answers at /graphql. `allow_get`: queries may come by GET. `page`: browsers get GraphiQL.
    `bulky`: whoever holds one of these may have a large request.
    """

    pipeline: Pipeline
    allow_get: bool = False
    page: bool = False
    bulky: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BULKY_AT_ONCE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        accept = ", ".join(headers.getlist("accept"))
        if self.page and scope["method"] in ("GET", "HEAD") and wants_page(accept):
            await graphiql_page(HttpRequest(scope))(scope, receive, send)
            return
        media = JSON
        try:
            self._check_method(scope["method"])
            media = negotiated(accept)
            async with AsyncExitStack() as held:
                large = partial(held.enter_async_context, self.bulky)
                request, way = await self._request(scope, headers, partial(read_body, receive, large=large))
                answer = await self.pipeline.answer(request, way)
            await respond(send, STATUS[answer.kind][media == JSON], answer.payload, media)
        except RequestRefusedError as error:
            await respond(send, STATUS[error.kind][media == JSON], refused(error).payload, media)
        except HttpRefusedError as error:
            kind = StoreUnavailableError if error.status == UNAVAILABLE else InvalidInputError
            payload = refused(kind(str(error))).payload
            await respond(send, error.status, payload, media, error.headers)
        except DisconnectedError:
            return

    def _check_method(self, method: str) -> None:
        allowed = ("GET", "POST") if self.allow_get else ("POST",)
        if method not in allowed:
            raise HttpRefusedError(405, f"Use {' or '.join(allowed)}.", {"Allow": ", ".join(allowed)})

    async def _request(self, scope: Scope, headers: Headers, body: Body) -> tuple[Request, Way]:
        if scope["method"] == "GET":
            return fetched(scope["query_string"], headers), Way(reading=True)
        return await posted(headers, body)


async def posted(headers: Headers, body: Body) -> tuple[Request, Way]:
    """The request in a body.

    raises  HttpRefusedError, RequestRefusedError  with what is wrong
    cost    a large body is decoded in a thread, so that other requests go on
    """
    types = headers.getlist("content-type")
    check_json(", ".join(types), ", ".join(headers.getlist("content-encoding")))
    length = headers.get("content-length", "")
    raw = await body(int(length[:20]) if length.isascii() and length.isdigit() else None)
    way = Way(size=len(raw))
    if len(raw) <= QUERY_BYTES:
        return asked(decoded(raw)), way
    return await asyncio.to_thread(lambda: asked(decoded(raw))), way


def fetched(query_string: bytes, headers: Mapping[str, str]) -> Request:
    """The request in a URL.

    raises  HttpRefusedError, RequestRefusedError  with what is wrong; 403 when a page of another site asks
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HttpRefusedError(403, "Pages of other sites may not ask here.")
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16
        )
    except ValueError as error:
        raise HttpRefusedError(400, "The query string is not UTF-8, percent-encoded.") from error
    fields = [(name, text) for name, text in pairs if name in GET_FIELDS]
    if len(fields) != len(dict(fields)):
        raise HttpRefusedError(400, "The query string names a parameter twice.")
    given: dict[str, Any] = dict(fields)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = parsed(given[name], what=f"parameter `{name}`")
    return asked(given)


async def respond(
    send: Send, status: int, payload: Mapping[str, Any], media: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send one complete answer."""
    body = encoded(payload)
    every = {
        "Content-Type": f"{media}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Vary": "Accept",
        **SECURITY_HEADERS,
        **EXPLANATIONS.get(status, {}),
        **(headers or {}),
    }
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def encoded(payload: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. What UTF-8 cannot write, quoted from a refused request, is escaped."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return json.dumps(payload, allow_nan=False).encode("ascii")
