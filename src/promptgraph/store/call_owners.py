"""The calls that rows of another table own, as statements: a page of each owner's, and what lies beyond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, false, literal, select, true, tuple_

from promptgraph.domain.asking import PageArgs, Position
from promptgraph.store.call_filters import Conditions
from promptgraph.store.call_tables import LLM_CALLS, C
from promptgraph.store.paging import Order, Term, beyond, ordering, values_of
from promptgraph.store.records import A, P
from promptgraph.store.tables import AGENTS, PROMPTS

CALLS_ORDER: Order = (Term(C.started_at, "started_at", descending=True), Term(C.id, "id", descending=True))
"""Newest first; calls that started at the same instant by id."""

Place = Sequence[ColumnElement[Any]]
"""Where a cursor stands: an instant and an id."""


class Kind(NamedTuple):
    """Rows that own calls: their table, a call's column that names one, and what the calls are listed by."""

    table: Table
    column: ColumnElement[int]
    parent: ColumnElement[int]


OF_PROMPT, OF_FAMILY, OF_AGENT = (
    Kind(PROMPTS, C.prompt_id, P.id),
    Kind(PROMPTS, C.prompt_id, P.family_id),
    Kind(AGENTS, C.agent_id, A.id),
)
TOGETHER = literal(0)
"""What the calls of all owners are listed by, where they are one list."""


class Owners(NamedTuple):
    """Some rows of a kind."""

    kind: Kind
    which: Conditions


class Excerpt(NamedTuple):
    """A page as a statement has it."""

    limit: int | ColumnElement[int]
    backward: bool
    after: Place | None = None
    before: Place | None = None

    @classmethod
    def of(cls, page: PageArgs) -> Excerpt:
        """One call more than the page holds.

        raises  InvalidInputError  a cursor's position does not fit
        """
        return cls(page.size + 1, page.backward, _place(page.after, "after"), _place(page.before, "before"))

    @property
    def order(self) -> list[ColumnElement[Any]]:
        return ordering(CALLS_ORDER, self.backward)

    @property
    def inside(self) -> Conditions:
        """What its cursors let in."""
        sides = ((self.after, False), (self.before, True))
        return [
            beyond(CALLS_ORDER, place, backward=backward, inclusive=False)
            for place, backward in sides
            if place is not None
        ]

    @property
    def outside(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """What each of its cursors shuts out; false without one."""
        after, before = (
            false() if place is None else beyond(CALLS_ORDER, place, backward=backward, inclusive=True)
            for place, backward in ((self.after, True), (self.before, False))
        )
        return after, before


def _place(position: Position | None, field: str) -> Place | None:
    if position is None:
        return None
    values = values_of(CALLS_ORDER, position, field)
    return [literal(value, term.column.type) for term, value in zip(CALLS_ORDER, values, strict=True)]


def first_calls(
    dialect: str, owners: Owners, conditions: Conditions, page: Excerpt, columns: Sequence[ColumnElement[Any]]
) -> Select[*tuple[Any, ...]]:
    """The parent and these columns of the first calls of each owner, each found by its index. `row_number`
    would read every call of every owner.
    """
    kind, which = owners
    first = (
        select(C.id)
        .where(*conditions, *page.inside)
        .order_by(*page.order)
        .limit(page.limit)
        .correlate(kind.table)
    )
    wanted: list[ColumnElement[Any]]
    if dialect == "sqlite":  # no LATERAL, but a limited subquery may look outside
        again = LLM_CALLS.alias("calls")
        source = kind.table.join(again, again.c.id.in_(first.where(kind.column == kind.table.c.id)))
        wanted = [again.c[column.name] for column in columns]
    else:
        mine = first.with_only_columns(*columns).where(*_within(kind, page))
        calls = mine.order_by(None).order_by(*_by_owner(kind, page)).lateral("calls")
        source = kind.table.join(calls, true())
        wanted = list(calls.c)
    return select(kind.parent, *wanted).select_from(source).where(*which)


def _within(kind: Kind, page: Excerpt) -> Conditions:
    """An owner's calls as a range of the index that begins with the owner. Were it said by `=`, PostgreSQL
    might walk through everybody's calls by time instead, in the hope of meeting some of this owner's soon;
    of one whose calls are all old it would meet none for millions of rows.
    """
    place, owner = (kind.column, C.started_at, C.id), kind.table.c.id
    conditions = [kind.column >= owner, kind.column <= owner]
    if page.after is not None:
        conditions.append(tuple_(*place) < tuple_(owner, *page.after))
    if page.before is not None:
        conditions.append(tuple_(*place) > tuple_(owner, *page.before))
    return conditions


def _by_owner(kind: Kind, page: Excerpt) -> list[ColumnElement[Any]]:
    return ordering((Term(kind.column, "owner", descending=True), *CALLS_ORDER), page.backward)


def others(owners: Owners, conditions: Conditions, page: Excerpt) -> Select[*tuple[Any, ...]]:
    """By parent, whether an owner has calls up to the cursor `after`, and from the cursor `before` on."""
    kind, which = owners
    mine = [kind.column == kind.table.c.id, *conditions]
    flags = [select(C.id).where(*mine, side).correlate(kind.table).limit(1).exists() for side in page.outside]
    return select(kind.parent, *flags).select_from(kind.table).where(*which)


def flags_of(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[bool, bool]]:
    """By parent, what `others` found of any of its owners."""
    found: dict[int, tuple[bool, bool]] = {}
    for row in rows:
        parent_id, earlier, later = tuple(row)
        before = found.get(parent_id, (False, False))
        found[parent_id] = (before[0] or bool(earlier), before[1] or bool(later))
    return found
