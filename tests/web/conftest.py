"""What the tests of the web ask for."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from promptgraph.graph.pipeline import Pipeline
from promptgraph.record.traces import Traces
from promptgraph.store.database import Database
from tests.graph.registry import FILES, pipeline, sync
from tests.recorders import live, recorder
from tests.web.doors import client, served
from tests.web.otlp_doors import door


@pytest.fixture
async def registry(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with a small registry, on SQLite: what is looked at here does not depend on the engine."""
    db = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'registry.db')}")
    await sync(db, FILES)
    yield db
    await live(db).stop()
    await db.close()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Pipeline]:
    """A pipeline whose database has no tables: nothing here should come as far."""
    db = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield pipeline(db)
    await db.close()


@pytest.fixture
async def web(line: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door as it is by default."""
    async with client(served(line)) as opened:
        yield opened


@pytest.fixture
async def web_with_get(line: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door where queries may come by GET."""
    async with client(served(line, allow_get=True)) as opened:
        yield opened


@pytest.fixture
async def traced(registry: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door for traces, whose calls are recorded."""
    async with client(door(registry, Traces(recorder(registry)).record)) as opened:
        yield opened
    await recorder(registry).stop()
