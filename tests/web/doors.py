"""Applications and clients for tests: the real thing over ASGI, without a socket."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import httpx

from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.schema import Schema
from promptgraph.store.database import Database
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from tests.recorders import recorder

URL = "http://localhost"
NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)


@cache
def schema(*, is_open: bool) -> Schema:
    """One schema for every test: it takes a while to make, and holds nothing of a request."""
    return Schema(is_open=is_open)


def pipeline(
    db: Database, *, is_open: bool = True, seconds: float = 10, limits: Limits | None = None
) -> Pipeline:
    """A pipeline over `db`; the clock stands at NOW."""
    return Pipeline(
        schema(is_open=is_open),
        lambda: Context(db, recorder(db), lambda: NOW, "development"),
        limits=limits or Limits(),
        seconds=seconds,
        bulky_seconds=seconds,
    )


@asynccontextmanager
async def nothing_open() -> AsyncIterator[None]:
    yield


def served(line: Pipeline, *, allow_get: bool = False, page: bool = False) -> Application:
    """An application for localhost, around `line`."""
    return application(Door(line, allow_get, page), nothing_open, ["localhost"])


def client(app: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)
