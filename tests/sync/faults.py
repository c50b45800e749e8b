"""Failures planted in the middle of things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from promptgraph.store.database import Database
from tests.hearing import heard


class PlannedFailureError(Exception):
    """Not one of ours and not the database's, so nothing on the way may swallow it."""


@contextmanager
def failing_at(db: Database, number: int) -> Iterator[Callable[[], bool]]:
    """Inside, statement `number` (from 1) that `db` sends raises; yields whether it came to that."""
    sent = 0

    def before(statement: str, _: Any) -> None:
        nonlocal sent
        sent += statement != "COMMIT"
        if sent == number:
            raise PlannedFailureError

    with heard(db, before):
        yield lambda: sent >= number
