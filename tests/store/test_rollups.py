"""Folding: the ledger goes into the rollups once, whatever happens."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from promptgraph.domain.cells import OTHER, CellKey, Level, Scope
from promptgraph.domain.errors import InvalidInputError, InvalidRollupError
from promptgraph.domain.figures import MAX_SCORES, REST
from promptgraph.domain.free_values import MAX_ENVIRONMENTS, MAX_VALUES
from promptgraph.domain.measures import ALL, INT64
from promptgraph.domain.metrics_key import MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window
from promptgraph.store.call_tables import RECORD_BATCHES, ROLLUP_STATE, ROLLUPS, U
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.metrics import metrics
from promptgraph.store.rebuild import rebuild
from promptgraph.store.rollup_rows import CELL_COLUMNS, cell_of
from promptgraph.store.rollups import DUE, KEPT_MINUTES, fold, lock
from tests.store.call_stock import store_calls
from tests.store.calls import a_call, reprice, score
from tests.store.stock import NOW, stock
from tests.sync.faults import PlannedFailureError, failing_at

HOUR = dt.timedelta(hours=1)


async def calls_counted(db: Database) -> int:
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["calls"])
    return answer.figures["calls"]


async def unfolded(db: Database) -> int:
    async with db.read() as session:
        rows = select(func.count()).select_from(RECORD_BATCHES).where(~RECORD_BATCHES.c.folded)
        return int((await session.execute(rows)).scalar_one())


async def test_folds_what_was_recorded(db: Database) -> None:
    """Afterwards every cell says what the calls say, and there is nothing left to fold."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2))
        for hour in range(50):
            await store_calls(session, [a_call(NOW + hour * HOUR, id_) for id_ in family.prompts.values()])
    assert [20, 20, 10, 0] == [await fold(db, 20) for _ in range(4)]
    assert [] == await verify(db)
    assert 100 == await calls_counted(db)


async def test_folds_corrections(db: Database) -> None:
    """A new price and a changed score come to the same as if they had been so from the start."""
    async with db.write() as session:
        call = a_call(cost_nano_usd=5)
        await store_calls(session, [call])
        await score(session, call, "quality", 0.5)
    await fold(db)
    async with db.write() as session:
        await reprice(session, call, 2)
        await score(session, call, "quality", 0.25)
    await fold(db)
    assert [] == await verify(db)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()])
    assert (2, {"quality": (1, 250_000_000)}) == (answer.figures["cost_nano_usd"], answer.figures.scores)


async def test_folds_a_correction_before_its_call(db: Database) -> None:
    """Clocks differ, so the ledger's order is not the order of events; a sum below zero is never stored."""
    call = a_call(cost_nano_usd=5)
    async with db.write() as session:
        await store_calls(session, [call])
        await session.execute(update(RECORD_BATCHES).values(id=UUID(int=2**128 - 1)))
        await reprice(session, call, 2)
    assert 2 == await fold(db, 1)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()])
    assert (1, 2) == (answer.figures["calls"], answer.figures["cost_nano_usd"])


async def test_crash_at_any_statement_neither_loses_nor_doubles(db: Database) -> None:
    """Whatever a fold came to, metrics are the same, and the next one goes on."""
    number = 0
    for number in range(1, 100):
        async with db.write() as session:
            await store_calls(session, [a_call(), a_call(NOW + number * HOUR)])
        with failing_at(db, number) as reached, suppress(PlannedFailureError):
            await fold(db)
        assert 2 * number == await calls_counted(db)
        if not reached():
            break
    assert number > 8
    assert 0 == await unfolded(db)
    assert [] == await verify(db)


