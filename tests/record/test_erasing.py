"""Erasing: what calls were about is gone from the database, and all that they add up to stays."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from promptgraph.domain.call import CallStatus, ContentState, LlmCall, NewCall, RecordStatus
from promptgraph.domain.erasure import Erasure
from promptgraph.domain.metrics_key import MetricsKey
from promptgraph.domain.score import NewScore
from promptgraph.record import pace
from promptgraph.record.erasing import erasable, erase
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.call_tables import ERASURES, LLM_CALLS, C
from promptgraph.store.calls import calls_by_id, contents_by_call
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.erasures import PERSONAL
from promptgraph.store.metrics import metrics
from promptgraph.store.rebuild import rebuild
from promptgraph.store.rollups import fold
from promptgraph.store.scores import put_scores, scores_by_call
from tests.children import ROOT, surroundings
from tests.record.conftest import now
from tests.record.raw import holds

PERSON, ID = "Mrs. Elvira Stardust", "user-4711-stardust"
KEPT = (
    "status",
    "error_type",
    "model",
    "input_tokens",
    "latency_us",
    "content_hash",
    "started_at",
    "release",
)


@pytest.fixture
async def recorder(db: Database) -> AsyncIterator[Recorder]:
    """One that takes calls without a prompt."""
    made = Recorder(db, PriceBook(), now=now, unlinked=True)
    yield made
    await made.stop()


def new(**more: Any) -> NewCall:
    facts: dict[str, Any] = {
        "call_id": uuid4(),
        "model": "m",
        "status": CallStatus.ERROR,
        "error_type": "timeout",
        "error_message": f"No answer for {PERSON}",
        "input_tokens": 7,
        "latency_ms": 12.5,
        "release": "1.2",
        "rendered_hash": "ab" * 32,
        "user_id": ID,
        "conversation_id": f"{ID}-talk",
        "trace_id": f"{ID}-trace",
        "span_id": f"{ID}-span",
        "variables": {"name": PERSON, "long": PERSON * 500},
        "output": {"to": PERSON},
        "metadata": {"by": PERSON},
    }
    return NewCall(**facts | more)


async def erased(db: Database, **way: Any) -> int:
    """How many were erased."""
    done = 0
    async for done in erase(db, Erasure(reason="asked by mail", **way), by="ann"):  # noqa: B007  # the last counts
        pass
    return done


async def stored(db: Database, *calls: NewCall) -> list[LlmCall]:
    async with db.read() as session:
        found = await calls_by_id(session, [each.call_id or UUID(int=0) for each in calls])
    return [each for each in found if each is not None]


async def figures(db: Database) -> object:
    async with db.read() as session:
        (found,) = await metrics(session, [MetricsKey()])
    return found


async def written(db: Database) -> list[tuple[Any, ...]]:
    """What is written down of erasures, oldest first: who, why, how, how many, and whether it ended."""
    E = ERASURES.c  # noqa: N806  # as the store names columns
    stmt = select(E.erased_by, E.reason, E.named_by, E.calls, E.finished_at).order_by(E.started_at, E.id)
    async with db.read() as session:
        return [(*facts, ended is not None) for *facts, ended in await session.execute(stmt)]


async def talk_about(db: Database, id_: UUID) -> None:
    """What else may be stored of a call: a comment, and a text of old."""
    async with db.write() as session:
        row = NewScore(call_id=id_, name="kind", value=1.0, comment=f"{PERSON} said so")
        await put_scores(session, [row], now())
        await session.execute(update(LLM_CALLS).where(C.id == id_).values(legacy_prompt_text=PERSON))
    while await fold(db):
        pass


WAYS: dict[str, dict[str, Any]] = {
    "user": {"user_id": ID},
    "conversation": {"conversation_id": f"{ID}-talk"},
}


@pytest.mark.parametrize("way", ["call_ids", *WAYS])
async def test_nothing_of_the_person_is_left(db: Database, recorder: Recorder, way: str) -> None:
    """Not in a column, and not in the bytes of SQLite's files; figures, hashes and other calls stay."""
    about = new()
    other = NewCall(model="m", call_id=uuid4(), user_id="other", variables={"name": "Ann"})
    await recorder.record([about, other])
    assert about.call_id is not None
    before, kept = await stored(db, about, other)
    await talk_about(db, about.call_id)
    counted = await figures(db)
    assert await holds(db, PERSON)
    assert await holds(db, ID)

    named = WAYS.get(way, {"call_ids": (about.call_id,)})
    assert 1 == await erasable(db, Erasure(reason="asked", **named))
    assert 1 == await erased(db, **named)

    assert not await holds(db, PERSON)
    assert not await holds(db, ID)
    after, left = await stored(db, about, other)
    assert (ContentState.ERASED, kept) == (after.content_state, left)
    assert dict.fromkeys(PERSONAL) == {name: getattr(after, name) for name in PERSONAL}
    assert [getattr(before, name) for name in KEPT] == [getattr(after, name) for name in KEPT]
    async with db.read() as session:
        assert [None] == await contents_by_call(session, [after.id])
        ((score,),) = await scores_by_call(session, [after.id])
    assert (1.0, None) == (score.value, score.comment)
    assert counted == await figures(db)
    assert [] == await verify(db)
    await rebuild(db)
    assert counted == await figures(db)


