"""Keyset pages, forwards and backwards, of one list or of one list per parent in a single statement."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, case, false, func, or_, select
from sqlalchemy.sql.elements import False_

from promptgraph.domain.asking import Page, PageArgs, Position
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import forbidden_character
from promptgraph.store.call_tables import CallId
from promptgraph.store.database import Session
from promptgraph.store.keys import INT32, INT64, storable
from promptgraph.store.tables import UtcDateTime

T = TypeVar("T")
Rows: TypeAlias = "Select[*tuple[Any, ...]]"
Make: TypeAlias = Callable[[Sequence[Any]], T]


class Term(NamedTuple):
    """One column of an order, and the attribute of the record that holds the same value."""

    column: ColumnElement[Any]
    attribute: str
    descending: bool = False


Order: TypeAlias = tuple[Term, ...]
"""Columns that put rows in one order without ties."""


class PageKey(NamedTuple):
    """A page of one parent's list; `id` is the parent's."""

    id: int
    page: PageArgs


def position_of(order: Order, record: object) -> Position:
    """Where `record` stands in `order`: what a cursor holds.

    units  instants as ISO text in UTC with microseconds
    """
    return tuple(_as_text(attrgetter(term.attribute)(record)) for term in order)


def _as_text(value: Any) -> str | int:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, int) else str(value)


async def page_of(session: Session, rows: Rows, order: Order, page: PageArgs, make: Make[T]) -> Page[T]:
    """One page of what `rows` selects.

    cost    one statement; a second one where `page` has a cursor
    raises  InvalidInputError  a cursor's position does not fit `order`
    """
    bounds = Bounds.of(order, page)
    found = await session.execute(
        rows.where(*bounds.inside).order_by(*ordering(order, page.backward)).limit(page.size + 1)
    )
    earlier = later = False
    if bounds.inside:
        outside = [_any(rows, side) for side in bounds.outside]
        flags = (await session.execute(select(*outside))).one()
        earlier, later = map(bool, flags)
    return cut(page, [make(row) for row in found], earlier=earlier, later=later)


async def pages_of(
    session: Session,
    keys: Sequence[PageKey],
    rows: Rows,
    order: Order,
    parent: ColumnElement[int],
    make: Make[T],
) -> list[Page[T]]:
    """A page per key of what `rows` selects for its parent, in key order; `parent` is its column.

    cost    one statement per distinct page; a second one where it has a cursor
    raises  InvalidInputError  a cursor's position does not fit `order`
    """
    groups: defaultdict[PageArgs, set[int]] = defaultdict(set)
    for key in keys:
        groups[key.page].add(key.id)
    pages: dict[PageKey, Page[T]] = {}
    for page, ids in groups.items():
        mine = rows.where(parent.in_(storable(ids)))
        bounds = Bounds.of(order, page)
        top = await _top(session, mine.where(*bounds.inside), order, parent, page)
        outside = await _outside(session, mine, parent, bounds) if bounds.inside else {}
        for id_ in ids:
            earlier, later = outside.get(id_, (False, False))
            pages[PageKey(id_, page)] = cut(
                page, [make(row) for row in top[id_]], earlier=earlier, later=later
            )
    return [pages[PageKey(*key)] for key in keys]


async def counts_by(
    session: Session, parent: ColumnElement[int], count: ColumnElement[int], ids: Sequence[int]
) -> list[int]:
    """What `count` gives for each parent, in the order of `ids`; 0 for one without rows.

    cost  one statement
    """
    stmt = select(parent, count).where(parent.in_(storable(ids))).group_by(parent)
    counts = {id_: int(number) for id_, number in await session.execute(stmt)}
    return [counts.get(id_, 0) for id_ in ids]


def _any(rows: Rows, side: ColumnElement[bool]) -> ColumnElement[bool]:
    return side if isinstance(side, False_) else rows.where(side).exists()


async def _top(
    session: Session, rows: Rows, order: Order, parent: ColumnElement[int], page: PageArgs
) -> defaultdict[int, list[Sequence[Any]]]:
    """The first rows of each parent, one more than the page holds."""
    rank = func.row_number().over(partition_by=parent, order_by=ordering(order, page.backward))
    ranked = rows.add_columns(parent.label("parent"), rank.label("rank")).subquery()
    wanted = select(*ranked.c).where(ranked.c.rank <= page.size + 1).order_by(ranked.c.rank)
    top: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    for row in await session.execute(wanted):
        *_, parent_id, _rank = values = tuple(row)
        top[parent_id].append(values)
    return top


async def _outside(
    session: Session, rows: Rows, parent: ColumnElement[int], bounds: Bounds
) -> dict[int, tuple[bool, bool]]:
    """By parent, whether it has rows up to the cursor `after`, and from the cursor `before` on."""
    flags = [func.max(case((side, 1), else_=0)) for side in bounds.outside]
    stmt = rows.with_only_columns(parent, *flags).where(or_(*bounds.outside)).group_by(parent)
    found = [tuple(row) for row in await session.execute(stmt)]
    return {id_: (bool(earlier), bool(later)) for id_, earlier, later in found}


def cut(page: PageArgs, items: list[T], *, earlier: bool, later: bool) -> Page[T]:
    """The page of `items`, which are one more than fit where there are more. `earlier`, `later`: whether
    there is anything that its cursors shut out.
    """
    more = len(items) > page.size
    kept = items[: page.size]
    if page.backward:
        return Page(tuple(reversed(kept)), has_next=later, has_previous=earlier or more)
    return Page(tuple(kept), has_next=later or more, has_previous=earlier)


def ordering(order: Order, backward: bool) -> list[ColumnElement[Any]]:  # noqa: FBT001  # as in PageArgs
    """What to order by so that the rows nearest to where the page begins come first."""
    return [term.column.desc() if term.descending != backward else term.column.asc() for term in order]


class Bounds(NamedTuple):
    """What the cursors of a page let in, and for each of the two what it shuts out."""

    inside: tuple[ColumnElement[bool], ...]
    outside: tuple[ColumnElement[bool], ColumnElement[bool]]  # false without a cursor

    @classmethod
    def of(cls, order: Order, page: PageArgs) -> Bounds:
        """raises  InvalidInputError  a cursor's position does not fit `order`"""
        inside: list[ColumnElement[bool]] = []
        outside: list[ColumnElement[bool]] = []
        for field, position, backward in (("after", page.after, False), ("before", page.before, True)):
            if position is None:
                outside.append(false())
                continue
            values = values_of(order, position, field)
            inside.append(beyond(order, values, backward=backward, inclusive=False))
            outside.append(beyond(order, values, backward=not backward, inclusive=True))
        return cls(tuple(inside), (outside[0], outside[1]))


