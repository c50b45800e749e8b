"""Calls read by id, by page, and by page of many parents at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.call import CallContent, CallStatus, ContentState, CostSource, LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.window import Window
from promptgraph.store.call_owners import CALLS_ORDER
from promptgraph.store.calls import (
    CallsKey,
    calls_by_agent,
    calls_by_family,
    calls_by_id,
    calls_by_prompt,
    calls_page,
    contents_by_call,
    count_calls,
    count_calls_by_agent,
    count_calls_by_family,
    count_calls_by_prompt,
)
from promptgraph.store.database import Database
from promptgraph.store.paging import position_of
from tests.conftest import Statements
from tests.store.call_stock import NOON, call, store_calls
from tests.store.plans import count_rows, plan_of
from tests.store.stock import Stocked, stock, stock_agent

HOUR = dt.timedelta(hours=1)
FULL: dict[str, Any] = {
    "label": "production",
    "environment": "staging",
    "operation": "chat",
    "provider": "openai",
    "response_model": "gpt-4o-2026",
    "response_id": "r-1",
    "release": "1.2",
    "attempt": 2,
    "status": CallStatus.ERROR,
    "error_type": "timeout",
    "error_message": "it took\ntoo long",
    "finish_reasons": ("stop", "length"),
    "tool_call_count": 1,
    "input_tokens": 2**31 - 1,
    "output_tokens": 3,
    "cache_read_input_tokens": 1,
    "cache_write_input_tokens": 2,
    "reasoning_output_tokens": 0,
    "cost_nano_usd": 10**18,
    "cost_source": CostSource.REPORTED,
    "latency_us": 86_400_000_000,
    "time_to_first_token_us": 1,
    "started_at": NOON + dt.timedelta(microseconds=123_456),
    "conversation_id": "c",
    "user_id": "u",
    "trace_id": "t",
    "span_id": "s",
    "content_state": ContentState.FULL,
    "rendered_hash": "ab" * 32,
    "content_hash": "cd" * 32,
    "hash_scheme": 1,
    "legacy_id": 2**40,
    "legacy_prompt_text": "of old",
}


@dataclasses.dataclass
class Stock:
    """Two families with two versions and one, two agents, and calls 1 to 12, one a minute."""

    a: Stocked
    b: Stocked
    agent: int
    other: int
    calls: dict[int, LlmCall]


@pytest.fixture
async def stocked(db: Database) -> Stock:
    async with db.write() as session:
        a, b = await stock(session, "a", (1, 2)), await stock(session, "b")
        agent, other = await stock_agent(session, "bot"), await stock_agent(session, "other")
        prompts = (a.prompts[1], a.prompts[2], b.prompts[1])
        calls = [
            call(
                number,
                prompt_id=prompts[number % 3],
                agent_id=agent if number % 2 else None,
                conversation_id="talk" if number % 5 == 0 else None,
                status=CallStatus.ERROR if number == 7 else CallStatus.OK,
                latency_us=number * 1000,
            )
            for number in range(1, 13)
        ]
        await store_calls(session, calls)
    return Stock(a, b, agent, other, {int(each.id): each for each in calls})


def numbers(page: Any) -> list[int]:
    return [each.id.int for each in page.items]


async def test_call_is_read_as_it_was_written(db: Database) -> None:
    """Every field comes back, at the edges of its range, and so does its absence."""
    async with db.write() as session:
        a, agent = await stock(session, "a"), await stock_agent(session, "bot")
        full = call(1, prompt_id=a.prompts[1], agent_id=agent, **FULL)
        bare = call(2)
        await store_calls(session, [full, bare])
    async with db.read() as session:
        assert [bare, None, full] == await calls_by_id(session, [bare.id, UUID(int=9), full.id])
    told = set(LlmCall._fields) - {"id", "model", "recorded_at"}
    assert told == FULL.keys() | {"prompt_id", "agent_id"}


async def test_contents_are_kept_apart(db: Database) -> None:
    """Contents come back exactly, keys in their order; a call without any has none."""
    about = CallContent(
        call_id=UUID(int=1), variables={"z": [1, 2.5, None], "a": "ö"}, output={"y": True}, metadata={"m": {}}
    )
    null = CallContent(call_id=UUID(int=2), output=None, variables={})
    async with db.write() as session:
        await store_calls(session, [call(1), call(2), call(3)], about, null)
    async with db.read() as session:
        found = await contents_by_call(session, [UUID(int=3), UUID(int=1), UUID(int=2)])
    assert [None, about, null] == found
    assert list(found[1].variables or ()) == ["z", "a"]  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("output", [0, 1, -2.5, 2**53 - 1, "1", "", True, False, [], {}], ids=repr)
async def test_any_json_is_an_output(db: Database, output: Json) -> None:
    """A number alone, too."""
    about = CallContent(call_id=UUID(int=1), output=output, hashes={"key": "k"}, redacted=("output",))
    async with db.write() as session:
        await store_calls(session, [call(1)], about)
    async with db.read() as session:
        (found,) = await contents_by_call(session, [UUID(int=1)])
    assert about == found
    assert found is not None and type(output) is type(found.output)


@pytest.mark.usefixtures("stocked")
async def test_page_goes_from_the_newest_to_the_oldest(db: Database) -> None:
    """Forwards and backwards by cursor, with honest ends."""
    seen: list[int] = []
    after = None
    async with db.read() as session:
        while True:
            page = await calls_page(session, LlmCallFilter(), PageArgs(5, after=after))
            assert bool(seen) == page.has_previous
            seen += numbers(page)
            if not page.has_next:
                break
            after = position_of(CALLS_ORDER, page.items[-1])
        oldest = await calls_page(session, LlmCallFilter(), PageArgs(2, backward=True))
        before = position_of(CALLS_ORDER, oldest.items[0])
        nearer = await calls_page(session, LlmCallFilter(), PageArgs(2, backward=True, before=before))
    assert [*range(12, 0, -1)] == seen
    assert [2, 1] == numbers(oldest) and oldest.has_previous and not oldest.has_next
    assert [4, 3] == numbers(nearer) and nearer.has_previous and nearer.has_next


async def test_ties_go_by_id(db: Database) -> None:
    """Calls that started at the same instant have one order on both databases, that of their ids' bytes."""
    same = [call(number, started_at=NOON) for number in (1, 2**127, 255, 2**64, 256)]
    async with db.write() as session:
        await store_calls(session, same)
    async with db.read() as session:
        first = await calls_page(session, LlmCallFilter(), PageArgs(2))
        after = position_of(CALLS_ORDER, first.items[-1])
        rest = await calls_page(session, LlmCallFilter(), PageArgs(9, after=after))
    assert [2**127, 2**64, 256, 255, 1] == numbers(first) + numbers(rest)