async def test_many_folders_count_once(url: str) -> None:
    """Folders of several processes and a recorder at the same time: each row is folded by one."""
    databases = [Database(url) for _ in range(3)]

    async def writer() -> None:
        for number in range(40):
            async with databases[0].write() as session:
                await store_calls(session, [a_call(NOW + number * HOUR), a_call()])

    async def folder(db: Database) -> None:
        for _ in range(40):
            await fold(db, 5)

    await asyncio.gather(writer(), *map(folder, databases))
    while await fold(databases[0]):
        pass
    assert 80 == await calls_counted(databases[0])
    assert [] == await verify(databases[0])
    for each in databases:
        await each.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_second_folder_falls_silent(db: Database) -> None:
    """While one folds, another neither waits nor folds."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
    async with db.write() as session:
        assert await lock(session, wait=False) is not None
        assert await fold(db) is None
    assert 1 == await fold(db)


async def test_prunes_folded_rows_after_a_while(db: Database) -> None:
    """What is folded stays for those who follow it, then goes; what is not folded stays."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
    await fold(db, now=NOW + dt.timedelta(minutes=KEPT_MINUTES))
    async with db.write() as session:
        await store_calls(session, [a_call()])
        await store_calls(session, [a_call()])
    count = select(func.count()).select_from(RECORD_BATCHES)
    async with db.read() as session:
        assert 3 == (await session.execute(count)).scalar_one()
    await fold(db, 1, now=NOW + dt.timedelta(minutes=KEPT_MINUTES, seconds=1))
    async with db.read() as session:
        assert 1 == (await session.execute(count)).scalar_one()
    assert 1 == await unfolded(db)


async def test_bounds_what_callers_tell_apart(db: Database) -> None:
    """Beyond a hundred models of a prompt's day the rest is `(other)`; nothing is lost, nothing drifts."""
    for start in (0, 60, 120):
        async with db.write() as session:
            await store_calls(session, [a_call(model=f"model-{n}") for n in range(start, start + 60)])
        await fold(db)
    async with db.write() as session:
        await store_calls(
            session, [a_call(model="model-5"), a_call(model="model-170"), a_call(model="unseen")]
        )
    assert [] == await verify(db)
    await fold(db)
    assert [] == await verify(db)
    async with db.read() as session:
        rows = await session.execute(select(*CELL_COLUMNS).where(U.scope == Scope.CROSS.value))
        cells = dict(map(cell_of, rows))
    assert MAX_VALUES + 1 == len(cells)
    day = int(NOW.timestamp()) // 86_400
    assert 82 == cells[CellKey(Scope.CROSS, Level.DAY, day, 0, 0, OTHER, "", "default")]["calls"]
    assert 183 == sum(each["calls"] for each in cells.values())


async def test_bounds_environments(db: Database) -> None:
    """Beyond a hundred in all they are `(other)` in every cell; nothing is lost, nothing drifts."""
    async with db.write() as session:
        prompt = (await stock(session, "a")).prompts[1]
    for start in (0, 60, 120):
        async with db.write() as session:
            for number in range(start, start + 60):
                environment = f"env-{number:03}"
                await store_calls(session, [a_call(NOW + start * HOUR, prompt, environment=environment)])
        await fold(db)
    async with db.write() as session:
        late = [a_call(environment=e) for e in ("env-005", "env-170", "unseen")]
        await store_calls(session, [*late, a_call(prompt_id=prompt, environment="env-171")])
    assert [] == await verify(db)
    await fold(db)
    assert [] == await verify(db)
    async with db.read() as session:
        rows = await session.execute(select(*CELL_COLUMNS).where(U.level == Level.TOTAL.value))
        cells = dict(map(cell_of, rows))
    for scope, calls in ((Scope.ALL, 184), (Scope.PROMPT, 184), (Scope.AGENT, 184)):
        of_scope = {key: each["calls"] for key, each in cells.items() if key.scope is scope}
        assert calls == sum(of_scope.values())
        assert MAX_ENVIRONMENTS + 1 == len({key.environment for key in of_scope})
    assert 83 == cells[CellKey(Scope.ALL, Level.TOTAL, 0, 0, 0, "", "", OTHER)]["calls"]


async def test_bounds_names_of_scores(db: Database) -> None:
    """Beyond a hundred in a cell they are `(other)`, corrections of such too; nothing drifts."""
    call = a_call()
    for start in (0, 60, 120):
        async with db.write() as session:
            if not start:
                await store_calls(session, [call])
            for number in range(start, start + 60):
                await score(session, call, f"name-{number:03}", 1)
        await fold(db)
    assert [] == await verify(db)
    async with db.write() as session:
        await score(session, call, "name-170", 3)
        await score(session, call, "name-003", 2)
    assert [] == await verify(db)
    await fold(db)
    assert [] == await verify(db)
    async with db.read() as session:
        [answer] = await metrics(session, [MetricsKey()], ["scores"])
    scores = answer.figures.scores
    assert (MAX_SCORES + 1, (80, 82 * 10**9)) == (len(scores), scores[REST])


