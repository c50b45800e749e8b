"""Invented calls and their recording."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from statistics import fmean

from promptgraph.domain.call import CallStatus, NewCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.metrics_key import MetricsKey, OwnerKind
from promptgraph.domain.prompt import Prompt
from promptgraph.record.invention import (
    ENVIRONMENTS,
    MARK,
    OUTAGE_HOURS,
    OUTAGE_MODEL,
    RELEASE,
    Part,
    Version,
    invented_day,
    is_outage,
)
from promptgraph.record.recorder import Recorder
from promptgraph.record.simulation import Simulated, cast_of, simulate
from promptgraph.store.call_stream import newest_calls
from promptgraph.store.calls import contents_by_call
from promptgraph.store.database import Database
from promptgraph.store.drift import verify
from promptgraph.store.metrics import metrics
from promptgraph.store.scores import scores_by_call
from tests.store.stock import stock, stock_agent, use

PARTS = [
    Part((Version("old", "gpt-5-mini"), Version("new", "gpt-5-mini")), ("bot", "other-bot")),
    Part((Version("only", None),), ("bot",)),
]
LAST = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC)
MONTH = [one for ago in range(30) for one in invented_day(PARTS, LAST.date() - dt.timedelta(days=ago))]
CALLS = [one.call for one in MONTH]


def of(version: str, *, outage: bool = False) -> list[NewCall]:
    return [
        call
        for call in CALLS
        if call.prompt_id == version and call.started_at is not None and is_outage(call.started_at) is outage
    ]


def failed(calls: list[NewCall]) -> float:
    return sum(call.status == CallStatus.ERROR for call in calls) / len(calls)


def mean(calls: list[NewCall], name: str) -> float:
    return fmean(getattr(call, name) for call in calls)


def test_invents_the_same_day_again() -> None:
    """A day is what it was, whenever it is asked for; no two calls have an id."""
    day = LAST.date()
    assert invented_day(PARTS, day) == invented_day(PARTS, day)
    assert len(MONTH) == len({one.call_id for one in MONTH})


def test_keeps_ids_and_starts_when_prompts_change() -> None:
    """Calls of days that were recorded are found again, whatever prompts there are by now."""
    day = LAST.date()
    before, after = invented_day(PARTS, day), invented_day(PARTS[:1], day)
    assert [one[:2] for one in before] == [one[:2] for one in after]


def test_makes_two_versions_that_differ() -> None:
    """The new one is clearly faster, shorter and fails less; so is the picture that a reader sees."""
    old, new = of("old"), of("new")
    assert min(len(old), len(new)) > 300
    assert mean(old, "latency_ms") > 1.4 * mean(new, "latency_ms")
    assert mean(old, "output_tokens") > 1.4 * mean(new, "output_tokens")
    assert failed(old) > 2 * failed(new)


def test_has_an_outage_of_two_hours() -> None:
    """One model fails nearly always, for two hours of one day; others answer."""
    out = [c for c in CALLS if c.started_at and is_outage(c.started_at) and c.model == OUTAGE_MODEL]
    assert failed(out) > 0.7
    assert set(OUTAGE_HOURS) >= {c.started_at.hour for c in out if c.started_at}
    assert 1 == len({c.started_at.date() for c in out if c.started_at})


def test_has_days_and_nights() -> None:
    """By day there is several times as much to do as by night."""
    hours = [call.started_at.hour for call in CALLS if call.started_at]
    assert sum(12 <= hour < 17 for hour in hours) > 4 * sum(hour < 5 for hour in hours)


def test_has_models_agents_environments_and_scores() -> None:
    """There is something to group by, and every call says that it is invented."""
    assert len({call.model for call in CALLS}) > 2
    assert {"bot", "other-bot"} == {call.agent for call in CALLS}
    assert set(ENVIRONMENTS) == {call.environment for call in CALLS}
    assert 0.1 < sum(one.score is not None for one in MONTH) / len(MONTH) < 0.3
    assert {(RELEASE, str(MARK))} == {(call.release, str(call.metadata)) for call in CALLS}
    assert all(one.started_at < later.started_at for one, later in pairwise(invented_day(PARTS, LAST.date())))


async def stocked(db: Database, prompt: Prompt) -> None:
    async with db.write() as session:
        await stock(session, "support/answer")
        await stock_agent(session, "support-bot", use("triage", "triage@2", prompt.id))


async def test_casts_the_prompts_there_are(db: Database, prompt: Prompt) -> None:
    """The last two versions of each, called by the agents assigned to them; two versions go first."""
    await stocked(db, prompt)
    async with db.read() as session:
        first, second = await cast_of(session)
    assert (2, ("support-bot",)) == (len(first.versions), first.agents)
    assert (1, ("playground",)) == (len(second.versions), second.agents)


async def test_records_them_as_any_others(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Calls, contents and scores are there, the metrics count them, and the ledger agrees with the calls."""
    await stocked(db, prompt)
    done = await simulate(db, recorder, LAST, days=2)
    async with db.read() as session:
        calls = await newest_calls(session, LlmCallFilter(), 10_000)
        contents = await contents_by_call(session, [call.id for call in calls])
        scores = await scores_by_call(session, [call.id for call in calls])
        (found,) = await metrics(session, [MetricsKey(OwnerKind.ALL)])
    assert Simulated(len(calls), 0) == done
    assert len(calls) == found.figures["calls"] > 100
    assert 0 == found.figures["unlinked_calls"] == found.figures["unpriced_calls"]
    assert all(content is not None and content.metadata == MARK for content in contents)
    assert any(scores)
    assert max(call.started_at for call in calls) <= LAST
    assert [] == await verify(db)


async def test_adds_only_what_came_since(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """The second time nothing is new; a day later there is a day more."""
    await stocked(db, prompt)
    first = await simulate(db, recorder, LAST, days=2)
    assert Simulated(0, first.new) == await simulate(db, recorder, LAST, days=2)
    later = await simulate(db, recorder, LAST + dt.timedelta(days=1), days=3)
    assert first.new == later.known
    assert later.new > 0


async def test_has_nothing_to_do_without_prompts(db: Database, recorder: Recorder) -> None:
    """An empty registry has no calls to invent."""
    assert Simulated() == await simulate(db, recorder, LAST)
