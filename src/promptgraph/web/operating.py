"""What operators ask: whether the process lives, whether it can work, and what it has done."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from promptgraph import __version__
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.hosts import is_loopback
from promptgraph.domain.keys import Scope as KeyScope
from promptgraph.web.bearer import key_of
from promptgraph.web.board import Board
from promptgraph.web.exposition import page
from promptgraph.web.gate import Gate
from promptgraph.web.pages import SECURITY_HEADERS
from promptgraph.web.readiness import Readiness
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.response import EXPLANATIONS, UNAVAILABLE

OWN = {"Cache-Control": "no-store", **SECURITY_HEADERS}
FORBIDDEN = 403
FORWARDED = frozenset((b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"))
"""Headers by which a proxy tells that somebody else asks."""


@dataclass(frozen=True, slots=True)
class Operating:
    """What answers at /readyz and /metrics."""

    readiness: Readiness
    board: Board
    gate: Gate

    async def ready(self, _request: Request) -> Response:
        """Whether requests may be sent here: 503 where not, with the checks that fail and nothing of why."""
        found = await self.readiness.look()
        status = 200 if all(found.values()) else UNAVAILABLE
        checks = {name: "ok" if holds else "failed" for name, holds in found.items()}
        content = {"status": "ready" if status != UNAVAILABLE else "not ready", "checks": checks}
        return JSONResponse(content, status, {**OWN, **EXPLANATIONS.get(status, {})})

    async def metrics(self, request: Request) -> Response:
        """The figures of all processes of this server, in Prometheus' form."""
        try:
            await self._check(request.scope)
        except HttpRefusedError as error:
            return PlainTextResponse(f"{error}\n", error.status, {**OWN, **error.headers})
        except StoreUnavailableError as error:
            return PlainTextResponse(f"{error}\n", UNAVAILABLE, {**OWN, **EXPLANATIONS[UNAVAILABLE]})
        content, media = page(await self.board.total(), request.headers.get("accept", ""))
        return Response(content, headers={**OWN, "Content-Type": media})

    async def _check(self, scope: Scope) -> None:
        """Nothing, for who may see figures: a process of this machine, or a key that may read or administer.

        raises  HttpRefusedError       401, 403, 429
                StoreUnavailableError  the database is out of reach
        """
        if is_of_this_machine(scope):
            return
        caller = await self.gate.caller(key_of(scope), scope)
        if not {KeyScope.READ, KeyScope.ADMIN} & caller.scopes:
            raise HttpRefusedError(FORBIDDEN, "This key lacks a scope that this needs: read or admin.")


def is_of_this_machine(scope: Scope) -> bool:
    """Whether a process of this machine asks, and for itself."""
    client = scope.get("client")
    forwarded = any(name in FORWARDED for name, _ in scope["headers"])
    return client is not None and is_loopback(client[0]) and not forwarded


async def healthz(_request: Request) -> Response:
    """That this process answers, whatever its database does: what a supervisor asks before it restarts."""
    return JSONResponse({"status": "ok", "version": __version__}, headers=SECURITY_HEADERS)
