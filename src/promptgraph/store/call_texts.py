"""Columns of calls as they are read for an answer, and made what JSON has: instants and ids as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import JSON, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.store.call_tables import C, CallId
from promptgraph.store.tables import UtcDateTime


class Point(NamedTuple):
    """Where a call stands in a list of calls."""

    started_at: dt.datetime
    id: UUID


class as_text(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """An instant as SQLite keeps it, in UTC with six decimals and without a zone; an id as PostgreSQL writes
    it; JSON as it is stored. Drivers make texts faster than anything else, and texts can be compared.
    """

    inherit_cache = True
    name = "as_text"


_SPELLED = {
    (UtcDateTime, "sqlite"): "{}",
    (UtcDateTime, "postgresql"): "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    (CallId, "sqlite"): "{}",  # bytes
    (CallId, "postgresql"): "{}::text",
    (JSON, "sqlite"): "{}",
    (JSON, "postgresql"): "{}::text",
}


@compiles(as_text)
def _as_text(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    (column,) = element.clauses
    return _SPELLED[type(column.type), compiler.dialect.name].format(compiler.process(column, **kw))


def selected(name: str) -> ColumnElement[Any]:
    """The column of `llm_calls` of this name, as it is read."""
    column = C[name]
    read = as_text(column) if isinstance(column.type, UtcDateTime | CallId | JSON) else column
    return read.label(name)


def point_of(started_at: str, id_: str | bytes) -> Point:
    """From the driver's values."""
    at = dt.datetime.fromisoformat(started_at).replace(tzinfo=dt.UTC)
    return Point(at, UUID(bytes=id_) if isinstance(id_, bytes) else UUID(id_))


def instants(column: Sequence[str]) -> Sequence[str]:
    """RFC 3339 in UTC with Z; microseconds only where there are any."""
    if not column:
        return ()
    text = "\n".join(column)  # all at once: no call for each
    text = text.replace(" ", "T").replace(".000000", "").replace("\n", "Z\n")
    return f"{text}Z".split("\n")


def ids(column: Sequence[str | bytes]) -> Sequence[str]:
    """UUIDs with hyphens."""
    return [id_ if isinstance(id_, str) else _hyphens(id_.hex()) for id_ in column]


def _hyphens(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def lists(column: Sequence[str]) -> list[Any]:
    """What JSON texts hold."""
    return list(map(orjson.loads, column))
