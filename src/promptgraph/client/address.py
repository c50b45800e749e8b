"""Where a server is, and the key to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.hosts import is_loopback

MAX_PORT = 65_535

# what a header may carry without quotes or doubts
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server answers GraphQL, and the key to it."""

    url: str
    api_key: str | None = field(default=None, repr=False)

    @classmethod
    def at(cls, address: str, api_key: str | None = None) -> Server:
        """raises  InvalidInputError  no http(s) address, one that carries a password, or no API key"""
        parts = _split(address)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInputError(
                "The server is an address such as https://prompts.example.com, with a port from 1 to"
                f" {MAX_PORT} if any.",
                field="server",
            )
        if parts.username or parts.password:
            raise InvalidInputError("Give the API key with --api-key, not in the address.", field="server")
        if api_key is not None and not _KEY.fullmatch(api_key):
            raise InvalidInputError(
                "An API key is made of visible ASCII characters alone; this one is not.", field="api_key"
            )
        path = parts.path.rstrip("/").removesuffix("/graphql")
        return cls(urlunsplit((parts.scheme, parts.netloc, f"{path}/graphql", "", "")), api_key)

    @property
    def is_exposed(self) -> bool:
        """Whether others on the way can read the key."""
        parts = urlsplit(self.url)
        return bool(self.api_key) and parts.scheme == "http" and not is_loopback(parts.hostname or "")

    @property
    def headers(self) -> dict[str, str]:
        """What every request says of itself."""
        wanted = {"accept": "application/graphql-response+json, application/json;q=0.9"}
        return wanted | ({"authorization": f"Bearer {self.api_key}"} if self.api_key else {})


def _split(address: str) -> SplitResult | None:
    """The parts of an address that somebody could listen at; None for any other."""
    try:
        parts = urlsplit(address)
        (parts.hostname or "").encode("idna")
        fits = parts.port is None or 1 <= parts.port <= MAX_PORT
    except ValueError:  # a UnicodeError is one too
        return None
    return parts if fits and address.isprintable() and " " not in address else None