async def test_pages_of_several_parents(db: Database, stocked: Stock, statements: Statements) -> None:
    """A page for each prompt, family and agent, in the order that was asked, each in one statement."""
    a, b = stocked.a, stocked.b
    page = PageArgs(3)
    async with db.read() as session:
        with statements.counted(1):
            prompts = await calls_by_prompt(
                session, [CallsKey(id_, page) for id_ in (b.prompts[1], 2**70, a.prompts[1], a.prompts[2])]
            )
        with statements.counted(1):
            families = await calls_by_family(session, [CallsKey(id_, page) for id_ in (b.id, a.id)])
        with statements.counted(1):
            agents = await calls_by_agent(
                session, [CallsKey(id_, page) for id_ in (stocked.other, stocked.agent)]
            )
    assert [[11, 8, 5], [], [12, 9, 6], [10, 7, 4]] == [numbers(each) for each in prompts]
    assert [True, False, True, True] == [each.has_next for each in prompts]
    assert [[11, 8, 5], [12, 10, 9]] == [numbers(each) for each in families]
    assert [[], [11, 9, 7]] == [numbers(each) for each in agents]


async def test_pages_of_several_parents_by_cursor(
    db: Database, stocked: Stock, statements: Statements
) -> None:
    """A cursor is heeded for each parent, both ways, and says whether there is more on either side."""
    a, b = stocked.a, stocked.b
    at = position_of(CALLS_ORDER, stocked.calls[9])
    async with db.read() as session:
        with statements.counted(2):
            later = await calls_by_family(
                session, [CallsKey(id_, PageArgs(2, after=at)) for id_ in (a.id, b.id)]
            )
        earlier = await calls_by_family(
            session, [CallsKey(id_, PageArgs(2, backward=True, before=at)) for id_ in (a.id, b.id, 99)]
        )
    assert [[7, 6], [8, 5]] == [numbers(each) for each in later]
    assert all(each.has_next and each.has_previous for each in later)
    assert [[12, 10], [11], []] == [numbers(each) for each in earlier]
    assert [(True, False), (True, False), (False, False)] == [
        (each.has_next, each.has_previous) for each in earlier
    ]


