"""What the tests of the graph ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from promptgraph.store.database import Database


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Database]:
    """A database without tables, for what should not come as far as one."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    await database.close()
