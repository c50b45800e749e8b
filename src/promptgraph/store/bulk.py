"""Many rows of one table in one statement, written in the driver's own terms: a call has some forty columns,
and the comfort of one statement per row would cost more than the database does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Column, Dialect

from promptgraph.store.database import Session

T = TypeVar("T")
Columns = tuple["Column[Any]", ...]
Rows = Sequence[Sequence[Any]]


class Driver(Protocol):
    """A connection within a transaction, synchronous: SQLAlchemy's own, or what `Database.at_once` lends."""

    dialect: Dialect

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Iterable[Any]:
        """The rows that a statement answers; with a list of parameters it is run for each of them."""
        ...


async def within(session: Session, act: Callable[[Driver], T]) -> T:
    """What `act` does, in the transaction of `session`."""
    return await session.run_sync(lambda own: act(own.connection()))


class _Statement(NamedTuple):
    """`converts`: the columns whose values are not sent as they are, by place."""

    sql: str
    converts: tuple[tuple[int, Callable[[Any], Any]], ...]


def insert_rows(driver: Driver, columns: Columns, rows: Rows) -> None:
    """Insert `rows`, a value per column each.

    cost  one statement on PostgreSQL; on SQLite a step per row
    """
    if rows:
        _execute(driver, _statement(columns, driver.dialect, new=False), rows)


def insert_new(driver: Driver, columns: Columns, rows: Rows) -> set[Any]:
    """Insert those of `rows` whose key, the first column, is not there yet; their keys. No two of `rows` have
    the same key.

    cost  one statement on PostgreSQL; on SQLite two, and a step per row
    """
    if not rows:
        return set()
    if driver.dialect.name != "sqlite":
        return {key for (key,) in _execute(driver, _statement(columns, driver.dialect, new=True), rows)}
    # begun with the write lock, so that nobody adds one of them between these two
    known = _known(driver, columns, rows)
    fresh = [row for row in rows if row[0] not in known] if known else rows
    insert_rows(driver, columns, fresh)
    return {row[0] for row in fresh}


def _known(driver: Driver, columns: Columns, rows: Rows) -> set[Any]:
    """The keys of `rows` that are there, on SQLite."""
    convert = dict(_statement(columns, driver.dialect, new=False).converts).get(0)
    sent = {convert(row[0]) if convert else row[0]: row[0] for row in rows}
    key, marks = columns[0], ", ".join("?" * len(sent))
    sql = f'SELECT "{key.name}" FROM "{key.table.name}" WHERE "{key.name}" IN ({marks})'  # noqa: S608  # names of our own columns
    return {sent[found] for (found,) in driver.exec_driver_sql(sql, tuple(sent))}


def update_rows(driver: Driver, keys: Columns, columns: Columns, rows: Rows) -> None:
    """Give `columns` of the rows with these `keys` other values; each of `rows` holds those, then the keys.

    cost  one statement on PostgreSQL; on SQLite a step per row
    """
    if rows:
        _execute(driver, _update(keys, columns, driver.dialect), rows)


def _execute(driver: Driver, statement: _Statement, rows: Rows) -> Iterable[Any]:
    """SQLite takes row after row, PostgreSQL an array per column."""
    sent = [_converted(row, statement) for row in rows] if statement.converts else rows
    if driver.dialect.name == "sqlite":
        return driver.exec_driver_sql(statement.sql, list(map(tuple, sent)))
    return driver.exec_driver_sql(statement.sql, tuple(map(list, zip(*sent, strict=True))))


def _converted(row: Sequence[Any], statement: _Statement) -> list[Any]:
    values = list(row)
    for place, convert in statement.converts:
        values[place] = convert(values[place])
    return values


@lru_cache(maxsize=32)
def _statement(columns: Columns, dialect: Dialect, *, new: bool) -> _Statement:
    names = ", ".join(f'"{column.name}"' for column in columns)
    into = f'INSERT INTO "{columns[0].table.name}" ({names})'
    sent = _converts(columns, dialect)
    if dialect.name == "sqlite":
        return _Statement(f"{into} VALUES ({', '.join('?' * len(columns))})", sent)
    sql = f"{into} SELECT * FROM {_unnested(columns, dialect)}"  # noqa: S608  # names of our own columns
    if new:
        sql += f' ON CONFLICT ("{columns[0].name}") DO NOTHING RETURNING "{columns[0].name}"'
    return _Statement(sql, sent)


@lru_cache(maxsize=8)
def _update(keys: Columns, columns: Columns, dialect: Dialect) -> _Statement:
    table, sent = keys[0].table.name, (*columns, *keys)
    if dialect.name == "sqlite":
        values = ", ".join(f'"{column.name}" = ?' for column in columns)
        where = " AND ".join(f'"{key.name}" = ?' for key in keys)
        sql = f'UPDATE "{table}" SET {values} WHERE {where}'  # noqa: S608  # as above
    else:
        values = ", ".join(f'"{column.name}" = n."{column.name}"' for column in columns)
        where = " AND ".join(f'"{table}"."{key.name}" = n."{key.name}"' for key in keys)
        names = ", ".join(f'"{column.name}"' for column in sent)
        rows = f"{_unnested(sent, dialect)} AS n({names})"
        sql = f'UPDATE "{table}" SET {values} FROM {rows} WHERE {where}'  # noqa: S608  # as above
    return _Statement(sql, _converts(sent, dialect))


def _converts(columns: Columns, dialect: Dialect) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    converts = [
        (place, column.type.dialect_impl(dialect).bind_processor(dialect))
        for place, column in enumerate(columns)
    ]
    return tuple((place, convert) for place, convert in converts if convert is not None)


def _unnested(columns: Columns, dialect: Dialect) -> str:
    arrays = ", ".join(f"${place}::{_array(column, dialect)}" for place, column in enumerate(columns, 1))
    return f"unnest({arrays})"


def _array(column: Column[Any], dialect: Dialect) -> str:
    name = column.type.compile(dialect=dialect)
    return name.partition(" COLLATE")[0] + "[]"
