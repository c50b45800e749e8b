"""SQLite with one visit to its thread for each statement, or for a whole transaction. SQLAlchemy's own cursor
makes four for a statement (open, execute, fetch, close), and each costs more than most statements do.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor

T = TypeVar("T")


class _Answer(NamedTuple):
    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """Holds what one visit brought back; nothing stays open."""

    __slots__ = ("_answer",)
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection.driver_connection
        self._cursor = None  # type: ignore[assignment]  # closed before it is seen
        self._soft_closed_memoized = {}  # type: ignore[assignment]  # as above
        self._keep(_Answer())

    @property
    def description(self) -> Any:
        return self._answer.description

    @property
    def rowcount(self) -> int:
        return self._answer.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._answer.lastrowid

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._visit("execute", operation, parameters or ())

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._visit("executemany", operation, seq_of_parameters)

    async def _visit(self, method: str, operation: Any, parameters: Any) -> None:
        driver: Any = self._connection
        async with self._adapt_connection._execute_mutex:  # noqa: SLF001  # what the class that this extends does
            self._keep(await driver._execute(_done, driver._conn, method, operation, parameters))  # noqa: SLF001  # its one way in

    def _keep(self, answer: _Answer) -> None:
        self._answer = answer
        self._rows = deque(answer.rows)


def _done(connection: Any, method: str, operation: str, parameters: Any) -> _Answer:
    """In the connection's thread: the statement, and all that it answers."""
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(operation, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return _Answer(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor

    def rollback(self) -> None:
        """No visit where nothing was begun, as when a connection comes back from `at_once`."""
        if self.driver_connection.in_transaction:
            super().rollback()


class Lent(NamedTuple):
    """A connection as its thread lends it to a function: what `bulk.Driver` asks for."""

    dialect: Dialect
    connection: sqlite3.Connection

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Sequence[Any]:
        """As SQLAlchemy's method of this name."""
        method = "executemany" if isinstance(parameters, list) else "execute"
        return _done(self.connection, method, statement, parameters or ()).rows


async def at_once(connection: Any, dialect: Dialect, act: Callable[[Lent], T]) -> T:
    """What `act` does in a transaction of its own that holds the write lock; `connection` is aiosqlite's."""
    return cast("T", await connection._execute(_transaction, connection._conn, dialect, act))  # noqa: SLF001  # its one way in


def _transaction(connection: sqlite3.Connection, dialect: Dialect, act: Callable[[Lent], T]) -> T:
    """In the connection's thread."""
    lent = Lent(dialect, connection)
    lent.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        done = act(lent)
        lent.exec_driver_sql("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def in_one_visit(connection: Any) -> Any:
    """A connection as the dialect makes it, with such cursors."""
    return _Connection(connection.dbapi, connection.driver_connection)
