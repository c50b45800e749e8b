"""Scores: the last one counts, and the figures follow."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import text

from promptgraph.domain.score import NewScore, Score
from promptgraph.domain.sums import summed
from promptgraph.store.database import Database
from promptgraph.store.scores import put_scores, scores_by_call
from tests.conftest import Statements
from tests.store.call_stock import NOON, call, deltas, store_calls

LATER = NOON + dt.timedelta(hours=1)


def score(number: int, name: str = "quality", value: float | None = 0.5, **more: Any) -> NewScore:
    return NewScore(call_id=UUID(int=number), name=name, value=value, **more)


async def put(db: Database, *rows: NewScore, at: dt.datetime = NOON) -> list[Score | None]:
    async with db.write() as session:
        return await put_scores(session, rows, at)


async def tallies(db: Database) -> dict[str, tuple[int, int]]:
    async with db.read() as session:
        return summed(await deltas(session))[()].scores


async def held(db: Database, number: int) -> list[tuple[str, str, float | None]]:
    async with db.read() as session:
        (found,) = await scores_by_call(session, [UUID(int=number)])
    return [(each.name, each.source, each.value) for each in found]


async def test_scores_are_stored_and_counted(db: Database) -> None:
    """By name and source; a call that is not there has none; a label alone counts in no mean."""
    async with db.write() as session:
        await store_calls(session, [call(1), call(2, model="other")])
    rows = [
        score(1),
        score(1, source="human", value=1.0),
        score(2, value=-0.1),
        score(9),
        score(2, "verdict", None, label="good"),
    ]
    answered = await put(db, *rows)
    assert [True, True, True, False, True] == [each is not None for each in answered]
    assert [("quality", "api", 0.5), ("quality", "human", 1.0)] == await held(db, 1)
    assert [("quality", "api", -0.1), ("verdict", "api", None)] == await held(db, 2)
    assert [] == await held(db, 9)
    assert {"quality": (3, 1_400_000_000)} == await tallies(db)


async def test_last_score_wins(db: Database) -> None:
    """In one batch and later; the figures hold the last value alone, exactly."""
    async with db.write() as session:
        await store_calls(session, [call(1)])
    first = await put(db, score(1, value=0.1), score(1, value=0.2, comment="better"))
    assert first[0] == first[1] and first[0] is not None and "better" == first[0].comment
    assert {"quality": (1, 200_000_000)} == await tallies(db)
    await put(db, score(1, value=0.7))
    assert {"quality": (1, 700_000_000)} == await tallies(db)
    await put(db, score(1, value=None, label="none"))
    assert {} == await tallies(db)
    await put(db, score(1, value=1 / 3))
    assert {"quality": (1, 333_333_333)} == await tallies(db)


async def test_same_score_again_changes_nothing(db: Database, statements: Statements) -> None:
    """A retry keeps the instant of the first and writes no ledger row."""
    async with db.write() as session:
        await store_calls(session, [call(1)])
    first = await put(db, score(1))
    with statements.counted(2):
        again = await put(db, score(1), at=LATER)
    assert first == again
    (changed,) = await put(db, score(1, value=0.6), at=LATER)
    assert changed is not None and LATER == changed.created_at


async def test_nothing_to_score(db: Database) -> None:
    """No rows, or none whose call is there."""
    assert [] == await put(db)
    assert [None] == await put(db, score(1))


async def test_two_that_score_one_call_at_once(db: Database, url: str) -> None:
    """The second sees what the first changed: the figures hold one value."""
    async with db.write() as session:
        await store_calls(session, [call(n) for n in range(1, 6)])
    others = [Database(url) for _ in range(4)]
    await asyncio.gather(
        *(
            put(other, *(score(n, value=float(place)) for n in range(1, 6)))
            for place, other in enumerate(others)
        )
    )
    ((_, _, value), *_) = await held(db, 1)
    assert value is not None
    kept = [(await held(db, n))[0][2] for n in range(1, 6)]
    assert {"quality": (5, round(sum(each or 0 for each in kept) * 10**9))} == await tallies(db)
    for other in others:
        await other.close()


async def test_scores_go_with_their_call(db: Database) -> None:
    """A call that is deleted leaves no score behind."""
    async with db.write() as session:
        await store_calls(session, [call(1)])
        await put_scores(session, [score(1)], NOON)
        await session.execute(text("DELETE FROM llm_calls"))
    assert [] == await held(db, 1)