async def test_sum_beyond_64_bits_is_refused(db: Database) -> None:
    """No wrong number is answered; what can be counted exactly still is, and recording goes on."""
    dear = INT64 // 3
    for number in range(4):
        async with db.write() as session:
            await store_calls(session, [a_call(NOW + number * HOUR, cost_nano_usd=dear)])
        await fold(db)
    async with db.read() as session:
        with pytest.raises(InvalidInputError, match="shorter window"):
            await metrics(session, [MetricsKey()])
        assert 4 == (await metrics(session, [MetricsKey()], ["calls"]))[0].figures["calls"]
        window = Window(NOW, NOW + 2 * HOUR)
        [answer] = await metrics(session, [MetricsKey(window=window)])
    assert 2 * dear == answer.figures["cost_nano_usd"]
    assert [] == await verify(db)


async def test_verify_says_that_a_rebuild_is_due(db: Database) -> None:
    """Adopted calls that no figure counts are a finding, though nothing drifts yet; a rebuild settles it."""
    async with db.write() as session:
        await store_calls(session, [a_call()])
        await session.execute(ROLLUP_STATE.update().values(rebuild=DUE))
    with pytest.raises(InvalidRollupError, match="promptgraph rollup rebuild"):
        await verify(db)
    assert 1 == await rebuild(db)
    assert [] == await verify(db)


async def test_reads_a_ledger_of_any_length(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, for readers and for verify."""
    monkeypatch.setattr("promptgraph.store.ledger_rows.PAGE", 3)
    for number in range(9):
        async with db.write() as session:
            await store_calls(session, [a_call(NOW + number * HOUR)])
        assert number + 1 == await calls_counted(db)
    assert [] == await verify(db)


async def test_takes_no_more_cells_than_a_transaction_may(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of many cells are folded some at a time, one at least; of the same cells all at once."""
    monkeypatch.setattr("promptgraph.store.rollups.FOLD_CELLS", {"sqlite": 5, "postgresql": 5})
    for number in range(3):
        async with db.write() as session:
            await store_calls(
                session, [a_call(NOW + hour * HOUR) for hour in range(4 * number, 4 * number + 4)]
            )
    assert [1, 1, 1, 0] == [await fold(db) for _ in range(4)]
    for _ in range(9):
        async with db.write() as session:
            await store_calls(session, [a_call(NOW + hour * HOUR) for hour in range(5)])
    assert [9, 0] == [await fold(db) for _ in range(2)]
    assert [] == await verify(db)


@pytest.mark.parametrize("measure", ["calls", "latency_us", "first_call_us"])
async def test_finds_planted_drift(db: Database, measure: str) -> None:
    """A cell that says something else is named, with both values."""
    async with db.write() as session:
        await store_calls(session, [a_call(), a_call(NOW + 30 * HOUR)])
    await fold(db)
    where = (U.scope == Scope.PROMPT.value, U.level == Level.HOUR.value)
    async with db.write() as session:
        await session.execute(ROLLUPS.update().where(*where).values({measure: U[measure] + 1}))
    drifts = await verify(db)
    assert {(Scope.PROMPT, Level.HOUR, measure)} == {
        (each.cell.scope, each.cell.level, each.measure) for each in drifts
    }
    assert [1, 1] == [int(each.stored) - int(each.expected) for each in drifts]


async def test_finds_cells_without_calls_and_calls_without_cells(db: Database) -> None:
    """What is too much or missing altogether is drift as well."""
    async with db.write() as session:
        await store_calls(session, [a_call(), a_call(NOW + 48 * HOUR)])
    await fold(db)
    async with db.write() as session:
        await session.execute(ROLLUPS.delete().where(U.level == Level.HOUR.value, U.scope == 0))
        moved = ROLLUPS.update().where(U.level == Level.DAY.value, U.scope == 0)
        await session.execute(moved.values(period=U.period + 1))
    cells = {(each.cell.level, each.cell.period) for each in await verify(db)}
    day = int(NOW.timestamp()) // 86_400
    hour = int(NOW.timestamp()) // 3_600
    days = {(Level.DAY, day + n) for n in (0, 1, 2, 3)}
    assert days | {(Level.HOUR, hour), (Level.HOUR, hour + 48)} == cells


async def test_cells_hold_every_measure(db: Database) -> None:
    """The table has the columns of the declaration, in its order."""
    assert ALL == tuple(column.name for column in list(ROLLUPS.c)[-len(ALL) :])
    _ = db, MetricsFilter, OwnerKind
