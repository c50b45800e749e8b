"""A sync through a server: the files travel in the syncPrompts mutation, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from promptgraph.cli.answers import DOCUMENT, NotAnAnswer, outcome_of
from promptgraph.cli.output import as_json
from promptgraph.config import is_loopback
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.domain.registry import SyncOrigin
from promptgraph.files.read import SourceFile
from promptgraph.sync.apply import Options, Outcome

TIMEOUT = httpx.Timeout(60, connect=5)
WHOLE_TIMEOUT_S = 300
"""Against a server that answers a byte at a time: httpx knows no limit for a whole request."""

REFUSED: Mapping[int, tuple[type[PromptgraphError], str]] = {
    401: (ForbiddenError, "refuses the API key; set PROMPTGRAPH_API_KEY or --api-key"),
    403: (ForbiddenError, "forbids this; the API key lacks the right to sync"),
    404: (InvalidInputError, "has no GraphQL there; give the address of the server itself"),
    413: (InvalidInputError, "finds the files too large for one sync"),
    429: (StoreUnavailableError, "is busy; try again"),
    502: (StoreUnavailableError, "is out of reach behind its proxy; try again"),
    503: (StoreUnavailableError, "is unavailable; try again"),
    504: (StoreUnavailableError, "did not answer its proxy in time; try again"),
}
"""What a status says about the server, where its body says nothing that we understand."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server answers GraphQL, and the key to it."""

    url: str
    api_key: str | None = None

    @classmethod
    def at(cls, address: str, api_key: str | None = None) -> Server:
        """raises  InvalidInputError  no http(s) address, or one that carries a password"""
        parts = _split(address)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInputError(
                "The server is an address such as https://prompts.example.com.", field="server"
            )
        if parts.username or parts.password:
            raise InvalidInputError("Give the API key with --api-key, not in the address.", field="server")
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
    try:
        return urlsplit(address)
    except ValueError:
        return None


async def sync_over_http(
    server: Server, files: Sequence[SourceFile], origin: SyncOrigin, options: Options
) -> Outcome:
    """What the server planned and did with these files.

    raises  StoreUnavailableError  out of reach or too slow
            ForbiddenError         no right to sync
            InvalidInputError      it answers, but not as a promptgraph server does
    """
    body: JsonObject = {"query": DOCUMENT, "variables": {"input": sync_input(files, origin, options)}}
    async with _translated(server), asyncio.timeout(WHOLE_TIMEOUT_S):
        async with httpx.AsyncClient(timeout=TIMEOUT, headers=server.headers) as client:
            response = await client.post(server.url, json=body)
        return _read(server, response)


def sync_input(files: Sequence[SourceFile], origin: SyncOrigin, options: Options) -> JsonObject:
    """The mutation's input."""
    facts = as_json(origin)
    given: JsonObject = {"files": [_file(file) for file in files]}
    given |= {"dryRun": options.dry_run, "force": options.force}
    return given | (facts if isinstance(facts, dict) else {})


def _file(file: SourceFile) -> Json:
    return {
        "path": file.path,
        "text": file.raw.decode(),
        "commitSha": file.commit_sha,
        "author": file.author,
        "committedAt": as_json(file.committed_at),
    }


@contextlib.asynccontextmanager
async def _translated(server: Server) -> AsyncIterator[None]:
    """What httpx raises becomes one of our errors, here alone."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise StoreUnavailableError(f"{server.url} did not answer in time; try again.") from error
    except httpx.TransportError as error:
        raise StoreUnavailableError(f"{server.url} is out of reach: {error}. Does it run?") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidInputError(f"{server.url} cannot be asked: {error}.", field="server") from error


def _read(server: Server, response: httpx.Response) -> Outcome:
    try:
        return outcome_of(response.json())
    except (ValueError, RecursionError, NotAnAnswer) as error:
        raise _misunderstood(server, response) from error


def _misunderstood(server: Server, response: httpx.Response) -> PromptgraphError:
    status = response.status_code
    if status in REFUSED:
        cls, words = REFUSED[status]
        return cls(f"{server.url} {words} (HTTP {status}).")
    if response.is_redirect:
        return InvalidInputError(
            f"{server.url} answers with a redirect to {response.headers.get('location')}; use that address.",
            field="server",
        )
    return InvalidInputError(
        f"{server.url} does not answer as a promptgraph server does (HTTP {status},"
        f" {response.headers.get('content-type', 'no content type')}). Is the address right?",
        field="server",
    )
