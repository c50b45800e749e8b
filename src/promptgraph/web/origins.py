"""Pages of other sites that may ask here, and what their browsers must be told (CORS). Never cookies: a key
is sent by the page itself, in a header.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from promptgraph.web.pages import SECURITY_HEADERS
from promptgraph.web.response import Headers
from promptgraph.web.revision import LEAST_REVISION, REVISION

SENT = ("Authorization", "Content-Type", "GraphQL-Cost", "If-None-Match", "X-Request-Id", LEAST_REVISION)
"""Headers that a page may send, beside those that any may."""
READ = ("ETag", "Retry-After", "WWW-Authenticate", "X-Request-Id", "x-promptgraph-path", REVISION)
"""Headers of answers that a page may read."""
REMEMBERED_SECONDS = 600
"""How long a browser need not ask again whether it may ask."""
VARY = (b"vary", b"Origin")
EXPOSED = (b"access-control-expose-headers", ", ".join(READ).encode())
ALLOW_ORIGIN = b"access-control-allow-origin"
UNKNOWN = "Pages of this origin may not ask here: PROMPTGRAPH_CORS_ORIGINS names those that may.\n"


@dataclass(frozen=True, slots=True)
class Origins:
    """`allowed`: these, to the letter, as `https://app.example`; `reading`: they may ask by GET, too."""

    allowed: frozenset[bytes]
    reading: bool = False

    def admitted(self, scope: Scope, said: Headers) -> Scope:
        """The request; where its page is one of these, as a page of our own would send it. `said` gets what
        the answer must say of it.
        """
        said.append(VARY)
        origin = origin_of(scope)
        if origin not in self.allowed:
            return scope
        said += [(ALLOW_ORIGIN, origin), EXPOSED]
        return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"sec-fetch-site"]}

    def leave(self, scope: Scope) -> Response:
        """The answer to a browser that asks whether its page may ask."""
        if origin_of(scope) not in self.allowed:
            return PlainTextResponse(UNKNOWN, 403, SECURITY_HEADERS)
        own = {
            "Access-Control-Allow-Methods": "GET, POST" if self.reading else "POST",
            "Access-Control-Allow-Headers": ", ".join(SENT),
            "Access-Control-Max-Age": str(REMEMBERED_SECONDS),
        }
        return Response(None, 204, {**SECURITY_HEADERS, **own})


def asks_leave(scope: Scope) -> bool:
    """Whether a browser asks whether its page may ask."""
    return scope["method"] == "OPTIONS" and _has(scope, b"access-control-request-method")


def origin_of(scope: Scope) -> bytes:
    """The Origin header; empty if there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"origin"]
    return found[0] if len(found) == 1 else b""


def origins_of(named: Collection[str], *, reading: bool) -> Origins | None:
    """These, if there are any."""
    return Origins(frozenset(each.encode() for each in named), reading) if named else None


def _has(scope: Scope, wanted: bytes) -> bool:
    return any(name == wanted for name, _ in scope["headers"])
