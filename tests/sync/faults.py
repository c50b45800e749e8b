"""Failures planted in the middle of things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from promptgraph.store.database import Database


class PlannedFailureError(Exception):
    """Not one of ours and not the database's, so nothing on the way may swallow it."""


@contextmanager
def failing_at(db: Database, number: int) -> Iterator[Callable[[], bool]]:
    """Inside, statement `number` (from 1) that `db` sends raises; yields whether it came to that."""
    sent = 0

    def before(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == number:
            raise PlannedFailureError

    for engine in db.engines:
        event.listen(engine.sync_engine, "before_cursor_execute", before)
    try:
        yield lambda: sent >= number
    finally:
        for engine in db.engines:
            event.remove(engine.sync_engine, "before_cursor_execute", before)
