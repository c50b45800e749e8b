"""A proxy in front that is trusted: where its requests come from, and which user it has let in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.types import Scope

from promptgraph.domain.text import is_line
from promptgraph.domain.visit import CURRENT
from promptgraph.web.gate import SIGNED_IN

FORWARDED_FOR = b"x-forwarded-for"
USER_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Proxy:
    """`addresses`: those that requests come from by way of the proxy; nobody else's word counts.
    `user_header`: where it says who is logged in, in small letters; it removes what a client sends there.
    """

    addresses: frozenset[str]
    user_header: bytes | None = None

    def told(self, scope: Scope) -> Scope:
        """The request, as from the address that the proxy has it from, and with the user that it names."""
        client = scope.get("client")
        if client is None or client[0] not in self.addresses:
            return scope
        user = None if self.user_header is None else self._user(scope)
        if scope["type"] == "http":
            CURRENT.get().user = user
        hops = [hop.strip() for value in _of(scope, FORWARDED_FOR) for hop in value.split(",")]
        # the last that is no proxy of ours: what stands before it, its client may have written
        last = next((hop for hop in reversed(hops) if hop not in self.addresses), None)
        return {**scope, "client": (last, 0) if last else client, SIGNED_IN: user}

    def _user(self, scope: Scope) -> str | None:
        named = _of(scope, self.user_header or b"")
        user = named[0].strip() if len(named) == 1 else ""
        return user if is_line(user, USER_CHARACTERS) else None


def proxy_of(addresses: Collection[str], user_header: str | None) -> Proxy | None:
    """The proxy at these addresses, if there is one."""
    header = user_header.lower().encode() if user_header else None
    return Proxy(frozenset(addresses), header) if addresses else None


def _of(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
