"""Pages are slices of the whole list, whatever is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from promptgraph.domain.asking import (
    Direction,
    Page,
    PageArgs,
    Position,
    PromptFilter,
    PromptOrder,
    PromptOrderField,
)
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Prompt
from promptgraph.store.database import Database, Session
from promptgraph.store.paging import PageKey, position_of
from promptgraph.store.prompts import (
    PROMPTS_ORDERS,
    VERSIONS_ORDER,
    count_prompts_by_family,
    prompts_by_family,
    prompts_page,
)
from promptgraph.store.tables import FAMILIES, PROMPTS
from tests.conftest import Statements
from tests.store.stock import NOW, stock

EVERY = PromptFilter(all_versions=True, retired=None)
NAME, CREATED_AT = PromptOrderField.NAME, PromptOrderField.CREATED_AT
ASC, DESC = Direction.ASC, Direction.DESC

Key = Callable[[Any], Any]
KEYS: dict[PromptOrder, Key] = {
    PromptOrder(NAME, ASC): lambda p: (p[0].encode(), -p[1]),
    PromptOrder(NAME, DESC): lambda p: ([-byte for byte in p[0].encode()] + [1], -p[1]),
    PromptOrder(CREATED_AT, ASC): tuple,
    PromptOrder(CREATED_AT, DESC): lambda p: (-dt.datetime.fromisoformat(p[0]).timestamp(), -p[1]),
}


class Case(NamedTuple):
    """What is asked for: a cursor is the number of a row, whose row may be gone by then."""

    size: int
    backward: bool
    after: int | None
    before: int | None
    gone: bool

    def page(self, positions: Sequence[Position]) -> PageArgs:
        cursors = [
            positions[index % len(positions)] if index is not None and positions else None
            for index in (self.after, self.before)
        ]
        return PageArgs(self.size, self.backward, *cursors)


NAMES = ("a", "a-b", "a/b", "a0", "b", "b.c", "zz")
families = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sets(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 2)),
    max_size=5,
)
rows = st.none() | st.integers(0, 30)
cases = st.builds(Case, st.integers(0, 7), st.booleans(), rows, rows, st.booleans())
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sliced(rows: Sequence[Any], positions: Sequence[Position], key: Key, page: PageArgs) -> Page[Any]:
    """The page as a slice of a list."""
    keys = [key(position) for position in positions]
    low = sum(k <= key(page.after) for k in keys) if page.after else 0
    high = sum(k < key(page.before) for k in keys) if page.before else len(rows)
    inside = list(rows[low:high])
    kept = inside[-page.size :] if page.backward and page.size else inside[: page.size]
    more = len(inside) > page.size
    return Page(
        tuple(kept),
        has_next=high < len(rows) or (more and not page.backward),
        has_previous=low > 0 or (more and page.backward),
    )


async def fill(session: Session, wanted: dict[str, tuple[set[int], int]]) -> dict[str, int]:
    """Replace everything stored; the id of each family by name."""
    await session.execute(delete(PROMPTS))
    await session.execute(delete(FAMILIES))
    ids = {}
    for name, (versions, day) in wanted.items():
        added = await stock(
            session, name, sorted(versions), at=NOW + dt.timedelta(days=day, microseconds=day)
        )
        ids[name] = added.id
    return ids


@SLOW
@given(data=families, order=st.sampled_from(list(PROMPTS_ORDERS)), case=cases)
async def test_any_page_is_a_slice(
    db: Database, data: dict[str, tuple[set[int], int]], order: PromptOrder, case: Case
) -> None:
    """Any first, last, after, before give a slice of the whole list, and say truly what lies around it."""
    async with db.write() as session:
        await fill(session, data)
        whole = list((await prompts_page(session, EVERY, order, PageArgs(100))).items)
        positions = [position_of(PROMPTS_ORDERS[order], prompt) for prompt in whole]
        assert sorted(positions, key=KEYS[order]) == positions
        page = case.page(positions)
        if case.gone and whole:
            gone = (case.after or 0) % len(whole)
            await session.execute(delete(PROMPTS).where(PROMPTS.c.id == whole[gone].id))
            del positions[gone], whole[gone]
        assert sliced(whole, positions, KEYS[order], page) == await prompts_page(session, EVERY, order, page)


@SLOW
@given(data=families, case=cases)
async def test_any_page_of_each_parent_is_a_slice(
    db: Database, data: dict[str, tuple[set[int], int]], case: Case
) -> None:
    """The pages of many parents at once are the slices of their own lists."""
    page = case.page([(version,) for version in range(7)])
    async with db.write() as session:
        ids = [*(await fill(session, data)).values(), 999]
        whole = await prompts_by_family(session, [PageKey(id_, PageArgs(100)) for id_ in ids])
        expected = [
            sliced(one.items, [(p.version,) for p in one.items], lambda p: -p[0], page) for one in whole
        ]
        assert expected == await prompts_by_family(session, [PageKey(id_, page) for id_ in ids])


async def test_walks_a_list_by_cursors_both_ways(db: Database) -> None:
    """Following the cursors visits every row once, forwards and backwards."""
    order = PromptOrder()
    async with db.write() as session:
        for number in range(23):
            await stock(session, f"name-{number:02}", (1, 2))
        forwards: list[Prompt] = []
        page = await prompts_page(session, EVERY, order, PageArgs(5))
        forwards += page.items
        while page.has_next:
            after = position_of(PROMPTS_ORDERS[order], page.items[-1])
            page = await prompts_page(session, EVERY, order, PageArgs(5, after=after))
            assert page.has_previous
            forwards += page.items
        backwards: list[Prompt] = []
        page = await prompts_page(session, EVERY, order, PageArgs(5, backward=True))
        backwards = [*page.items, *backwards]
        while page.has_previous:
            before = position_of(PROMPTS_ORDERS[order], page.items[0])
            page = await prompts_page(session, EVERY, order, PageArgs(5, backward=True, before=before))
            assert page.has_next
            backwards = [*page.items, *backwards]
    assert forwards == backwards
    assert 46 == len(forwards)


@pytest.mark.parametrize("parents", [1, 50])
async def test_many_parents_cost_as_much_as_one(db: Database, statements: Statements, parents: int) -> None:
    """One statement serves the first pages of all parents, and two serve pages behind a cursor."""
    async with db.write() as session:
        ids = [(await stock(session, f"name-{number}", (1, 2, 3))).id for number in range(parents)]
    async with db.read() as session:
        with statements.counted(1):
            pages = await prompts_by_family(session, [PageKey(id_, PageArgs(2)) for id_ in ids])
        with statements.counted(2):
            await prompts_by_family(session, [PageKey(id_, PageArgs(2, after=(3,))) for id_ in ids])
        with statements.counted(1):
            counts = await count_prompts_by_family(session, ids)
    assert {(3, 2)} == {tuple(p.version for p in page.items) for page in pages}
    assert [3] * parents == counts


async def test_keys_of_other_pages_are_kept_apart(db: Database) -> None:
    """Keys may repeat and ask for different pages; the answers come in their order."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2, 3))
        keys = [PageKey(family.id, PageArgs(size)) for size in (1, 3, 1, 0)]
        pages = await prompts_by_family(session, keys)
    assert [[3], [3, 2, 1], [3], []] == [[p.version for p in page.items] for page in pages]


