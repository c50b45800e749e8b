"""Lists of any length as one parameter, for the number of parameters is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, TableValuedAlias, bindparam, cast, select
from sqlalchemy import column as column_of
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.store.filters import json_texts
from promptgraph.store.tables import Json

FEW = 200
"""So many values are a parameter each; more are one JSON array."""


class json_rows(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The items of a JSON array as rows with the one column `value`."""

    inherit_cache = True
    name = "json_rows"


@compiles(json_rows, "sqlite")
def _sqlite(element: json_rows, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(json_rows, "postgresql")
def _postgresql(element: json_rows, compiler: Any, **kw: Any) -> str:
    return f"json_array_elements({compiler.process(element.clauses, **kw)})"


def rows_of(parameter: str) -> TableValuedAlias:
    """The parameter of this name, a list of lists, as rows; `cell` takes one apart."""
    return json_rows(bindparam(parameter, type_=Json)).table_valued(column_of("value", Json))


def cell(rows: TableValuedAlias, place: int, *, whole: bool) -> ColumnElement[Any]:
    """What stands at a place of each row: a whole number, or a text."""
    text = rows.c.value[place].as_string()
    return cast(text, BigInteger) if whole else text


def among(
    column: ColumnElement[Any], values: Sequence[int] | Sequence[str] | Sequence[int | str]
) -> ColumnElement[bool]:
    """Whether `column` has one of `values`, however many they are."""
    if len(values) <= FEW:
        return column.in_(values)
    value = json_texts(bindparam(None, list(values), type_=Json)).table_valued("value").c.value
    return column.in_(select(cast(value, BigInteger) if isinstance(values[0], int) else value))
