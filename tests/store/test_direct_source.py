"""What is read directly is found by indexes, and is what a session reads however much waits."""

from __future__ import annotations

from typing import Any

import pytest

from promptgraph.domain.metrics_key import MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store import waiting
from promptgraph.store.database import Database
from promptgraph.store.direct_source import Directly, reading
from promptgraph.store.metrics import metrics
from promptgraph.store.sources import General
from promptgraph.store.totals import totals
from tests.hearing import heard_directly
from tests.store.call_stock import store_calls
from tests.store.calls import a_call
from tests.store.stock import NOW, stock

PLACES = {
    OwnerKind.PROMPT: "PRIMARY KEY (generation=? AND scope=? AND level=? AND prompt_id=?",
    OwnerKind.AGENT: "ix_rollups_agent_id (generation=? AND scope=? AND level=? AND agent_id=?",
}


async def plan(db: Database, asked: list[str], table: str) -> list[str]:
    """How SQLite finds the rows of a table, by the last statement that reads them."""
    sql = next(sent for sent in reversed(asked) if f"FROM {table}" in sent)
    async with db.read() as session:
        connection = await session.connection()
        steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))
        return [str(row[-1]) for row in steps if f" {table} " in str(row[-1])]


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL reads a table as small as these as a whole
@pytest.mark.parametrize("wanted", [{}, {"models": ("m",)}], ids=["alone", "by model"])
@pytest.mark.parametrize("kind", PLACES)
async def test_rows_are_found_by_their_owner(db: Database, kind: OwnerKind, wanted: Any) -> None:
    """No other owner's cells nor calls are read, though nobody has ever counted the rows for the planner."""
    asked: list[str] = []
    key = MetricsKey(
        kind,
        1,
        Window(NOW.replace(second=7), NOW.replace(second=9, year=NOW.year + 1)),
        MetricsFilter(**wanted),
    )
    with heard_directly(lambda sql, _: asked.append(sql)):
        async with reading(db) as source:
            await metrics(source, [key], ["calls"])
        cells, calls = await plan(db, asked, "rollups"), await plan(db, asked, "llm_calls")
        await totals(db, kind, [1], ("calls",))
    assert cells
    assert calls
    assert cells == [step for step in cells if PLACES[kind] in step]
    for step in await plan(db, asked, "rollups"):
        assert f"{kind.value.lower()}_id=?" in step
    assert {True} == {
        f"{kind.value.lower()}_id=? AND started_at>? AND started_at<?" in step for step in calls
    }


async def test_much_that_waits_is_read_by_a_session(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page: the figures are the same."""
    async with db.write() as session:
        family = await stock(session, "a")
        await store_calls(session, [a_call(NOW, family.prompts[1], model=str(n)) for n in range(5)])
    found = []
    for most, kind in ((5, Directly), (4, General)):
        db.waiting = waiting.Waiting()
        monkeypatch.setattr(waiting, "MOST_CELLS", most)
        async with reading(db) as source:
            assert isinstance(source, kind)
            found.append(await metrics(source, [MetricsKey()]))
    assert found[0] == found[1]
    assert 5 == found[0][0].figures["calls"]


async def test_filter_knows_former_names(db: Database) -> None:
    """As a session does: a name that is somebody's now is nobody else's."""
    async with db.write() as session:
        first = await stock(session, "now", former_names=["old", "other"])
        second = await stock(session, "other", former_names=["old"])
        await store_calls(
            session, [a_call(NOW, first.prompts[1]), a_call(NOW, second.prompts[1]), a_call(NOW)]
        )
    for names in (("old",), ("other",), ("now", "other"), ("none",), ()):
        keys = [
            MetricsKey(wanted=MetricsFilter(prompts=names, versions=versions))
            for versions in (None, (1,), (2,))
        ]
        async with reading(db) as source, db.read() as session:
            assert await metrics(session, keys) == await metrics(source, keys)
