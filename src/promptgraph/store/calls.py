"""Recorded calls: by id, by page, and by page of many prompts, families or agents at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, true, tuple_

from promptgraph.domain.asking import Page, PageArgs, Position
from promptgraph.domain.call import CallContent, LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.store.call_filters import (
    Conditions,
    agent_conditions,
    call_conditions,
    version_conditions,
)
from promptgraph.store.call_records import (
    CALL_COLUMNS,
    CALL_FIELDS,
    CONTENT_COLUMNS,
    call_of,
    content_of,
)
from promptgraph.store.call_tables import CALL_CONTENTS, LLM_CALLS, C
from promptgraph.store.database import Session
from promptgraph.store.keys import storable
from promptgraph.store.paging import Bounds, Order, Term, cut, ordering, page_of, values_of
from promptgraph.store.records import A, P
from promptgraph.store.tables import AGENTS, PROMPTS

CALLS_ORDER: Order = (Term(C.started_at, "started_at", descending=True), Term(C.id, "id", descending=True))
"""Newest first; calls that started at the same instant by id."""

ANY_CALL = LlmCallFilter()

MAX_COUNTED = 100_000
"""How many calls are counted one by one: how long a longer list is, nobody is told."""
Counts: TypeAlias = list[int | None]

_STARTED_AT, _ID = CALL_FIELDS.index("started_at"), CALL_FIELDS.index("id")


class CallsKey(NamedTuple):
    """A page of one parent's calls; `id` is the parent's."""

    id: int
    page: PageArgs
    wanted: LlmCallFilter = ANY_CALL


class _Owners(NamedTuple):
    """Rows that calls name: the table, the column of a call that names one, which rows, and what its calls
    are listed by.
    """

    table: Table
    column: ColumnElement[int]
    which: Conditions
    parent: ColumnElement[int]


_PROMPT, _FAMILY, _AGENT = (
    (PROMPTS, C.prompt_id, P.id),
    (PROMPTS, C.prompt_id, P.family_id),
    (AGENTS, C.agent_id, A.id),
)
_ALL = literal(0)


async def calls_by_id(session: Session, ids: Sequence[UUID]) -> list[LlmCall | None]:
    """Calls in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(select(*CALL_COLUMNS).where(C.id.in_(set(ids))))
    found = {call.id: call for call in map(call_of, rows)}
    return [found.get(id_) for id_ in ids]


async def calls_page(session: Session, wanted: LlmCallFilter, page: PageArgs) -> Page[LlmCall]:
    """A page of the calls that `wanted` lets through, newest first.

    cost    one statement; a second one where the page has a cursor
    raises  InvalidInputError  it asks for something rare of all calls, over more than a month
    """
    wanted.check_narrow()
    if found := _owners(wanted):
        owners, rest = found
        return (await _pages(session, owners, call_conditions(rest), page)).get(0, Page())
    rows = select(*CALL_COLUMNS).where(*call_conditions(wanted))
    return await page_of(session, rows, CALLS_ORDER, page, call_of)


async def count_calls(session: Session, wanted: LlmCallFilter) -> int | None:
    """How many calls `wanted` lets through, counted one by one; None if they are more than MAX_COUNTED.

    cost    one statement
    raises  as calls_page
    """
    wanted.check_narrow()
    counted = select(C.id).where(*call_conditions(wanted)).limit(MAX_COUNTED + 1).subquery()
    found = int((await session.execute(select(func.count()).select_from(counted))).scalar_one())
    return found if found <= MAX_COUNTED else None


def _owners(wanted: LlmCallFilter) -> tuple[_Owners, LlmCallFilter] | None:
    """Whose calls `wanted` asks for, and what else it asks, where the index of prompts or of agents is the
    one that finds them.
    """
    closer = (wanted.conversation_id, wanted.user_id, wanted.trace_id, wanted.call_ids)
    if any(value is not None for value in closer):
        return None
    if wanted.prompts is not None:
        owners = _Owners(PROMPTS, C.prompt_id, version_conditions(wanted), _ALL)
        return owners, replace(wanted, prompts=None, versions=None)
    if wanted.agents is not None:
        owners = _Owners(AGENTS, C.agent_id, agent_conditions(wanted), _ALL)
        return owners, replace(wanted, agents=None)
    return None


async def calls_by_prompt(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per prompt id, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, *_PROMPT)


async def calls_by_family(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per family id of the calls of all its versions, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, *_FAMILY)


async def calls_by_agent(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per agent id, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, *_AGENT)


async def count_calls_by_prompt(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each prompt `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, *_PROMPT)


async def count_calls_by_family(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each family `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, *_FAMILY)