async def test_a_retry_stays_a_duplicate_and_brings_nothing_back(db: Database, recorder: Recorder) -> None:
    """However late an outbox delivers it; another call under the id stays a conflict."""
    about = new()
    await recorder.record([about])
    await erased(db, user_id=ID)
    again, other = await recorder.record([about, about._replace(output="other")])
    assert RecordStatus.DUPLICATE == again.status
    assert again.call is not None and ContentState.ERASED == again.call.content_state
    assert other.error is not None and "IDEMPOTENCY_CONFLICT" == other.error.code
    assert not await holds(db, PERSON)
    assert [(None, ContentState.ERASED)] == [
        (each.user_id, each.content_state) for each in await stored(db, about)
    ]


async def test_who_erased_how_many_and_why_is_written_down(db: Database, recorder: Recorder) -> None:
    """But not whose it was; to erase once more erases nothing more, and is written down, too."""
    await recorder.record([new(), new(), new(user_id=None)])
    assert 2 == await erased(db, user_id=ID)
    assert 0 == await erased(db, user_id=ID)
    assert 0 == await erasable(db, Erasure(reason="asked", user_id=ID))
    assert [("ann", "asked by mail", "userId", calls, True) for calls in (2, 0)] == await written(db)


async def test_unknown_calls_are_none(db: Database, recorder: Recorder) -> None:
    """Of several ids those that there are lose what they were about."""
    about = new()
    await recorder.record([about])
    assert about.call_id is not None
    assert 1 == await erased(db, call_ids=(about.call_id, uuid4(), about.call_id))
    assert 0 == await erased(db, user_id="nobody")


async def test_many_go_in_short_transactions(
    db: Database, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few at a time, while others record; what comes meanwhile for the same user goes with them."""
    monkeypatch.setattr(pace, "FIRST_BATCH", 4)
    monkeypatch.setattr(pace, "MOST", 4)
    monkeypatch.setattr(pace, "SECONDS", 3600.0)
    monkeypatch.setattr(pace, "PAUSE_SECONDS", 0.001)
    await recorder.record([new() for _ in range(10)])
    late = new()
    steps: list[int] = []
    async for done in erase(db, Erasure(reason="asked", user_id=ID), by="ann"):
        if not steps:
            await recorder.record([late])
        steps.append(done)
    assert [4, 8, 11] == steps
    assert not await holds(db, PERSON)
    assert [] == await verify(db)


async def test_killed_in_the_middle(db: Database, recorder: Recorder, url: str) -> None:
    """kill -9: whole batches are done and counted, and the next one does the rest."""
    await recorder.record([new() for _ in range(30)])
    words = ("-m", "tests.record.erasing_child", url, ID)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=surroundings(), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    while (line := await process.stdout.readline()).strip() == b"3":
        pass
    process.kill()
    await process.wait()
    assert b"6\n" == line
    ((_, _, _, counted, ended),) = await written(db)
    left = await erasable(db, Erasure(reason="asked", user_id=ID))
    assert (30, False) == (counted + left, ended)
    assert 6 <= counted < 30
    assert left == await erased(db, user_id=ID)
    assert not await holds(db, PERSON)
