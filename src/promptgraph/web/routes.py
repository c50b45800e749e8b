"""Every path of the server, in one list."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from promptgraph.web.http import Door
from promptgraph.web.operating import Operating, healthz
from promptgraph.web.otlp import TRACES_PATH, TracesDoor
from promptgraph.web.pages import SECURITY_HEADERS, static
from promptgraph.web.websocket import Sockets

GRAPHQL_PATH = "/graphql"


def routes(
    door: Door, traces: TracesDoor | None = None, operating: Operating | None = None
) -> list[BaseRoute]:
    """The paths, with `door` at /graphql; traces where there is a door for them, pages only where `door`
    shows one.
    """
    asked: list[BaseRoute] = []
    if operating is not None:
        asked = [Route("/readyz", operating.ready), Route("/metrics", operating.metrics)]
    pages: list[BaseRoute] = [Route("/", home), Route("/static/{path:path}", static)]
    return [
        Route(GRAPHQL_PATH, door),
        WebSocketRoute(GRAPHQL_PATH, Sockets(door.pipeline, door.streams, door.gate, door.watch)),
        *([Route(TRACES_PATH, traces)] if traces else []),
        Route("/healthz", healthz),
        *asked,
        *(pages if door.page else []),
    ]


async def home(_request: Request) -> Response:
    """The way to GraphiQL."""
    return RedirectResponse(GRAPHQL_PATH, 307, SECURITY_HEADERS)


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """What every other path gets."""
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    answer = PlainTextResponse(f"Nothing is here. The API is at {GRAPHQL_PATH}.\n", 404, SECURITY_HEADERS)
    await answer(scope, receive, send)
