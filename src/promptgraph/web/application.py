"""The ASGI application: routes, the hosts it answers to, and a start that fails in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from promptgraph.domain.errors import PromptgraphError
from promptgraph.web.http import Door
from promptgraph.web.operating import Operating
from promptgraph.web.origins import Origins, asks_leave, origin_of
from promptgraph.web.otlp import TracesDoor
from promptgraph.web.pages import SECURITY_HEADERS
from promptgraph.web.proxy import Proxy
from promptgraph.web.routes import GRAPHQL_PATH, not_found, routes
from promptgraph.web.watch import Exchange

log = logging.getLogger("promptgraph.web")

ANY_HOST = "*"
NOT_OURS = "This server does not go by the name in Host, or there are several.\n"
Running = Callable[[], AbstractAsyncContextManager[None]]
"""What must be open while the application serves."""


@dataclass(frozen=True, slots=True)
class Application:
    """`hosts`: the names that a Host header may have, without a port; `*` lets every name in. `door` is what
    the router has at /graphql: nobody needs to be shown the way there. `origins`: pages of other sites that
    may ask, if there are any; `proxy`: who asks for others, if there is one.
    """

    door: Door
    router: Router
    running: Running
    hosts: frozenset[str]
    origins: Origins | None = None
    proxy: Proxy | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket" and not (self._is_addressed(scope) and self._is_of_ours(scope)):
            await WebSocketClose()(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.router(self._told(scope), receive, send)
        else:
            exchange = self.door.watch.begun(scope, send)
            try:
                await (self.door if self._is_plain(scope) else self._exchanged)(scope, receive, exchange)
            finally:
                self.door.watch.ended(exchange)

    def _is_plain(self, scope: Scope) -> bool:
        """Whether the request goes straight to the door: nobody asks for another, no page of another site."""
        around = self.origins or self.proxy
        return around is None and scope["path"] == GRAPHQL_PATH and self._is_addressed(scope)

    async def _exchanged(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        if not self._is_addressed(scope):
            await PlainTextResponse(NOT_OURS, 400, SECURITY_HEADERS)(scope, receive, exchange)
            return
        told = self._told(scope)
        if told["path"] != GRAPHQL_PATH:
            await self.router(told, receive, exchange)
            return
        if self.origins is not None:
            told = self.origins.admitted(told, exchange.headers)
            if asks_leave(told):
                await self.origins.leave(told)(told, receive, exchange)
                return
        await self.door(told, receive, exchange)

    def _told(self, scope: Scope) -> Scope:
        """The request, with whatever a proxy of ours says of who asks."""
        return scope if self.proxy is None else self.proxy.told(scope)

    def _is_addressed(self, scope: Scope) -> bool:
        """Whether the request names this server, and no other: a page that has its own name point here is
        turned away, and so is a request whose name depends on who reads it.
        """
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) > 1:
            return False
        return ANY_HOST in self.hosts or (bool(named) and _named(named[0]) in self.hosts)

    def _is_of_ours(self, scope: Scope) -> bool:
        """Whether no page of another site asks, but for those that may: browsers let any page open a
        WebSocket to anywhere, and say only whose page it is.
        """
        if self.origins is not None and origin_of(scope) in self.origins.allowed:
            return True
        headers = HTTPConnection(scope).headers
        origins = headers.getlist("origin")
        own = {host_name(headers.get("host", "")), *self.hosts} - {""}
        return all(host_name(origin.partition("://")[2]) in own for origin in origins)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open, say so, wait for the end, close."""
        await receive()
        phase = "startup"
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        except PromptgraphError as error:
            await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
        except BaseException:  # a server that hears nothing would go on without a start
            await send({"type": f"lifespan.{phase}.failed", "message": f"The {phase} failed unexpectedly."})
            raise


def application(  # noqa: PLR0913  # all that may stand around the door
    door: Door,
    running: Running,
    hosts: Collection[str],
    traces: TracesDoor | None = None,
    operating: Operating | None = None,
    *,
    origins: Origins | None = None,
    proxy: Proxy | None = None,
) -> Application:
    """The server around its doors. Paths are taken as they come: nothing redirects by the Host header."""
    router = Router(routes(door, traces, operating), redirect_slashes=False, default=not_found)
    return Application(door, router, running, frozenset(host.lower() for host in hosts), origins, proxy)


@lru_cache(64)
def _named(header: bytes) -> str:
    return host_name(header.decode("latin-1"))


def host_name(header: str) -> str:
    """The name in a Host header, in lower case, without its port; an IPv6 address keeps its brackets."""
    name, _, port = header.strip().rpartition(":")
    return (name if name and port.isdigit() else header.strip()).lower()
