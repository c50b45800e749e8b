"""What subscribers are told: all of it, once, in order, and only what they asked for."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.call import LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.call_ids import new_call_id
from promptgraph.graph import feed
from promptgraph.graph.loaders import Loaders
from promptgraph.store import call_stream
from promptgraph.store.bulk import within
from promptgraph.store.call_writes import add_calls
from promptgraph.store.database import Database
from tests.conftest import Statements
from tests.factories import prompt_yaml
from tests.graph.recording import ANSWER, SUMMARIZE, call, call_id, recorded
from tests.graph.registry import FILES, NOW, ask, pipeline, sync
from tests.graph.subscribing import PATIENCE_S, subscribed, unsubscribed

CALLS = "subscription($f:LlmCallFilter){llmCallRecorded(filter:$f){callId}}"
SYNCED = "subscription($n:[String!]){promptSynced(names:$n){name version retiredAt}}"
MOVED = """subscription($n:[String!],$l:String){promptLabelMoved(names:$n,label:$l){
  name label from{version} to{version} movedBy}}"""
SET = """mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){errors{message}}}"""
UNFIT = 'subscription{llmCallRecorded{callId prompt{diff(against:"x"){impact}}}}'


def ids(*numbers: int) -> list[dict[str, str]]:
    return [{"callId": call_id(number)} for number in numbers]


# ---------------------------------------------------------------- calls


async def test_each_call_comes_once_in_order_with_what_was_selected(stocked: Database) -> None:
    """What was recorded before is left out; a selection reaches as far as a query's."""
    await recorded(stocked, call(1))
    query = "subscription{llmCallRecorded{callId agent{name} prompt{name version family{latest{version}}}}}"
    async with subscribed(stocked, query) as subscriber:
        await recorded(stocked, call(2, agent="support-bot"), call(3, agent="support-bot"))
        await recorded(stocked, call(4, agent="support-bot", promptId=SUMMARIZE))
        found = await subscriber.data(3)
    assert ids(2, 3, 4) == [{"callId": each["callId"]} for each in found]
    assert {
        "callId": call_id(4),
        "agent": {"name": "support-bot"},
        "prompt": {"name": "summarize/thread", "version": 1, "family": {"latest": {"version": 1}}},
    } == found[2]


FITS: dict[str, Any] = {
    "prompts": ["support/answer"],
    "versions": [2, 7],
    "agents": ["support-bot"],
    "models": ["gpt-5-mini"],
    "providers": ["openai"],
    "environments": ["staging"],
    "statuses": ["ERROR"],
    "errorTypes": ["timeout"],
    "conversationId": "c1",
    "userId": "u1",
    "traceId": "t1",
    "minLatencyMs": 250.5,
    "callIds": [call_id(2)],
    "window": {"since": "2026-11-22T09:30:00Z"},
}


async def test_a_filter_lets_through_what_a_query_would(stocked: Database) -> None:
    """Each part of a filter holds for the second call, and not for the first."""
    other = call(1, promptId=SUMMARIZE, agent="else", model="else", provider="else", latencyMs=250.4)
    fitting = call(
        2,
        promptId=ANSWER,
        agent="support-bot",
        environment="staging",
        status="ERROR",
        errorType="timeout",
        conversationId="c1",
        userId="u1",
        traceId="t1",
        latencyMs=250.5,
        startedAt="2026-11-22T09:30:00Z",
    )
    async with AsyncExitStack() as stack:
        narrow = {
            name: await stack.enter_async_context(subscribed(stocked, CALLS, f={name: value}))
            for name, value in FITS.items()
        }
        wide = await stack.enter_async_context(subscribed(stocked, CALLS, f={}))
        await recorded(stocked, other, fitting)
        assert ids(1, 2) == await wide.data(2)
        expected = {name: ids(2)[0] for name in FITS}
        assert expected == {name: await each.datum() for name, each in narrow.items()}


async def test_a_window_that_counts_back_goes_on(stocked: Database) -> None:
    """`last` says how old a call may be that is recorded later; it has no end."""
    async with subscribed(stocked, CALLS, f={"window": {"last": "PT2H"}}) as subscriber:
        await recorded(
            stocked,
            call(1, startedAt="2026-11-22T07:59:59Z"),
            call(2, startedAt="2026-11-22T08:00:00Z"),
            call(3, startedAt="2026-11-22T10:00:01Z"),
        )
        assert ids(2, 3) == await subscriber.data(2)


