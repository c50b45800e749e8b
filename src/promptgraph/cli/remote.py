"""A sync through a server: the files travel in the syncPrompts mutation, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from promptgraph.cli.answers import NotAnAnswer, outcome_of
from promptgraph.cli.output import as_json
from promptgraph.client.address import Server
from promptgraph.client.documents import SYNC
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

CONNECT_S = 5
PATIENCE_S = 150.0
"""How long an answer is waited for, where nothing else is said."""
WHOLE = 2
"""Times the patience a whole exchange may take: httpx knows no limit for one that goes byte by byte."""
AGAIN = "It may have applied the sync all the same: run it again; what is done already stays as it is."

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
class Request:
    """What is to be synced, as it travels."""

    files: Sequence[SourceFile]
    origin: SyncOrigin
    options: Options


async def sync_over_http(server: Server, request: Request, patience: float = PATIENCE_S) -> Outcome:
    """What the server planned and did with these files.

    units   patience: seconds that each part of the answer is waited for
    raises  StoreUnavailableError  out of reach or too slow
            ForbiddenError         no right to sync
            InvalidInputError      it answers, but not as a promptgraph server does
    """
    body: JsonObject = {"query": SYNC, "variables": {"input": sync_input(request)}}
    timeout = httpx.Timeout(patience, connect=CONNECT_S)
    async with _translated(server), asyncio.timeout(patience * WHOLE):
        async with _client(server, timeout) as client:
            response = await client.post(server.url, json=body)
        return _read(server, response)


def _client(server: Server, timeout: httpx.Timeout) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(timeout=timeout, headers=server.headers)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise InvalidInputError(
            "The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) cannot be used: mend"
            " it, or unset it."
        ) from error


def sync_input(request: Request) -> JsonObject:
    """The mutation's input."""
    facts, options = as_json(request.origin), request.options
    given: JsonObject = {"files": [_file(file) for file in request.files]}
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
    """What httpx raises becomes one of our errors, here alone. Once a header may have been written, none of
    its words are repeated: they may hold the key.
    """
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise StoreUnavailableError(
            f"{server.url} is out of reach: no connection within {CONNECT_S} s. Does it run?"
        ) from error
    except httpx.ConnectError as error:
        raise StoreUnavailableError(f"{server.url} is out of reach: {error}. Does it run?") from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise StoreUnavailableError(f"{server.url} did not answer in time. {AGAIN}") from error
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        raise StoreUnavailableError(f"{server.url} broke off the connection. {AGAIN}") from error
    except httpx.ProxyError as error:
        raise StoreUnavailableError(f"The proxy refuses the way to {server.url}; try again.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words = f"{server.url} cannot be asked. Is the address right?"
        raise InvalidInputError(words, field="server") from error


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
