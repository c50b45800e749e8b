"""The hot reads use an index on both databases, and all SQL stays within what they share."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Integer, insert, text

from promptgraph.domain.asking import Direction, PageArgs, PromptFilter, PromptOrder, PromptOrderField
from promptgraph.domain.cells import CellKey, Level, Scope
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.ledger import to_row
from promptgraph.store import ledger_rows, migrate, registry
from promptgraph.store.agents import (
    AssignmentKey,
    agents_by_family,
    agents_by_id,
    agents_by_name,
    agents_by_prompt,
    agents_page,
    assignments_by_agent,
    assignments_by_key,
)
from promptgraph.store.call_stream import Tail
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUPS
from promptgraph.store.database import Database, Session
from promptgraph.store.drift import verify
from promptgraph.store.families import families_by_id, families_by_name, families_page
from promptgraph.store.labels import labels_by_family, labels_by_prompt, moves_by_family, moves_by_id
from promptgraph.store.paging import PageKey
from promptgraph.store.prompts import (
    MomentKey,
    NeighbourKey,
    PromptRef,
    neighbours,
    prompt_at,
    prompts_by_agent,
    prompts_by_family,
    prompts_by_id,
    prompts_by_ref,
    prompts_page,
)
from promptgraph.store.rollup_rows import add_cells
from promptgraph.store.rollups import fold
from promptgraph.store.runs import last_run, runs_by_id, runs_page
from tests.store.call_stock import store_calls
from tests.store.calls import a_call
from tests.store.plans import count_rows, plan_of
from tests.store.stock import NOW, stock

Read = Callable[[Session], Awaitable[Any]]
PAGE = PageArgs(2)
KEYS = [PageKey(1, PAGE), PageKey(2, PAGE)]
NAME, NEWEST = PromptOrder(), PromptOrder(PromptOrderField.CREATED_AT, Direction.DESC)
HOT: dict[str, Read] = {
    "prompts by id": lambda s: prompts_by_id(s, [1, 2]),
    "prompt by label": lambda s: prompts_by_ref(s, [PromptRef("a", label="production")]),
    "prompt by version": lambda s: prompts_by_ref(s, [PromptRef("a", 1)]),
    "prompts by version": lambda s: prompts_by_ref(s, [PromptRef("a", 1), PromptRef("b", 2)]),
    "latest prompt": lambda s: prompts_by_ref(s, [PromptRef("a")]),
    "versions of families": lambda s: prompts_by_family(s, KEYS),
    "neighbours": lambda s: neighbours(s, [NeighbourKey(1, 1, 1), NeighbourKey(2, 2, -1)]),
    "prompts of agents": lambda s: prompts_by_agent(s, KEYS),
    "prompt at": lambda s: prompt_at(s, [MomentKey("a", "production", NOW)]),
    "prompts by name": lambda s: prompts_page(s, PromptFilter(), NAME, PAGE),
    "prompts after": lambda s: prompts_page(s, PromptFilter(), NAME, PageArgs(2, after=("a", 1))),
    "prompts by prefix": lambda s: prompts_page(s, PromptFilter(name_prefix="a/"), NAME, PAGE),
    "prompts named": lambda s: prompts_page(s, PromptFilter(name_in=("a", "b")), NAME, PAGE),
    "families by id": lambda s: families_by_id(s, [1, 2]),
    "families by name": lambda s: families_by_name(s, ["a"]),
    "families by page": lambda s: families_page(s, PromptFilter(), PAGE),
    "labels of families": lambda s: labels_by_family(s, [1, 2]),
    "labels of prompts": lambda s: labels_by_prompt(s, [1, 2]),
    "moves of families": lambda s: moves_by_family(s, KEYS),
    "moves by id": lambda s: moves_by_id(s, [1]),
    "agents by id": lambda s: agents_by_id(s, [1]),
    "agents by name": lambda s: agents_by_name(s, ["a"]),
    "agents by page": lambda s: agents_page(s, PAGE),
    "agents of prompts": lambda s: agents_by_prompt(s, KEYS),
    "agents of families": lambda s: agents_by_family(s, KEYS),
    "assignments of agents": lambda s: assignments_by_agent(s, [1, 2]),
    "assignments by key": lambda s: assignments_by_key(s, [AssignmentKey("a", "r", "s")]),
    "runs by id": lambda s: runs_by_id(s, [1]),
    "runs by page": lambda s: runs_page(s, PAGE),
    "last run": lambda s: last_run(s, "default"),
    "revision": registry.revision,
}


GROWING = "prompts|prompt_families|prompt_labels|label_moves|agents|agent_prompts"
WALKS = {
    "sqlite": re.compile(rf"^SCAN ({GROWING})(?! USING)\b"),
    "postgres": re.compile(rf"Seq Scan on ({GROWING})\b"),
}
SORTS = {
    "sqlite": re.compile("TEMP B-TREE FOR ORDER BY"),
    "postgres": re.compile(r"(^|->)\s*Sort  "),  # an Incremental Sort only settles ties
}
BY_NAME = {"sqlite": "sqlite_autoindex_prompt_families_1", "postgres": "uq_prompt_families_name"}


async def test_hot_reads_use_an_index(db: Database, sent: list[tuple[str, Any]], engine: str) -> None:
    """None of them walks through a table that grows."""
    walks: dict[str, list[str]] = {}
    async with db.write() as session:
        for name in ("a", "b", "c"):
            await stock(session, name, (1, 2))
    async with db.read() as session:
        if engine == "postgres":  # on small tables a walk is cheaper, so that it would be chosen
            await session.execute(text("SET LOCAL enable_seqscan = off"))
        for name, read in HOT.items():
            sent.clear()
            await read(session)
            plans = [await plan_of(session, *each) for each in list(sent)]
            if found := [step for plan in plans for step in plan if WALKS[engine].search(step)]:
                walks[name] = found
    assert {} == walks


async def test_first_page_by_name_sorts_nothing(
    db: Database, sent: list[tuple[str, Any]], engine: str
) -> None:
    """The index on names gives the order, so a page costs its rows and not the registry."""
    async with db.write() as session:
        for number in range(300):
            await stock(session, f"name-{number}")
    await count_rows(db)
    async with db.read() as session:
        sent.clear()
        await prompts_page(session, PromptFilter(), NAME, PAGE)
        plan = await plan_of(session, *sent[0])
    assert any(BY_NAME[engine] in step for step in plan)
    assert [step for step in plan if SORTS[engine].search(step)] == []


def test_walks_and_sorts_are_seen() -> None:
    """The two tests above can fail."""
    assert WALKS["sqlite"].search("SCAN prompts")
    assert not WALKS["sqlite"].search("SCAN prompts USING COVERING INDEX x")
    assert WALKS["postgres"].search("  ->  Seq Scan on prompts  (cost=0.00..1.05)")
    assert SORTS["postgres"].search("  ->  Sort  (cost=1.00)")
    assert SORTS["postgres"].search("Sort  (cost=1.00)")


async def deleted(session: Session) -> None:
    await ledger_rows.prune(session, NOW + dt.timedelta(seconds=1))
    await session.rollback()


LEDGER: dict[str, tuple[str, Read]] = {
    "the oldest to fold": ("unfolded", lambda s: ledger_rows.unfolded(s, 20)),
    "the next to fold": ("unfolded", lambda s: ledger_rows.unfolded(s, 20, UUID(int=9))),
    "how many to fold": ("unfolded", lambda s: ledger_rows.waiting(s, 20)),
    "what is new": ("recorded_at_id", lambda s: Tail().skip(s)),
    "what is old": ("recorded_at_id", deleted),
}


@pytest.mark.parametrize(("index", "read"), LEDGER.values(), ids=LEDGER)
async def test_ledger_is_read_by_its_index(
    db: Database, sent: list[tuple[str, Any]], index: str, read: Read
) -> None:
    """Among thousands of rows those that are not folded are found, and the newest and oldest, by an index."""
    names, empty = ("id", "recorded_at", "call_ids", "delta", "folded"), to_row(Delta())
    rows = [
        (UUID(int=n), NOW + dt.timedelta(seconds=n), b"", empty, n % 1_000 != 0)  # few wait at any time
        for n in range(5_000)
    ]
    async with db.write() as session:
        await session.execute(insert(RECORD_BATCHES), [dict(zip(names, row, strict=True)) for row in rows])
    await count_rows(db)
    async with db.write() as session:
        sent.clear()
        await read(session)
        [asked] = [each for each in sent if "record_batches" in each[0]]
        plan = "\n".join(await plan_of(session, *asked))
    assert f"ix_record_batches_{index}" in plan
    assert not re.search("SCAN record_batches(?! USING)|Seq Scan", plan)


async def test_cells_of_a_day_are_found_by_their_period(db: Database, sent: list[tuple[str, Any]]) -> None:
    """Whoever verifies a day reads its cells, of whatever owner, and no others."""
    async with db.write() as session:
        await store_calls(session, [a_call(NOW + dt.timedelta(hours=hour)) for hour in range(2_000)])
    await fold(db)
    await count_rows(db)
    sent.clear()
    assert [] == await verify(db)
    days = [each for each in sent if "FROM rollups" in each[0] and "UNION ALL" in each[0]]
    async with db.read() as session:
        plan = await plan_of(session, *days[0])
    assert 2 == sum("ix_rollups_period" in step for step in plan), plan
    assert 84 == len(days)


UNCONDITIONAL = (
    "DROP INDEX ix_rollups_period",
    "CREATE INDEX ix_rollups_period ON rollups (generation, level, period)",
)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_cells_are_found_by_their_whole_key_though_nobody_counted_them(
    db: Database, sent: list[tuple[str, Any]]
) -> None:
    """Read and changed by the primary key. The control: an index without a condition is taken for it."""
    ones = {"generation": "1", "scope": "1", "level": "1", "period": "1", "prompt_id": "n"}
    blanks = {column.name: "0" if isinstance(column.type, Integer) else "''" for column in ROLLUPS.c}
    values = ", ".join((blanks | ones).values())
    async with db.migrating() as connection, connection.begin():
        rows = f"SELECT {values} FROM generate_series(1, 20000) AS of(n)"  # noqa: S608  # our own words
        await connection.exec_driver_sql(f"INSERT INTO rollups {rows}")
    key = CellKey(Scope.PROMPT, Level.DAY, 1, 7, 0, "", "", "")
    async with db.write() as session:
        sent.clear()
        await add_cells(session, 1, {key: Figures()})
        asked = [each for each in sent if "rollups" in each[0] and each[0].startswith(("SELECT", "UPDATE"))]
        plans = [" ".join(await plan_of(session, *each)) for each in asked]
        assert [True, True] == ["pk_rollups" in plan for plan in plans], plans
        connection = await session.connection()
        for statement in UNCONDITIONAL:
            await connection.exec_driver_sql(statement)
        plans = [" ".join(await plan_of(session, *each)) for each in asked]
        assert [True, True] == ["ix_rollups_period" in plan for plan in plans], plans


@pytest.mark.parametrize("engine", ["postgres"])
async def test_only_migrations_take_an_advisory_lock(empty_url: str) -> None:
    """The one use of such a lock is there, and is gone with its transaction."""
    db = Database(empty_url)
    await migrate.upgrade(db)
    async with db.read() as session:
        held = await session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
    await db.close()
    assert 0 == held
