"""GraphQL over HTTP: the one door. It reads a request strictly, hands it to the pipeline, and says in HTTP's
words what became of it. Every answer, refusals too, is a GraphQL response.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from promptgraph.graph.answer import Answer, Kind, RequestRefusedError, refused
from promptgraph.graph.pipeline import QUERY_BYTES, Pipeline, Request, Way, asked
from promptgraph.web.body import BULKY_AT_ONCE, DisconnectedError, decoded, parsed, read_body
from promptgraph.web.media import EVENTS, GRAPHQL, JSON, check_json, negotiated, takes_events, wants_page
from promptgraph.web.pages import graphiql_page
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.response import UNAVAILABLE, respond
from promptgraph.web.sse import send_event, send_events
from promptgraph.web.streams import Streams

PARTIAL_SUCCESS = 294
GET_FIELDS = ("query", "documentId", "operationName", "variables", "extensions")
UNNAMED = ("operationName", "")
"""In a URL, what is empty is not there."""
COST_HEADER = "graphql-cost"
COST_WANTED = ("1", "report")

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

STREAMED = (Kind.DATA, Kind.PARTIAL, Kind.FAILED, Kind.REFUSED)
"""What reaches a client of events as one: an EventSource shows its page nothing of other answers."""
Body = Callable[[int | None], Awaitable[bytes]]
"""Reads a body of the announced length, if one was announced."""


@dataclass(frozen=True, slots=True)
class Door:
    """What answers at /graphql. `allow_get`: queries and subscriptions may come by GET. `page`: browsers get
    GraphiQL. `bulky`: whoever holds one of these may have a large request. `streams`: what stays open.
    """

    pipeline: Pipeline
    allow_get: bool = False
    page: bool = False
    bulky: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BULKY_AT_ONCE))
    streams: Streams = field(default_factory=Streams)

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
                answer = self.pipeline.subscribe if takes_events(accept) else self.pipeline.answer
                found = await answer(request, way)
            if not isinstance(found, Answer):
                with closing(found):
                    await send_events(found, receive, send, self.streams)
            elif media == EVENTS and found.kind in STREAMED:
                await send_event(found, send)
            else:
                await respond(send, STATUS[found.kind][media != GRAPHQL], found.payload, written(media))
        except RequestRefusedError as error:
            status = STATUS[error.kind][media != GRAPHQL]
            await respond(send, status, refused(error).payload, written(media))
        except HttpRefusedError as error:
            kind = StoreUnavailableError if error.status == UNAVAILABLE else InvalidInputError
            payload = refused(kind(str(error))).payload
            await respond(send, error.status, payload, written(media), error.headers)
        except DisconnectedError:
            return

    def _check_method(self, method: str) -> None:
        allowed = ("GET", "POST") if self.allow_get else ("POST",)
        if method not in allowed:
            raise HttpRefusedError(405, f"Use {' or '.join(allowed)}.", {"Allow": ", ".join(allowed)})

    async def _request(self, scope: Scope, headers: Headers, body: Body) -> tuple[Request, Way]:
        if scope["method"] == "GET":
            return fetched(scope["query_string"], headers), Way(reading=True, tell_cost=wants_cost(headers))
        return await posted(headers, body)


def written(media: str) -> str:
    """The form of an answer that is no event."""
    return JSON if media == EVENTS else media


async def posted(headers: Headers, body: Body) -> tuple[Request, Way]:
    """The request in a body.

    raises  HttpRefusedError, RequestRefusedError  with what is wrong
    cost    a large body is decoded in a thread, so that other requests go on
    """
    types, codings = headers.getlist("content-type"), headers.getlist("content-encoding")
    codings += [coding for coding in headers.getlist("transfer-encoding") if coding.lower() != "chunked"]
    check_json(", ".join(types), ", ".join(codings))
    length = headers.get("content-length", "")
    raw = await body(int(length[:20]) if length.isascii() and length.isdigit() else None)
    way = Way(size=len(raw), tell_cost=wants_cost(headers))
    if len(raw) <= QUERY_BYTES:
        return asked(decoded(raw)), way
    return await asyncio.to_thread(lambda: asked(decoded(raw))), way


def wants_cost(headers: Mapping[str, str]) -> bool:
    """Whether the answer is to say what the operation cost."""
    return headers.get(COST_HEADER) in COST_WANTED


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
        raise HttpRefusedError(400, "The query string is not UTF-8, percent-encoded, or too long.") from error
    fields = [(name, text) for name, text in pairs if name in GET_FIELDS and (name, text) != UNNAMED]
    if len(fields) != len(dict(fields)):
        raise HttpRefusedError(400, "The query string names a parameter twice.")
    given: dict[str, Any] = dict(fields)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = parsed(given[name], what=f"parameter `{name}`")
    return asked(given)
