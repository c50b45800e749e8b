"""GraphQL over HTTP: the one door. It reads a request strictly, hands it to the pipeline, and says in HTTP's
words what became of it. Every answer, refusals too, is a GraphQL response.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from promptgraph.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.domain.keys import Caller
from promptgraph.domain.visit import CURRENT
from promptgraph.graph.answer import Answer, Kind, RequestRefusedError, refused, unavailable
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request, Way, asked
from promptgraph.graph.streams import Answers
from promptgraph.graph.wire import encoded, parsed
from promptgraph.web.body import (
    BODY_SECONDS,
    BULKY_AT_ONCE,
    DisconnectedError,
    body_from,
    check_length,
    first_piece,
    whole_of,
)
from promptgraph.web.etag import give_once, tagged
from promptgraph.web.gate import TOO_MANY, UNAUTHORIZED, Gate
from promptgraph.web.heads import Head, Heads, accepted, told
from promptgraph.web.media import EVENTS, GRAPHQL, JSON, wants_page
from promptgraph.web.pages import graphiql_page
from promptgraph.web.recall import Kept, Recall, give, kept_of
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.response import EXPLANATIONS, UNAVAILABLE, Headers, raw, respond, usual, whole
from promptgraph.web.revision import REVISION
from promptgraph.web.sse import send_event, send_events
from promptgraph.web.streams import Streams
from promptgraph.web.watch import Watch, gone, note, recalled

PARTIAL_SUCCESS = 294
PAGE_METHODS = ("GET", "HEAD")
GET_FIELDS = ("query", "documentId", "operationName", "variables", "extensions")
UNNAMED = ("operationName", "")
"""In a URL, what is empty is not there."""
PATH_HEADER, REVISION_HEADER = b"x-promptgraph-path", REVISION.encode()

STATUS: dict[Kind, tuple[int, int]] = {
    # kind: (as application/graphql-response+json, as application/json, where 200 is what clients look for)
    Kind.DATA: (200, 200),
    Kind.PARTIAL: (PARTIAL_SUCCESS, 200),
    Kind.FAILED: (200, 200),
    Kind.REFUSED: (400, 200),
    Kind.MALFORMED: (400, 400),
    Kind.NOT_READING: (405, 405),
    Kind.TOO_LARGE: (413, 413),
    Kind.FORBIDDEN: (403, 403),
    Kind.UNAVAILABLE: (UNAVAILABLE, UNAVAILABLE),
}

REFUSALS: Mapping[int, type[PromptgraphError]] = {
    UNAUTHORIZED: ForbiddenError,
    TOO_MANY: StoreUnavailableError,
    UNAVAILABLE: StoreUnavailableError,
}
"""What a status says by its error, where that is not that the request is wrong."""

STREAMED = (Kind.DATA, Kind.PARTIAL, Kind.FAILED, Kind.REFUSED)
"""What reaches a client of events as one: an EventSource shows its page nothing of other answers."""


@dataclass(frozen=True, slots=True)
class Door:
    """What answers at /graphql. `gate` lets callers in. `allow_get`: queries and subscriptions may come by
    GET. `page`: browsers get GraphiQL. `bulky`: whoever holds one of these may have a large request.
    `streams`: what stays open. `watch`: what is known of requests.

    units  body_s: seconds that a client has for sending a body
    """

    pipeline: Pipeline
    gate: Gate
    allow_get: bool = False
    page: bool = False
    bulky: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BULKY_AT_ONCE))
    streams: Streams = field(default_factory=Streams)
    heads: Heads = field(default_factory=Heads)
    watch: Watch = field(default_factory=Watch)
    body_s: float = BODY_SECONDS
    recall: Recall = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "recall", Recall(self.pipeline.state))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found, method = told(scope), scope["method"]
        if method != "POST" and self.page and wants_page(accepted(found)) and method in PAGE_METHODS:
            await graphiql_page(HttpRequest(scope))(scope, receive, send)
            return
        media = JSON
        try:
            self.watch.check()
            if method != "POST":
                self._check_method(method)
            head = self.heads.read(found)
            media = head.media
            caller = self.gate.at_hand(head.key) or await self.gate.caller(head.key, scope)
            CURRENT.get().key = caller.public_id
            if head.least is not None:
                await self.pipeline.state.at_least(head.least)
            await (self._get if method == "GET" else self._post)(scope, head, caller, receive, send)
        except RequestRefusedError as error:
            await _tell(send, refused(error, error.kind), media)
        except HttpRefusedError as error:
            kind = REFUSALS.get(error.status, InvalidInputError)
            became = Kind.UNAVAILABLE if kind is StoreUnavailableError else Kind.MALFORMED
            answer = refused(kind(str(error)), became)
            note(answer)
            await respond(send, error.status, encoded(answer.payload), written(media), error.headers)
        except StoreUnavailableError as error:
            await _tell(send, unavailable(error), media)
        except DisconnectedError:
            gone()

    def _check_method(self, method: str) -> None:
        allowed = ("GET", "POST") if self.allow_get else ("POST",)
        if method not in allowed:
            raise HttpRefusedError(405, f"Use {' or '.join(allowed)}.", {"Allow": ", ".join(allowed)})

    async def _get(self, scope: Scope, head: Head, caller: Caller, receive: Receive, send: Send) -> None:
        named, form = scope["query_string"], f"GET {head.media}"
        request = fetched(named, head.site)
        recalls = caller.reads_freely and not head.events and not head.tell_cost
        kept = await self.recall.find(form, named) if recalls else None
        if kept is None:
            current = head.least is not None
            way = Way(reading=True, tell_cost=head.tell_cost, caller=caller, current=current)
            found = await self._asked(request, head, way)
            if not isinstance(found, Answer) or found.tag is None or head.tell_cost:
                await self._give(found, head, scope, receive, send)
                return
            kept = tagged(found.tag, described(found, head.media), encoded(found.payload))
            note(found)
            self.recall.keep(form, named, kept)
        else:
            self._recalled(kept)
        await give_once(send, kept, scope)

    async def _post(self, scope: Scope, head: Head, caller: Caller, receive: Receive, send: Send) -> None:
        if not head.is_json:
            head.check_json()
        check_length(announced(scope))
        first = await first_piece(receive, self.body_s)
        if (body := whole_of(first)) is not None:
            if head.recalls(caller) and (kept := self.recall.at_hand(head.media, body)) is not None:
                self._recalled(kept)
                await give(send, kept)
                return
            found = await self._answered(body, head, caller)
        else:
            async with AsyncExitStack() as held:
                turn = partial(held.enter_async_context, self.bulky)
                body = await body_from(first, receive, turn, seconds=self.body_s)
                found = await self._answered(body, head, caller)
        await self._give(found, head, scope, receive, send)

    async def _answered(self, body: bytes, head: Head, caller: Caller) -> Kept | Answer | Answers:
        """The answer to a body, the one at hand if there is one."""
        recalls = head.recalls(caller)
        if recalls and (kept := await self.recall.find(head.media, body)) is not None:
            self._recalled(kept)
            return kept
        current = head.least is not None
        way = Way(size=len(body), tell_cost=head.tell_cost, caller=caller, current=current)
        found = await self._asked(await self.pipeline.read(body), head, way)
        if not recalls or not isinstance(found, Answer) or found.tag is None:
            return found
        note(found)
        kept = kept_of(found.tag, described(found, head.media), encoded(found.payload))
        self.recall.keep(head.media, body, kept)
        return kept

    def _recalled(self, kept: Kept) -> None:
        self.pipeline.counters.recalled += 1
        recalled(kept.operation)

    def _asked(self, request: Request, head: Head, way: Way) -> Awaitable[Answer | Answers]:
        return (self.pipeline.subscribe if head.events else self.pipeline.answer)(request, way)

    async def _give(
        self, found: Kept | Answer | Answers, head: Head, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if isinstance(found, Kept):
            await give(send, found)
        elif not isinstance(found, Answer):
            with closing(found):
                self.watch.streams()
                unwanted = partial(self.gate.until_refused, head.key, scope)
                await send_events(found, receive, send, self.streams, unwanted)
        elif head.media == EVENTS and found.kind in STREAMED:
            note(found)
            await send_event(found, send)
        else:
            await _tell(send, found, head.media)


async def _tell(send: Send, answer: Answer, media: str) -> None:
    note(answer)
    status = STATUS[answer.kind][media != GRAPHQL]
    headers = [*described(answer, written(media)), *raw(EXPLANATIONS.get(status, {}))]
    await whole(send, status, headers, encoded(answer.payload))


def described(answer: Answer, media: str) -> Headers:
    """The headers of an answer in this form."""
    headers = usual(media).copy()
    if answer.path is not None:
        headers.append((PATH_HEADER, answer.path.encode()))
    if answer.revision is not None:
        headers.append((REVISION_HEADER, b"%d" % answer.revision))
    return headers


def written(media: str) -> str:
    """The form of an answer that is no event."""
    return JSON if media == EVENTS else media


def announced(scope: Scope) -> int | None:
    """The length of the body, if the client says it."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:20]) if value.isdigit() else None
    return None


def fetched(query_string: bytes, site: str) -> Request:
    """The request in a URL. `site`: whose page asks, by the browser.

    raises  HttpRefusedError, RequestRefusedError  with what is wrong; 403 when a page of another site asks
    """
    if site not in ("none", "same-origin"):
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