async def count_calls_by_agent(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each agent `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, *_AGENT)


async def _pages_by(
    session: Session,
    keys: Sequence[CallsKey],
    table: Table,
    column: ColumnElement[int],
    parent: ColumnElement[int],
) -> list[Page[LlmCall]]:
    groups: defaultdict[tuple[PageArgs, LlmCallFilter], set[int]] = defaultdict(set)
    for key in keys:
        groups[key.page, key.wanted].add(key.id)
    pages: dict[CallsKey, Page[LlmCall]] = {}
    for (page, wanted), ids in groups.items():
        owners = _Owners(table, column, [parent.in_(storable(ids))], parent)
        found = await _pages(session, owners, call_conditions(wanted), page)
        pages |= {CallsKey(id_, page, wanted): found.get(id_, Page()) for id_ in ids}
    return [pages[key] for key in keys]


async def _counts_by(
    session: Session,
    ids: Sequence[int],
    wanted: LlmCallFilter,
    table: Table,
    column: ColumnElement[int],
    parent: ColumnElement[int],
) -> Counts:
    """One statement, which reads at most MAX_COUNTED calls of each owner by its index, if nothing is rare."""
    mine = select(C.id).where(column == table.c.id, *call_conditions(wanted)).limit(MAX_COUNTED + 1)
    counted = select(func.count()).select_from(mine.correlate(table).subquery()).scalar_subquery()
    stmt = select(parent, func.sum(counted)).where(parent.in_(storable(set(ids)))).group_by(parent)
    counts = {id_: int(number) for id_, number in await session.execute(stmt)}
    return [found if (found := counts.get(id_, 0)) <= MAX_COUNTED else None for id_ in ids]


async def _pages(
    session: Session, owners: _Owners, conditions: Conditions, page: PageArgs
) -> dict[int, Page[LlmCall]]:
    """By parent, a page of what its owners' calls hold; a parent without calls is absent.

    cost  reads at most one page of each owner, by its index
    """
    bounds = Bounds.of(CALLS_ORDER, page)
    found: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    for parent_id, *row in await session.execute(_top(session, owners, [*conditions, *bounds.inside], page)):
        found[parent_id].append(row)
    outside = await _outside(session, owners, conditions, bounds) if bounds.inside else {}
    pages: dict[int, Page[LlmCall]] = {}
    for parent_id in found.keys() | outside.keys():
        rows = sorted(
            found[parent_id], key=lambda row: (row[_STARTED_AT], row[_ID]), reverse=not page.backward
        )
        earlier, later = outside.get(parent_id, (False, False))
        items = [call_of(row) for row in rows[: page.size + 1]]
        pages[parent_id] = cut(page, items, earlier=earlier, later=later)
    return pages


def _top(
    session: Session, owners: _Owners, conditions: Conditions, page: PageArgs
) -> Select[*tuple[Any, ...]]:
    """The first calls of each owner, one more than the page holds, each found by its index. `row_number`
    would read every call of every owner.
    """
    first = (
        select(C.id)
        .where(*conditions)
        .order_by(*ordering(CALLS_ORDER, page))
        .limit(page.size + 1)
        .correlate(owners.table)
    )
    wanted: list[ColumnElement[Any]]
    if session.get_bind().dialect.name == "sqlite":  # no LATERAL, but a limited subquery may look outside
        again = LLM_CALLS.alias("calls")
        source = owners.table.join(again, again.c.id.in_(first.where(owners.column == owners.table.c.id)))
        wanted = [again.c[column.name] for column in CALL_COLUMNS]
    else:
        mine = first.with_only_columns(*CALL_COLUMNS).where(*_within(owners, page))
        calls = mine.order_by(None).order_by(*_by_owner(owners, page)).lateral("calls")
        source = owners.table.join(calls, true())
        wanted = list(calls.c)
    return select(owners.parent, *wanted).select_from(source).where(*owners.which)


def _within(owners: _Owners, page: PageArgs) -> Conditions:
    """An owner's calls as a range of the index that begins with the owner. Were it said by `=`, PostgreSQL
    might walk through everybody's calls by time instead, in the hope of meeting some of this owner's soon;
    of one whose calls are all old it would meet none for millions of rows.
    """
    place, owner = (owners.column, C.started_at, C.id), owners.table.c.id
    conditions = [owners.column >= owner, owners.column <= owner]
    if page.after is not None:
        conditions.append(tuple_(*place) < tuple_(owner, *_bound(page.after, "after")))
    if page.before is not None:
        conditions.append(tuple_(*place) > tuple_(owner, *_bound(page.before, "before")))
    return conditions


def _bound(position: Position, field: str) -> list[ColumnElement[Any]]:
    values = values_of(CALLS_ORDER, position, field)
    return [literal(value, term.column.type) for term, value in zip(CALLS_ORDER, values, strict=True)]


def _by_owner(owners: _Owners, page: PageArgs) -> list[ColumnElement[Any]]:
    return ordering((Term(owners.column, "owner", descending=True), *CALLS_ORDER), page)


async def _outside(
    session: Session, owners: _Owners, conditions: Conditions, bounds: Bounds
) -> dict[int, tuple[bool, bool]]:
    """By parent, whether it has calls up to the cursor `after`, and from the cursor `before` on."""
    mine = [owners.column == owners.table.c.id, *conditions]
    flags = [
        select(C.id).where(*mine, side).correlate(owners.table).limit(1).exists() for side in bounds.outside
    ]
    stmt = select(owners.parent, *flags).select_from(owners.table).where(*owners.which)
    found: dict[int, tuple[bool, bool]] = {}
    for row in await session.execute(stmt):
        parent_id, earlier, later = tuple(row)
        before = found.get(parent_id, (False, False))
        found[parent_id] = (before[0] or bool(earlier), before[1] or bool(later))
    return found


async def contents_by_call(session: Session, ids: Sequence[UUID]) -> list[CallContent | None]:
    """What each call was about, in the order of `ids`; None where nothing is stored.

    cost  one statement
    """
    stmt = select(*CONTENT_COLUMNS).where(CALL_CONTENTS.c.call_id.in_(set(ids)))
    found = {content.call_id: content for content in map(content_of, await session.execute(stmt))}
    return [found.get(id_) for id_ in ids]
