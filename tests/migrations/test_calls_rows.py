"""Calls of old become the registry's, and go back: every row is accounted for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import pytest
from sqlalchemy import func, select, text

from promptgraph.domain.call import ContentState, LlmCall
from promptgraph.store import legacy, migrate
from promptgraph.store.bulk import insert_rows, within
from promptgraph.store.call_records import CALL_COLUMNS, call_of, call_values
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, LLM_CALLS, ROLLUP_STATE, C
from promptgraph.store.database import Database
from promptgraph.store.tables import ORPHANS
from tests.migrations.legacy_rows import rows_of
from tests.migrations.modules import load
from tests.migrations.rails import BEGAN, NO_AGENT, PROMPTS, STATUSES, Dump, Expected, at, dump, expected
from tests.migrations.rails import load as load_dump

SMALL = 404
MANY = 5_000
"""Some pages of rows; bench/legacy.py takes the same road with 200 000."""
rules = load("legacy_calls")


Adopts: TypeAlias = Callable[[Dump], Awaitable[Database]]


@pytest.fixture
async def old(empty_url: str) -> AsyncIterator[Database]:
    """A database without a table, for what comes from elsewhere."""
    db = Database(empty_url, patience=600)
    yield db
    await db.close()


@pytest.fixture
def adopt(old: Database) -> Adopts:
    """Loads a dump, and brings it to head."""

    async def adopted(rows: Dump) -> Database:
        await load_dump(old, rows)
        await migrate.upgrade(old)
        return old

    return adopted


async def calls_of(db: Database) -> dict[int, LlmCall]:
    """Every adopted call, by its id of old."""
    async with db.read() as session:
        found = [call_of(row) for row in await session.execute(select(*CALL_COLUMNS))]
    return {call.legacy_id: call for call in found if call.legacy_id is not None}


async def orphans_of(db: Database) -> Counter[tuple[str, str]]:
    async with db.read() as session:
        stmt = select(ORPHANS.c.subject, ORPHANS.c.reason, func.count()).group_by(*ORPHANS.c[1:4:2])
        return Counter({(row[0], row[1]): row[2] for row in await session.execute(stmt)})


async def test_every_call_is_there_with_its_link(adopt: Adopts) -> None:
    """Ids, prompts, kept texts and states are what plain loops over the rows of old say."""
    rows = dump(SMALL)
    wanted = expected(rows)
    db = await adopt(rows)
    calls = await calls_of(db)
    assert list(range(1, SMALL + 1)) == sorted(calls)
    assert {id_: uuid.uuid5(rules.NAMESPACE, str(id_)) for id_ in calls} == {
        i: c.id for i, c in calls.items()
    }
    assert wanted.prompt_of == {id_: c.prompt_id for id_, c in calls.items() if c.prompt_id is not None}
    texts = {id_: c.legacy_prompt_text for id_, c in calls.items() if c.legacy_prompt_text is not None}
    assert wanted.text_of == texts
    assert wanted.statuses == Counter(call.status.value for call in calls.values())
    assert [] == await migrate.drift(db)


async def test_every_value_finds_its_column(adopt: Adopts) -> None:
    """Numbers, times, agents and outputs are the row's own; what cannot be is left out."""
    rows = dump(SMALL)
    db = await adopt(rows)
    calls = await calls_of(db)
    for old in rows.llm_calls:
        call, id_ = calls[old["id"]], old["id"]
        tokens = old["input_tokens"] if (old["input_tokens"] or 0) >= 0 else None
        assert (tokens, old["output_tokens"]) == (call.input_tokens, call.output_tokens)
        assert old["latency_ms"] == (None if call.latency_us is None else call.latency_us / 1000)
        assert (old["model"] or "unknown") == call.model
        used = id_ % 3 + 1 if id_ % 10 < 6 else None
        agent = None if old["agent_id"] == NO_AGENT else old["agent_id"] or used
        assert agent == call.agent_id
        assert ("default", (), None) == (call.environment, call.finish_reasons, call.cost_source)
        state = ContentState.NONE if old["response"] is None else ContentState.FULL
        assert state is call.content_state
    async with db.read() as session:
        outputs = dict((await session.execute(select(CALL_CONTENTS.c.call_id, CALL_CONTENTS.c.output))).all())
    assert {c.id for c in calls.values() if c.content_state is ContentState.FULL} == outputs.keys()
    assert 'Answer 12 "ü"\n' == outputs[calls[12].id]