ERRORS = LlmCallFilter(statuses=(CallStatus.ERROR,), window=Window(NOON, NOON + HOUR))
FILTERS: dict[str, tuple[LlmCallFilter, list[int]]] = {
    "everything": (LlmCallFilter(), [*range(12, 0, -1)]),
    "prompts": (LlmCallFilter(prompts=("a", "none")), [12, 10, 9, 7, 6, 4, 3, 1]),
    "a version of a prompt": (LlmCallFilter(prompts=("a",), versions=(2,)), [10, 7, 4, 1]),
    "agents": (LlmCallFilter(agents=("bot",)), [11, 9, 7, 5, 3, 1]),
    "prompts and agents": (LlmCallFilter(prompts=("b",), agents=("bot",)), [11, 5]),
    "conversation": (LlmCallFilter(conversation_id="talk"), [10, 5]),
    "conversation and prompt": (LlmCallFilter(conversation_id="talk", prompts=("b",)), [5]),
    "user": (LlmCallFilter(user_id="nobody"), []),
    "trace": (LlmCallFilter(trace_id="none"), []),
    "ids": (LlmCallFilter(call_ids=(UUID(int=2), UUID(int=99), UUID(int=4))), [4, 2]),
    "no ids": (LlmCallFilter(call_ids=()), []),
    "window": (LlmCallFilter(window=Window(NOON + HOUR / 30, NOON + HOUR / 12)), [4, 3, 2]),
    "errors": (ERRORS, [7]),
    "errors of a prompt": (LlmCallFilter(prompts=("a",), statuses=(CallStatus.ERROR,)), [7]),
    "slow ones": (LlmCallFilter(min_latency_ms=11, window=ERRORS.window), [12, 11]),
    "another model": (LlmCallFilter(models=("x",), window=ERRORS.window), []),
    "environment": (LlmCallFilter(environments=("default",), prompts=("b",)), [11, 8, 5, 2]),
    "provider": (LlmCallFilter(providers=("openai",), agents=("bot",)), []),
    "error type": (LlmCallFilter(error_types=("timeout",), agents=("bot",)), []),
    "versions alone": (LlmCallFilter(versions=(2,), window=ERRORS.window), [10, 7, 4, 1]),
}


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS)
async def test_filter_lets_through(db: Database, wanted: LlmCallFilter, expected: list[int]) -> None:
    """Each predicate, alone and with others: the page, the next one, and the count."""
    async with db.read() as session:
        found = await calls_page(session, wanted, PageArgs(100))
        assert expected == numbers(found)
        assert len(expected) == await count_calls(session, wanted)
        if len(expected) > 1:
            after = position_of(CALLS_ORDER, found.items[0])
            assert expected[1:] == numbers(await calls_page(session, wanted, PageArgs(100, after=after)))


async def test_filter_knows_former_names(db: Database) -> None:
    """A renamed prompt is found by the name that it had, as metrics find it: a present name goes before a
    former one, and of several heirs the first.
    """
    async with db.write() as session:
        heir = await stock(session, "new", former_names=("old", "taken"))
        later = await stock(session, "later", former_names=("old",))
        taken = await stock(session, "taken")
        owners = (heir, later, taken)
        await store_calls(
            session, [call(n, prompt_id=each.prompts[1], trace_id="t") for n, each in enumerate(owners, 1)]
        )
    wanted = {name: LlmCallFilter(prompts=(name,)) for name in ("old", "taken", "new", "none")}
    async with db.read() as session:
        found = {name: numbers(await calls_page(session, each, PageArgs(9))) for name, each in wanted.items()}
        both = LlmCallFilter(prompts=("old", "taken"), trace_id="t")
        assert 2 == await count_calls(session, both)
    assert {"old": [1], "taken": [3], "new": [1], "none": []} == found


RARE = {
    "statuses": LlmCallFilter(statuses=(CallStatus.ERROR,)),
    "errorTypes": LlmCallFilter(error_types=("timeout",), window=Window(since=NOON)),
    "minLatencyMs": LlmCallFilter(min_latency_ms=5, window=Window(NOON, NOON + 32 * 24 * HOUR)),
    "models": LlmCallFilter(models=("x",), window=Window(until=NOON)),
}


@pytest.mark.parametrize(("word", "wanted"), RARE.items(), ids=RARE)
async def test_rare_things_need_a_window(db: Database, word: str, wanted: LlmCallFilter) -> None:
    """Nobody can make the database read all calls; the sentence says what would narrow it."""
    async with db.read() as session:
        for ask in (calls_page(session, wanted, PageArgs()), count_calls(session, wanted)):
            with pytest.raises(InvalidInputError, match=f"filter.{word} alone .* at most 31 days") as caught:
                await ask
            assert "filter.window" == caught.value.field


async def test_parent_narrows_enough(db: Database, stocked: Stock) -> None:
    """What is rare may be asked of one prompt's calls, of all time."""
    key = CallsKey(stocked.a.id, PageArgs(5), LlmCallFilter(statuses=(CallStatus.ERROR,)))
    async with db.read() as session:
        (found,) = await calls_by_family(session, [key])
    assert [7] == numbers(found)


