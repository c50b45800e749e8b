"""Narrowing rows to many keys at once, and the few things that each database spells its own way for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    TableValuedAlias,
    and_,
    bindparam,
    cast,
    column,
    exists,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.store.tables import Json

T = TypeVar("T")
S = TypeVar("S", bound="Select[*tuple[Any, ...]]")

INT32, INT64 = 2**31 - 1, 2**63 - 1
FEW = 200
"""So many values are a parameter each; more are one JSON array."""


class json_items(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The items of a JSON array as rows with the one column `value`: JSON itself."""

    inherit_cache = True
    name = "json_items"


class json_texts(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The items of a JSON array of texts as rows with the one column `value`: text."""

    inherit_cache = True
    name = "json_texts"


class json_item(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The item of a JSON array at a position, as text or number."""

    inherit_cache = True
    name = "json_item"


class is_listed(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """Whether a JSON array holds the column's value, which the array spells as text. On PostgreSQL the array
    is one of its own, for a subquery is joined after all rows of the index have been read.
    """

    inherit_cache = True  # and no Boolean: SQLite would compare it with 1, and find no index
    name = "is_listed"


SPELLINGS = {
    ("is_listed", "sqlite"): "{0} IN (SELECT CAST(value AS {2}) FROM json_each({1}))",
    ("is_listed", "postgresql"): (
        "{0} = ANY (ARRAY(SELECT CAST(value AS {2}) FROM json_array_elements_text({1}) AS items(value)))"
    ),
    ("json_items", "sqlite"): "json_each({})",
    ("json_items", "postgresql"): "json_array_elements({})",
    ("json_texts", "sqlite"): "json_each({})",
    ("json_texts", "postgresql"): "json_array_elements_text({})",
    ("json_item", "sqlite"): "json_extract({}, '$[' || {} || ']')",
    ("json_item", "postgresql"): "({} ->> {})",
}


@compiles(is_listed)
def _is_listed(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    column_, items = element.clauses
    kind = "BIGINT" if isinstance(column_.type, Integer) else "TEXT"
    parts = (compiler.process(clause, **kw) for clause in (column_, items))
    return SPELLINGS[element.name, compiler.dialect.name].format(*parts, kind)


def listed(column_: ColumnElement[Any], items: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a JSON array holds the column's value, a text or a whole number: of any number of values."""
    return is_listed(column_, items)


@compiles(json_items)
@compiles(json_texts)
@compiles(json_item)
def _spelled(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    arguments = [compiler.process(clause, **kw) for clause in element.clauses]
    return SPELLINGS[element.name, compiler.dialect.name].format(*arguments)


def chunked(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in pieces of at most this size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def storable(ids: Iterable[int]) -> list[int]:
    """Those of `ids` that may be a primary key, each once; the others name nothing."""
    return [id_ for id_ in dict.fromkeys(ids) if abs(id_) <= INT64]


def holds_any(array: ColumnElement[Any], texts: Sequence[str]) -> ColumnElement[bool]:
    """Whether the JSON array holds one of `texts`."""
    items = json_texts(array).table_valued("value")
    return exists(select(literal(1)).select_from(items).where(items.c.value.in_(texts)))


def among(
    column_: ColumnElement[Any], values: Sequence[int] | Sequence[str] | Sequence[int | str]
) -> ColumnElement[bool]:
    """Whether the column has one of `values`, however many they are: the number of parameters is bounded."""
    if len(values) <= FEW:
        return column_.in_(values)
    value = json_texts(bindparam(None, list(values), type_=Json)).table_valued("value").c.value
    return column_.in_(select(cast(value, BigInteger) if isinstance(values[0], int) else value))


def rows_of(parameter: str) -> TableValuedAlias:
    """The parameter of this name, a list of lists, as rows; `cell` takes one apart."""
    return json_items(bindparam(parameter, type_=Json)).table_valued(column("value", Json))


def cell(rows: TableValuedAlias, place: int, *, whole: bool) -> ColumnElement[Any]:
    """What stands at a place of each row: a whole number, or a text."""
    text = rows.c.value[place].as_string()
    return cast(text, BigInteger) if whole else text


def narrowed(rows: S, columns: Sequence[ColumnElement[Any]], keys: Collection[tuple[Any, ...]]) -> S:
    """`rows`, but only those whose `columns` hold one of `keys`, which go over as one JSON parameter: the
    statement is the same for any number of them.

    keys  different ones, each as long as `columns`; texts and whole numbers
    """
    wanted = json_items(literal([list(key) for key in keys], Json)).table_valued(column("value", Json))
    on = [each == _item(wanted.c.value, i, each) for i, each in enumerate(columns)]
    return rows.join(wanted, and_(*on))


def _item(array: ColumnElement[Any], position: int, like: ColumnElement[Any]) -> ColumnElement[Any]:
    item = json_item(array, literal(position, Integer))
    return cast(item, like.type) if isinstance(like.type, Integer) else item