async def test_a_commit_that_is_late_is_not_missed(stocked: Database) -> None:
    """One that becomes visible seconds after others with a later time is told all the same, once."""
    async with subscribed(stocked, CALLS) as subscriber:
        await recorded(stocked, call(1))
        assert ids(1) == await subscriber.data(1)
        late = LlmCall(id=new_call_id(), prompt_id=None, model="m", started_at=NOW, recorded_at=NOW)
        async with stocked.write() as session:
            at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=25)
            await within(session, partial(add_calls, calls=[late], contents=(), at=at))
        assert [{"callId": str(late.id)}] == await subscriber.data(1)
        await recorded(stocked, call(2))
        assert ids(2) == await subscriber.data(1)


async def test_several_filters_are_looked_at_in_one_statement(
    stocked: Database, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements do not grow with the subscribers; where one would hold too much, there are more."""
    await recorded(stocked, call(1), call(2, environment="staging"))
    keys = [*(LlmCallFilter(environments=(name,)) for name in ("staging", "default")), LlmCallFilter()]
    async with stocked.read() as session:
        some = [each.id for each in await call_stream.newest_calls(session, LlmCallFilter(), 2)]
        with statements.counted(1):
            staging, default, every = await call_stream.calls_for_each(session, some, keys)
        assert (1, 1, 2) == (len(staging), len(default), len(every))
        assert [*staging, *default] == [*reversed(some)]
        monkeypatch.setattr(call_stream, "VALUES", 1)
        with statements.counted(2):
            assert [staging, default, every] == await call_stream.calls_for_each(session, some, keys)


# ---------------------------------------------------------------- the registry


async def test_a_synced_version_comes_with_its_record(stocked: Database) -> None:
    """New versions, changed names and retired ones are told; what a sync found as it was is not."""
    after = {**FILES, "summarize/thread.prompt.yaml": prompt_yaml(2, "Summarize {{ thread }} well")}
    del after["support/answer.prompt.yaml"], after["support/answer@1.prompt.yaml"]
    del after["agents/support-bot.agent.yaml"]
    async with subscribed(stocked, SYNCED) as subscriber:
        await sync(stocked, FILES)
        await sync(stocked, after)
        found = {each["name"]: each for each in await subscriber.data(2)}
    assert {"summarize/thread", "support/answer"} == found.keys()
    assert {"name": "summarize/thread", "version": 2, "retiredAt": None} == found["summarize/thread"]
    assert found["support/answer"]["retiredAt"] is not None
    assert 2 == found["support/answer"]["version"]


async def test_a_name_of_before_is_followed(stocked: Database) -> None:
    """Whoever subscribed by a prompt's former name is told of the prompt, and of no other."""
    later = {
        **FILES,
        "support/triage.prompt.yaml": FILES["support/triage.prompt.yaml"].replace("a queue.", "one queue."),
        "summarize/thread.prompt.yaml": prompt_yaml(2, "Summarize {{ thread }} well"),
    }
    async with subscribed(stocked, SYNCED, n=["support/route"]) as subscriber:
        await sync(stocked, later)
        assert {"name": "support/triage", "version": 2, "retiredAt": None} == await subscriber.datum()
        await sync(stocked, FILES | {"summarize/thread.prompt.yaml": later["summarize/thread.prompt.yaml"]})
        assert "support/triage" == (await subscriber.datum())["name"]


async def test_a_moved_label_comes_with_both_versions(stocked: Database) -> None:
    """Moves by hand and by a sync are told alike; a filter asks for names and for one label."""
    async with (
        subscribed(stocked, MOVED) as every,
        subscribed(stocked, MOVED, l="beta") as labelled,
        subscribed(stocked, MOVED, n=["support/route"]) as named,
    ):
        for name, label in (("support/answer", "beta"), ("support/answer", "gamma")):
            await ask(stocked, SET, i={"name": name, "label": label, "version": 1})
        await sync(stocked, FILES | {"labels.yaml": "production: {support/triage: 2}\n"}, author="Ann")
        by_hand = {"name": "support/answer", "from": None, "to": {"version": 1}, "movedBy": "api"}
        by_sync = {"name": "support/triage", "label": "production", "movedBy": "Ann"}
        production = by_sync | {"from": {"version": 1}, "to": {"version": 2}}
        staging = by_sync | {"label": "staging", "from": {"version": 2}, "to": None}
        moves = await every.data(4)
        assert [by_hand | {"label": "beta"}, by_hand | {"label": "gamma"}] == moves[:2]
        assert [by_hand | {"label": "beta"}] == await labelled.data(1)
        assert moves[2:] == await named.data(2)
        assert production in moves
        assert staging in moves


# ---------------------------------------------------------------- refusals, faults, bounds


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("subscription{llmCallRecorded(filter:{minLatencyMs:-1}){callId}}", "filter.minLatencyMs"),
        ('subscription{llmCallRecorded(filter:{window:{last:"soon"}}){callId}}', "filter.window.last"),
        ('subscription{promptLabelMoved(label:"No label!"){name}}', "label"),
        (f'subscription{{promptSynced(names:["{"x" * 201}"]){{name}}}}', "names[0]"),
        ("subscription{llmCallRecorded{callId} promptSynced{name}}", None),
        ("subscription($f:LlmCallFilter){llmCallRecorded(filter:$f){callId} }", None),
    ],
    ids=["latency", "duration", "label", "long name", "two fields", "variable"],
)
async def test_what_cannot_be_is_refused_at_once(empty: Database, query: str, field: str | None) -> None:
    """A subscription that asks for nothing that can be never begins."""
    variables = {"f": 3} if "$f" in query else {}
    assert [("INVALID_INPUT", field)] == await unsubscribed(empty, query, **variables)


