"""Recorded calls: by id, by page, and by page of many prompts, families or agents at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import func, select

from promptgraph.domain.asking import Page, PageArgs
from promptgraph.domain.call import CallContent, LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.store.call_filters import (
    Conditions,
    agent_conditions,
    call_conditions,
    version_conditions,
)
from promptgraph.store.call_owners import (
    CALLS_ORDER,
    OF_AGENT,
    OF_FAMILY,
    OF_PROMPT,
    TOGETHER,
    Excerpt,
    Kind,
    Owners,
    first_calls,
    flags_of,
    others,
)
from promptgraph.store.call_records import (
    CALL_COLUMNS,
    CALL_FIELDS,
    CONTENT_COLUMNS,
    call_of,
    content_of,
)
from promptgraph.store.call_tables import CALL_CONTENTS, C
from promptgraph.store.database import Session
from promptgraph.store.keys import storable
from promptgraph.store.paging import cut, page_of

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


def _owners(wanted: LlmCallFilter) -> tuple[Owners, LlmCallFilter] | None:
    """Whose calls `wanted` asks for, and what else it asks, where the index of prompts or of agents is the
    one that finds them.
    """
    closer = (wanted.conversation_id, wanted.user_id, wanted.trace_id, wanted.call_ids)
    if any(value is not None for value in closer):
        return None
    if wanted.prompts is not None:
        owners = Owners(OF_PROMPT._replace(parent=TOGETHER), version_conditions(wanted))
        return owners, replace(wanted, prompts=None, versions=None)
    if wanted.agents is not None:
        owners = Owners(OF_AGENT._replace(parent=TOGETHER), agent_conditions(wanted))
        return owners, replace(wanted, agents=None)
    return None


async def calls_by_prompt(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per prompt id, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, OF_PROMPT)


async def calls_by_family(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per family id of the calls of all its versions, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, OF_FAMILY)


async def calls_by_agent(session: Session, keys: Sequence[CallsKey]) -> list[Page[LlmCall]]:
    """A page per agent id, newest first, in key order.

    cost  one statement per distinct page and filter; a second one where it has a cursor
    """
    return await _pages_by(session, keys, OF_AGENT)


async def count_calls_by_prompt(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each prompt `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, OF_PROMPT)


async def count_calls_by_family(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each family `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, OF_FAMILY)


async def count_calls_by_agent(session: Session, ids: Sequence[int], wanted: LlmCallFilter) -> Counts:
    """How many calls of each agent `wanted` lets through, as `count_calls`, in the order of `ids`."""
    return await _counts_by(session, ids, wanted, OF_AGENT)


async def _pages_by(session: Session, keys: Sequence[CallsKey], kind: Kind) -> list[Page[LlmCall]]:
    groups: defaultdict[tuple[PageArgs, LlmCallFilter], set[int]] = defaultdict(set)
    for key in keys:
        groups[key.page, key.wanted].add(key.id)
    pages: dict[CallsKey, Page[LlmCall]] = {}
    for (page, wanted), ids in groups.items():
        owners = Owners(kind, [kind.parent.in_(storable(ids))])
        found = await _pages(session, owners, call_conditions(wanted), page)
        pages |= {CallsKey(id_, page, wanted): found.get(id_, Page()) for id_ in ids}
    return [pages[key] for key in keys]


async def _counts_by(session: Session, ids: Sequence[int], wanted: LlmCallFilter, kind: Kind) -> Counts:
    """One statement, which reads at most MAX_COUNTED calls of each owner by its index, if nothing is rare."""
    table, column, parent = kind
    mine = select(C.id).where(column == table.c.id, *call_conditions(wanted)).limit(MAX_COUNTED + 1)
    counted = select(func.count()).select_from(mine.correlate(table).subquery()).scalar_subquery()
    stmt = select(parent, func.sum(counted)).where(parent.in_(storable(set(ids)))).group_by(parent)
    counts = {id_: int(number) for id_, number in await session.execute(stmt)}
    return [found if (found := counts.get(id_, 0)) <= MAX_COUNTED else None for id_ in ids]


async def _pages(
    session: Session, owners: Owners, conditions: Conditions, page: PageArgs
) -> dict[int, Page[LlmCall]]:
    """By parent, a page of what its owners' calls hold; a parent without calls is absent.

    cost  reads at most one page of each owner, by its index
    """
    excerpt = Excerpt.of(page)
    found: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    top = first_calls(session.get_bind().dialect.name, owners, conditions, excerpt, CALL_COLUMNS)
    for parent_id, *row in await session.execute(top):
        found[parent_id].append(row)
    outside: dict[int, tuple[bool, bool]] = {}
    if excerpt.inside:
        outside = flags_of(await session.execute(others(owners, conditions, excerpt)))
    pages: dict[int, Page[LlmCall]] = {}
    for parent_id in found.keys() | outside.keys():
        rows = sorted(
            found[parent_id], key=lambda row: (row[_STARTED_AT], row[_ID]), reverse=not page.backward
        )
        earlier, later = outside.get(parent_id, (False, False))
        items = [call_of(row) for row in rows[: page.size + 1]]
        pages[parent_id] = cut(page, items, earlier=earlier, later=later)
    return pages


async def contents_by_call(session: Session, ids: Sequence[UUID]) -> list[CallContent | None]:
    """What each call was about, in the order of `ids`; None where nothing is stored.

    cost  one statement
    """
    stmt = select(*CONTENT_COLUMNS).where(CALL_CONTENTS.c.call_id.in_(set(ids)))
    found = {content.call_id: content for content in map(content_of, await session.execute(stmt))}
    return [found.get(id_) for id_ in ids]