async def test_counts_of_several_parents(db: Database, stocked: Stock) -> None:
    """In the order that was asked; 0 where there are none."""
    a, b = stocked.a, stocked.b
    every, errors = LlmCallFilter(), LlmCallFilter(statuses=(CallStatus.ERROR,))
    async with db.read() as session:
        assert [4, 0, 4] == await count_calls_by_prompt(session, [b.prompts[1], 99, a.prompts[2]], every)
        assert [4, 8] == await count_calls_by_family(session, [b.id, a.id], every)
        assert [0, 1] == await count_calls_by_family(session, [b.id, a.id], errors)
        assert [6, 0] == await count_calls_by_agent(session, [stocked.agent, stocked.other], every)


@pytest.mark.parametrize("position", [(), ("x", "y"), (NOON.isoformat(), "no uuid"), (1, 2)])
async def test_foreign_cursor_is_refused(db: Database, position: Any) -> None:
    """A position of another list is the caller's mistake, for one list and for many."""
    page = PageArgs(2, after=position)
    async with db.read() as session:
        for ask in (
            calls_page(session, LlmCallFilter(), page),
            calls_by_prompt(session, [CallsKey(1, page)]),
        ):
            with pytest.raises(InvalidInputError, match="another list"):
                await ask


# ---------------------------------------------------------------- plans

PAGE = PageArgs(2)
AFTER = PageArgs(2, after=((NOON + 50 * HOUR).isoformat(), str(UUID(int=1))))
READS: dict[str, tuple[str, Any]] = {
    "page": ("started_at_id", lambda s: calls_page(s, LlmCallFilter(), PAGE)),
    "page after": ("started_at_id", lambda s: calls_page(s, LlmCallFilter(), AFTER)),
    "prompts": ("prompt_id_started_at_id", lambda s: calls_page(s, LlmCallFilter(prompts=("a",)), PAGE)),
    "prompts after": (
        "prompt_id_started_at_id",
        lambda s: calls_page(s, LlmCallFilter(prompts=("a",)), AFTER),
    ),
    "agents": ("agent_id_started_at_id", lambda s: calls_page(s, LlmCallFilter(agents=("bot",)), PAGE)),
    "conversation": (
        "conversation_id_started_at_id",
        lambda s: calls_page(s, LlmCallFilter(conversation_id="talk"), PAGE),
    ),
    "user": ("user_id_started_at_id", lambda s: calls_page(s, LlmCallFilter(user_id="u"), PAGE)),
    "trace": ("trace_id_started_at_id", lambda s: calls_page(s, LlmCallFilter(trace_id="t"), PAGE)),
    "errors": ("started_at_id", lambda s: calls_page(s, ERRORS, PAGE)),
    "of prompts": (
        "prompt_id_started_at_id",
        lambda s: calls_by_prompt(s, [CallsKey(1, PAGE), CallsKey(2, PAGE)]),
    ),
    "of prompts after": ("prompt_id_started_at_id", lambda s: calls_by_prompt(s, [CallsKey(1, AFTER)])),
    "of families": ("prompt_id_started_at_id", lambda s: calls_by_family(s, [CallsKey(1, PAGE)])),
    "of agents": ("agent_id_started_at_id", lambda s: calls_by_agent(s, [CallsKey(1, PAGE)])),
}


async def test_lists_are_read_by_their_index(db: Database, sent: list[tuple[str, Any]]) -> None:
    """Among 5 000 calls each list is read by the index that holds its order, and no table is walked."""
    async with db.write() as session:
        ids = [(await stock(session, name)).prompts[1] for name in ("a", "b", "c")]
        agents = [await stock_agent(session, name) for name in ("bot", "other")]
        rows = [
            call(
                n,
                prompt_id=ids[n % 3],
                agent_id=agents[n % 2],
                **dict.fromkeys(("conversation_id", "user_id", "trace_id"), f"{n % 500}"),
            )
            for n in range(1, 5001)
        ]
        await store_calls(session, rows)
    await count_rows(db)
    wrong: dict[str, list[str]] = {}
    async with db.read() as session:
        for name, (index, read) in READS.items():
            sent.clear()
            await read(session)
            plans = [await plan_of(session, *each) for each in list(sent)]
            steps = [step for plan in plans for step in plan]
            first = "\n".join(plans[0])
            walked = re.search(r"SCAN (calls|llm_calls)(?! USING)|Seq Scan on llm_calls", first)
            if walked or f"ix_llm_calls_{index}" not in first:
                wrong[name] = steps
    assert {} == wrong
