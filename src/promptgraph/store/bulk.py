"""Many rows of one table in one statement, written in the driver's own terms: a call has some forty columns,
and the comfort of one statement per row would cost more than the database does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Dialect

from promptgraph.store.database import Session

Columns = tuple["Column[Any]", ...]
Rows = Sequence[Sequence[Any]]


class _Statement(NamedTuple):
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
    known = await _known(session, columns, rows)
    fresh = [row for row in rows if row[0] not in known]
    await insert_rows(session, columns, fresh)
    return {row[0] for row in fresh}


async def _known(session: Session, columns: Columns, rows: Rows) -> set[Any]:
    """The keys of `rows` that are there, on SQLite."""
    connection = await session.connection()
    convert = dict(_statement(columns, connection.dialect, new=False).converts).get(0)
    sent = {convert(row[0]) if convert else row[0]: row[0] for row in rows}
    key, marks = columns[0], ", ".join("?" * len(sent))
    sql = f'SELECT "{key.name}" FROM "{key.table.name}" WHERE "{key.name}" IN ({marks})'  # noqa: S608  # names of our own columns
    return {sent[found] for (found,) in await connection.exec_driver_sql(sql, tuple(sent))}


async def update_rows(session: Session, keys: Columns, columns: Columns, rows: Rows) -> None:
    """Give `columns` of the rows with these `keys` other values; each of `rows` holds those, then the keys.

    cost  one statement on PostgreSQL; on SQLite a step per row
    """
    if rows:
        connection = await session.connection()
        await _execute(session, _update(keys, columns, connection.dialect), rows)


async def _insert(session: Session, columns: Columns, rows: Rows, *, new: bool = False) -> Sequence[Any]:
    connection = await session.connection()
    return await _execute(session, _statement(columns, connection.dialect, new=new), rows, answers=new)


async def _execute(
    session: Session, statement: _Statement, rows: Rows, *, answers: bool = False
) -> Sequence[Any]:
    """SQLite takes row after row, PostgreSQL an array per column."""
    connection = await session.connection()
    sent = [_converted(row, statement) for row in rows] if statement.converts else rows
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(statement.sql, list(map(tuple, sent)))
        return ()
    result = await connection.exec_driver_sql(statement.sql, tuple(map(list, zip(*sent, strict=True))))
    return result.all() if answers else ()


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
