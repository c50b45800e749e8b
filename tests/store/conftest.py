"""What tests of the store share: the statements that a database is sent, with their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from promptgraph.store.database import Database


@pytest.fixture
def sent(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that `db` is sent, with its parameters; not those that only ask for a plan."""
    found: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            found.append((statement, parameters))

    for engine in db.engines:
        event.listen(engine.sync_engine, "before_cursor_execute", record)
    yield found
    for engine in db.engines:
        event.remove(engine.sync_engine, "before_cursor_execute", record)
