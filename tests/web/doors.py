"""Applications and clients for tests: the real thing over ASGI, without a socket."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from promptgraph.graph.pipeline import Pipeline
from promptgraph.web.application import Application, application
from promptgraph.web.gate import Gate
from promptgraph.web.http import Door

OPEN = Gate(None, lambda: dt.datetime.now(dt.UTC))
"""Lets everybody in."""
URL = "http://localhost"
JSON = {"content-type": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}


def asking(query: str, **more: Any) -> str:
    """The body of a request."""
    return json.dumps({"query": query, **more})


HELLO = asking("{__typename}")


@asynccontextmanager
async def nothing_open() -> AsyncIterator[None]:
    yield


def served(line: Pipeline, *, allow_get: bool = False, page: bool = False, gate: Gate = OPEN) -> Application:
    """An application for localhost, around `line`; it asks for no key unless `gate` does."""
    return application(Door(line, gate, allow_get, page), nothing_open, ["localhost"])


def client(app: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)
