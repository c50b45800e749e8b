"""What the tests of the graph ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from promptgraph.store.database import Database
from tests.graph.registry import FILES, sync
from tests.recorders import live


@pytest.fixture
async def stocked(db: Database) -> AsyncIterator[Database]:
    """A small registry, on each engine; who still subscribes at the end is sent away."""
    await sync(db, FILES)
    yield db
    await live(db).stop()