async def test_times_are_their_own_or_the_nearest(adopt: Adopts) -> None:
    """A missing time is that of the usage, else that of the call before; all count as UTC."""
    db = await adopt(dump(SMALL))
    calls = await calls_of(db)
    assert at(12).replace(tzinfo=dt.UTC) == calls[12].started_at == calls[12].recorded_at
    assert at(101).replace(tzinfo=dt.UTC) == calls[101].started_at  # its usage's
    assert at(302).replace(tzinfo=dt.UTC) == calls[302].started_at
    assert calls[302].started_at > calls[303 - 2].started_at


async def test_scores_are_the_last_evaluations(adopt: Adopts) -> None:
    """One score per call, of its last evaluation; the earlier ones are kept apart."""
    rows = dump(SMALL)
    wanted = expected(rows)
    db = await adopt(rows)
    ids = {call.id: id_ for id_, call in (await calls_of(db)).items()}
    async with db.read() as session:
        scores = (await session.execute(select(CALL_SCORES))).all()
    assert {("evaluation", "legacy")} == {(score.name, score.source) for score in scores}
    assert wanted.scores == {ids[score.call_id]: score.value for score in scores}


def orphans_wanted(rows: Dump, wanted: Expected) -> dict[tuple[str, str], int]:
    odd = [r for r in rows.llm_calls if is_odd(r)]
    return {
        ("llm_calls", rules.ODD): len(odd),
        ("prompt_usages", rules.LATER): wanted.later,
        ("prompt_usages", rules.NO_CALL): wanted.without_call,
        ("prompt_usages", rules.NO_PROMPT): wanted.without_prompt,
        ("prompt_evaluations", rules.EARLIER): wanted.earlier,
        ("prompt_evaluations", rules.NO_CALL): 2,
    }


def is_odd(row: dict[str, Any]) -> bool:
    return row["created_at"] is None or row["agent_id"] == NO_AGENT or row["input_tokens"] == -1


async def test_nothing_is_lost_unnamed(adopt: Adopts) -> None:
    """What has no place stands in legacy_orphans, each sort of it in the report, with ids."""
    rows = dump(SMALL)
    wanted = orphans_wanted(rows, expected(rows))
    weird = sum(row["status"] == "weird" for row in rows.llm_calls)
    db = await adopt(rows)
    assert wanted == await orphans_of(db)
    async with db.read() as session:
        notes = [note for note in await migrate.legacy_notes(session) if note.legacy_id is None]
        later = (await session.scalars(select(ORPHANS.c.row).where(ORPHANS.c.reason == rules.LATER))).all()
    told = "\n".join(f"{note.subject}: {note.note}" for note in notes)
    assert "prompt_usage: Usages of a call that is not there: 5. They are kept in legacy_orphans;" in told
    sentence = "llm_call: Calls with the status {}, which is not in the list and became ERROR: {}."
    assert sentence.format("weird", weird) in told
    assert sentence.format("(none)", 9) in told
    assert {10: 6, 20: 8}.items() <= {row["llm_call_id"]: row["prompt_id"] for row in later}.items()


async def test_figures_are_marked_to_be_made_anew(adopt: Adopts) -> None:
    """The rollups do not count adopted calls before a rebuild; a new database needs none."""
    db = await adopt(dump(SMALL))
    async with db.read() as session:
        assert "due" == await session.scalar(select(ROLLUP_STATE.c.rebuild))


async def test_new_database_has_nothing_to_be_made_anew(db: Database) -> None:
    """Without a row of old there is no note, no orphan and no rebuild."""
    async with db.read() as session:
        assert None is await session.scalar(select(ROLLUP_STATE.c.rebuild))
        assert [] == await migrate.legacy_notes(session)


async def test_way_back_loses_no_call(adopt: Adopts) -> None:
    """Down: ids, links, values and orphans are those of old; new calls come after the highest id."""
    rows = dump(SMALL)
    wanted = expected(rows)
    db = await adopt(rows)
    new = [recorded(1, 5), recorded(2, None)]
    async with db.write() as session:
        await within(session, partial(insert_rows, columns=CALL_COLUMNS, rows=[*map(call_values, new)]))
    await migrate.downgrade(db, "legacy_baseline")
    calls = await rows_of(db, "llm_calls")
    highest = SMALL + 7  # a usage names it
    assert [*range(1, SMALL + 1), highest + 1, highest + 2] == [row["id"] for row in calls]
    same = ("agent_id", "response", "input_tokens", "output_tokens", "latency_ms", "model")
    for old, row in zip(rows.llm_calls, calls, strict=False):
        for name in same:
            kept = old[name] if name != "agent_id" or old[name] is not None else row[name]
            assert (old["id"], name, kept) == (old["id"], name, row[name])
        ok = STATUSES.get(old["status"]) == "OK"
        assert ("ok" if ok else old["status"]) == row["status"]
    usages = Counter((row["llm_call_id"], row["prompt_id"]) for row in await rows_of(db, "prompt_usages"))
    by_text = {(id_, wanted.prompt_of[id_]) for id_ in wanted.prompt_of if id_ % 10 == 7}
    assert usages == Counter(
        [(row["llm_call_id"], row["prompt_id"]) for row in rows.prompt_usages] + [*by_text, (highest + 1, 5)]
    )
    scores = Counter((row["llm_call_id"], row["score"]) for row in await rows_of(db, "prompt_evaluations"))
    assert Counter((row["llm_call_id"], row["score"]) for row in rows.prompt_evaluations) == scores
    assert [row["prompt"] for row in rows.llm_calls if row["id"] in wanted.text_of] == [
        row["prompt"] for row in calls if row["id"] in wanted.text_of
    ]


