"""Many rows of one table in one statement, written in the driver's own terms: a call has some forty columns,
and the comfort of one statement per row would cost more than the database does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Dialect, select

from promptgraph.store.database import Session

Columns = tuple["Column[Any]", ...]
Rows = Sequence[Sequence[Any]]


class _Insert(NamedTuple):
    """`converts`: the columns whose values are not sent as they are, by place."""

    sql: str
    converts: tuple[tuple[int, Callable[[Any], Any]], ...]


async def insert_rows(session: Session, columns: Columns, rows: Rows) -> None:
    """Insert `rows`, a value per column each.

    cost  one statement on PostgreSQL; on SQLite a step per row
    """
    if rows:
        await _insert(session, columns, rows)


async def insert_new(session: Session, columns: Columns, rows: Rows) -> set[Any]:
    """Insert those of `rows` whose key, the first column, is not there yet; their keys. No two of `rows` have
    the same key.

    cost  one statement on PostgreSQL; on SQLite two, and a step per row
    """
    if not rows:
        return set()
    if session.get_bind().dialect.name != "sqlite":
        return {key for (key,) in await _insert(session, columns, rows, new=True)}
    # begun with the write lock, so that nobody adds one of them between these two
    key = columns[0]
    stmt = select(key).where(key.in_([row[0] for row in rows]))
    known = set(await session.scalars(stmt))
    fresh = [row for row in rows if row[0] not in known]
    await insert_rows(session, columns, fresh)
    return {row[0] for row in fresh}


async def _insert(session: Session, columns: Columns, rows: Rows, *, new: bool = False) -> Sequence[Any]:
    connection = await session.connection()
    statement = _statement(columns, connection.dialect, new=new)
    sent = [_converted(row, statement) for row in rows]
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(statement.sql, [tuple(row) for row in sent])
        return ()
    result = await connection.exec_driver_sql(statement.sql, tuple(map(list, zip(*sent, strict=True))))
    return result.all() if new else ()


def _converted(row: Sequence[Any], statement: _Insert) -> list[Any]:
    values = list(row)
    for place, convert in statement.converts:
        values[place] = convert(values[place])
    return values


@lru_cache(maxsize=32)
def _statement(columns: Columns, dialect: Dialect, *, new: bool) -> _Insert:
    names = ", ".join(f'"{column.name}"' for column in columns)
    into = f'INSERT INTO "{columns[0].table.name}" ({names})'
    converts = [
        (place, column.type.dialect_impl(dialect).bind_processor(dialect))
        for place, column in enumerate(columns)
    ]
    sent = tuple((place, convert) for place, convert in converts if convert is not None)
    if dialect.name == "sqlite":
        return _Insert(f"{into} VALUES ({', '.join('?' * len(columns))})", sent)
    arrays = ", ".join(f"${place}::{_array(column, dialect)}" for place, column in enumerate(columns, 1))
    sql = f"{into} SELECT * FROM unnest({arrays})"  # noqa: S608  # names of our own columns
    if new:
        sql += f' ON CONFLICT ("{columns[0].name}") DO NOTHING RETURNING "{columns[0].name}"'
    return _Insert(sql, sent)


def _array(column: Column[Any], dialect: Dialect) -> str:
    name = column.type.compile(dialect=dialect)
    return name.partition(" COLLATE")[0] + "[]"