BIG = 2**63
NO_NAME_POSITIONS: dict[str, Position] = {
    "too short": ("a",),
    "too long": ("a", 1, 1),
    "a number for a name": (1, 1),
    "a text for a version": ("a", "1"),
    "a truth for a version": ("a", True),
    "a version beyond 32 bits": ("a", 2**31),
    "a version beyond 64 bits": ("a", BIG),
    "NUL in a name": ("a\0", 1),
    "a lone surrogate": ("\ud800", 1),
}
NO_TIME_POSITIONS: dict[str, Position] = {
    "no instant": ("yesterday", 1),
    "a name for an instant": ("a", 1),
    "an instant beyond the calendar": ("9999-12-31T23:59:59.999999-12:00", 1),
    "an id beyond 64 bits": ("2026-01-01T00:00:00+00:00", BIG),
}
NO_POSITIONS = [(name, PromptOrder(NAME), position) for name, position in NO_NAME_POSITIONS.items()]
NO_POSITIONS += [(name, PromptOrder(CREATED_AT), position) for name, position in NO_TIME_POSITIONS.items()]


@pytest.mark.parametrize("field", ["after", "before"])
async def test_refuses_a_position_of_another_list(db: Database, statements: Statements, field: str) -> None:
    """A position that does not fit the order is refused, naming its argument, before any SQL is sent."""
    refused = []
    async with db.read() as session:
        with statements.counted(0):
            for name, order, position in NO_POSITIONS:
                page = PageArgs(after=position) if field == "after" else PageArgs(before=position)
                with pytest.raises(InvalidInputError, match="another list") as caught:
                    await prompts_page(session, EVERY, order, page)
                refused.append((name, caught.value.field))
    assert [(name, field) for name, _, _ in NO_POSITIONS] == refused


def test_positions_hold_instants_as_text_in_utc() -> None:
    """A position is the same on every database: microseconds always, UTC always."""
    at = dt.datetime(2026, 3, 1, 13, tzinfo=dt.timezone(dt.timedelta(hours=1)))

    class Row:
        id, created_at = 7, at

    order = PROMPTS_ORDERS[PromptOrder(CREATED_AT)]
    assert ("2026-03-01T12:00:00.000000+00:00", 7) == position_of(order, Row())
    assert 1 == len(VERSIONS_ORDER)