def recorded(number: int, prompt_id: int | None) -> LlmCall:
    now = dt.datetime(2026, 1, number, tzinfo=dt.UTC)
    return LlmCall(id=uuid.UUID(int=number), model="m", prompt_id=prompt_id, started_at=now, recorded_at=now)


async def test_up_again_links_as_before(adopt: Adopts) -> None:
    """Up, down, up: the same calls, the same links."""
    db = await adopt(dump(SMALL))
    first = {id_: (call.id, call.prompt_id, call.status) for id_, call in (await calls_of(db)).items()}
    await migrate.downgrade(db, "registry_rows")
    await migrate.upgrade(db)
    second = {id_: (call.id, call.prompt_id, call.status) for id_, call in (await calls_of(db)).items()}
    assert first == second
    assert [] == await migrate.drift(db)


async def test_many_calls_are_counted_and_linked(old: Database) -> None:
    """Inspected, up and down: what was foreseen, what came, and what is there again are equal in number."""
    rows = dump(MANY)
    wanted = expected(rows)
    db = old
    await load_dump(db, rows)
    foreseen = await legacy.inspected(db)
    assert (wanted.by_usage, wanted.by_text) == (
        foreseen.counts["linkedByUsage"],
        foreseen.counts["linkedByText"],
    )
    done = await legacy.adopted(db)
    assert {
        "prompts": PROMPTS,
        "agents": 3,
        "llm_calls": MANY,
        "linked": len(wanted.prompt_of),
        "call_scores": len(wanted.scores),
        "legacy_orphans": sum(orphans_wanted(rows, wanted).values()),
    } == done.rows
    async with db.read() as session:
        per_prompt = select(C.prompt_id, func.count()).where(C.prompt_id.is_not(None)).group_by(C.prompt_id)
        assert Counter(wanted.prompt_of.values()) == dict((await session.execute(per_prompt)).all())
        assert MANY == await session.scalar(select(func.count()).select_from(LLM_CALLS))
    await migrate.downgrade(db, "legacy_baseline")
    async with db.read() as session:
        counts = {
            name: await session.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608  # names of this file
            for name in ("llm_calls", "prompt_usages", "prompt_evaluations")
        }
    assert {
        "llm_calls": MANY,
        "prompt_usages": len(rows.prompt_usages) + wanted.by_text,
        "prompt_evaluations": len(rows.prompt_evaluations),
    } == counts


@pytest.mark.parametrize(
    ("status", "became"),
    [
        ("ok", ("OK", None)),
        (" Success ", ("OK", None)),
        ("COMPLETED", ("OK", None)),
        (200, ("OK", None)),
        ("failed", ("ERROR", "failed")),
        ("timed_out", ("ERROR", "timed_out")),
        ("what?\0\n", ("ERROR", "what?")),
        ("", ("ERROR", None)),
        (None, ("ERROR", None)),
        (0, ("ERROR", "0")),
    ],
    ids=repr,
)
def test_status_is_of_the_list_or_an_error(status: object, became: tuple[str, str | None]) -> None:
    """A word that is not in the list is an ERROR; of errors the word of old stays."""
    work = rules.Work(None, {}, rules.Tally.empty(), None, None)
    assert became == rules.outcome(work, status)


@pytest.mark.parametrize(
    ("ms", "us"),
    [
        (0, 0),
        (12, 12_000),
        ("0.0005", 0),
        ("0.0015", 2),
        (1.25, 1250),
        (-1, None),
        ("NaN", None),
        (1e12, None),
    ],
    ids=repr,
)
def test_latency_is_whole_microseconds(ms: object, us: int | None) -> None:
    """Half to even; what is impossible is left out and kept as a value without a place."""
    odd: dict[str, Any] = {}
    assert us == rules.latency({"latency_ms": ms}, odd)
    assert ({} if us is not None else {"latency_ms": ms}) == odd


def test_began_is_no_round_time() -> None:
    """The dump's times have microseconds, so that losing them would show."""
    assert BEGAN.microsecond % 1000
