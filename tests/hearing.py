"""Every statement that a database is sent, heard before it and after it, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from promptgraph.store.database import Database
from promptgraph.store.direct import OnPostgresql, OnSqlite, Statement
from promptgraph.store.visits import Lent

Hears = Callable[[str, Any], None]


def _nothing(_statement: str, _parameters: Any) -> None:
    pass


@contextmanager
def heard(db: Database, before: Hears = _nothing, after: Hears | None = None) -> Iterator[None]:
    """Inside, `before` is told of each statement that is about to be sent, with its parameters; BEGIN and
    COMMIT are statements. `after` is told of each COMMIT once it is done. What they raise, the statement
    raises.
    """
    speak = Lent.exec_driver_sql

    def spoken(lent: Lent, statement: str, parameters: Any = None, /) -> Any:
        before(statement, parameters or ())
        found = speak(lent, statement, parameters)
        if after is not None and statement == "COMMIT":
            after(statement, ())
        return found

    def sent(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        before(statement, parameters)

    def committing(connection: Any) -> None:
        before("COMMIT", ())
        if after is not None:
            connection.connection.dbapi_connection.commit()
            after("COMMIT", ())

    for engine in db.engines:
        event.listen(engine.sync_engine, "before_cursor_execute", sent)
        event.listen(engine.sync_engine, "commit", committing)
    Lent.exec_driver_sql = spoken  # type: ignore[method-assign]  # no event tells of it
    try:
        yield
    finally:
        Lent.exec_driver_sql = speak  # type: ignore[method-assign]  # as above
        for engine in db.engines:
            event.remove(engine.sync_engine, "before_cursor_execute", sent)
            event.remove(engine.sync_engine, "commit", committing)


@contextmanager
def heard_directly(before: Hears) -> Iterator[None]:
    """Inside, `before` is told of each statement that is read on a driver's own connection."""
    kinds = (OnSqlite, OnPostgresql)
    reads = [kind.rows for kind in kinds]

    def told(read: Any) -> Any:
        async def rows(reader: Any, statement: Statement, **parameters: Any) -> Any:
            before(statement.on(reader.dialect).sql, parameters)
            return await read(reader, statement, **parameters)

        return rows

    for kind, read in zip(kinds, reads, strict=True):
        setattr(kind, "rows", told(read))  # noqa: B010  # mypy forbids to assign a method
    try:
        yield
    finally:
        for kind, read in zip(kinds, reads, strict=True):
            setattr(kind, "rows", read)  # noqa: B010  # as above
