"""What tests of the store share: the statements that a database is sent, with their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from promptgraph.store.database import Database
from tests.hearing import heard


@pytest.fixture
def sent(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that `db` is sent, with its parameters; not those that only ask for a plan."""
    found: list[tuple[str, Any]] = []

    def record(statement: str, parameters: Any) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN", "COMMIT")):
            found.append((statement, parameters))

    with heard(db, record):
        yield found