def beyond(order: Order, values: Sequence[Any], *, backward: bool, inclusive: bool) -> ColumnElement[bool]:
    """What stands after the position in `order`, or before it. The first column alone bounds a range, so
    that its index serves.
    """
    column, _, descending = order[0]
    down = descending != backward
    near: ColumnElement[bool] = column <= values[0] if down else column >= values[0]
    far: ColumnElement[bool] = column < values[0] if down else column > values[0]
    if len(order) == 1:
        return near if inclusive else far
    rest = beyond(order[1:], values[1:], backward=backward, inclusive=inclusive)
    return and_(near, or_(far, rest))


def values_of(order: Order, position: Position, field: str) -> list[Any]:
    """The inverse of `position_of`: values of the order's columns.

    raises  InvalidInputError  the position does not fit `order`; `field` is the cursor's
    """
    if len(position) != len(order):
        raise _no_position(field)
    return [_value(term, value, field) for term, value in zip(order, position, strict=True)]


def _value(term: Term, value: str | int, field: str) -> Any:
    type_ = term.column.type
    if isinstance(type_, Integer):
        limit = INT64 if isinstance(type_, BigInteger) else INT32
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= limit:
            return value
    elif isinstance(value, str) and not forbidden_character(value):
        convert = _CONVERT.get(type(type_))
        return convert(value, field) if convert else value
    raise _no_position(field)


def _instant(value: str, field: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(value)
        return instant.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise _no_position(field) from error


def _uuid(value: str, field: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise _no_position(field) from error


_CONVERT: Mapping[type, Callable[[str, str], Any]] = {UtcDateTime: _instant, CallId: _uuid}
"""Column types whose values stand in a position as text."""


def _no_position(field: str) -> InvalidInputError:
    return InvalidInputError("This cursor belongs to another list.", field=field)