async def test_an_event_that_fails_is_answered_and_the_next_one_comes(stocked: Database) -> None:
    """Errors of a selection end nothing."""
    async with subscribed(stocked, UNFIT) as subscriber:
        await recorded(stocked, call(1), call(2))
        for number in (1, 2):
            payload = await subscriber.payload()
            assert ["INVALID_INPUT"] == [error["extensions"]["code"] for error in payload["errors"]]
            assert {"callId": call_id(number), "prompt": {"diff": None}} == payload["data"]["llmCallRecorded"]


async def test_an_event_that_takes_too_long_is_given_up_alone(stocked: Database) -> None:
    """The time limit holds for each event; the subscription goes on."""
    query = "subscription{llmCallRecorded{callId prompt{name}}}"
    async with subscribed(stocked, query, line=pipeline(stocked, seconds=0)) as subscriber:
        for number in (1, 2):
            await recorded(stocked, call(number))
            assert "UNAVAILABLE" == (await subscriber.payload())["errors"][0]["extensions"]["code"]


async def test_a_slow_subscriber_is_told_that_events_were_missed(
    stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded; the last answer says so, and others miss nothing."""
    monkeypatch.setattr(feed, "WAITING", 3)
    only_some = {"environments": ["staging"]}
    async with (
        subscribed(stocked, CALLS) as slow,
        subscribed(stocked, CALLS, f=only_some) as other,
    ):
        rows = [call(number, environment="staging" if number < 4 else "default") for number in range(1, 5)]
        await recorded(stocked, *rows)
        assert ids(1, 2, 3) == await other.data(3)
        payload = await slow.payload()
        assert "EVENTS_MISSED" == payload["errors"][0]["extensions"]["code"]
        assert payload["data"] is None
        assert await slow.ends()


async def test_subscribers_read_together(stocked: Database, statements: Statements) -> None:
    """What five subscribers select of a hundred calls takes the statements that it takes one of them."""
    query = "subscription{llmCallRecorded{callId prompt{name}}}"
    line = pipeline(stocked)

    async def read(count: int, first: int) -> int:
        async with AsyncExitStack() as stack:
            subscribers = [
                await stack.enter_async_context(subscribed(stocked, query, line=line)) for _ in range(count)
            ]
            await recorded(stocked, *(call(number) for number in range(first, first + 100)))
            before = len(statements)
            await asyncio.gather(*(each.data(100) for each in subscribers))
            return len([sent for sent in statements[before:] if "prompts.messages" in sent])

    alone = await read(1, 1)
    assert 1 <= alone
    assert await read(5, 200) <= alone + 1  # a pause of the machine may part them once


async def test_who_stops_waiting_stops_nobody_else(stocked: Database) -> None:
    """A load that several wait for outlives each of them."""
    load = Loaders(stocked.read)
    both = [asyncio.ensure_future(load.family_by_name.load("support/answer")) for _ in range(2)]
    waiting = [asyncio.create_task(asyncio.wait_for(each, PATIENCE_S)) for each in both]
    await asyncio.sleep(0)
    waiting[0].cancel()
    given_up, found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(given_up, asyncio.CancelledError)
    assert not isinstance(found, BaseException)


async def test_a_database_out_of_reach_is_said_at_once(tmp_path: Path) -> None:
    """A subscription that cannot begin is refused, to be tried again."""
    db = Database(f"sqlite:///{tmp_path}/none.db")
    assert [("UNAVAILABLE", None)] == await unsubscribed(db, CALLS)
    assert [("UNAVAILABLE", None)] == await unsubscribed(db, SYNCED)
    await db.close()
