"""Pages of calls as rows: the same calls as the general way reads, whatever is asked."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.asking import PageArgs, Position
from promptgraph.domain.call import CallStatus, LlmCall, usd
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.window import Window
from promptgraph.store import call_texts
from promptgraph.store.call_owners import CALLS_ORDER, OF_AGENT, OF_FAMILY, OF_PROMPT, Kind
from promptgraph.store.call_pages import Rows, call_rows
from promptgraph.store.calls import CallsKey, calls_by_agent, calls_by_family, calls_by_prompt
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError
from promptgraph.store.paging import position_of
from tests.store.call_stock import NOON, call, store_calls
from tests.store.stock import stock, stock_agent

QUERIES = {OF_PROMPT: calls_by_prompt, OF_FAMILY: calls_by_family, OF_AGENT: calls_by_agent}
COLUMNS = ("model", "cost_nano_usd", "recorded_at", "finish_reasons")
MINUTE = dt.timedelta(minutes=1)
FILTERS: Sequence[LlmCallFilter] = (
    LlmCallFilter(),
    LlmCallFilter(models=("gpt-4o",), environments=("default",)),
    LlmCallFilter(statuses=(CallStatus.ERROR,), min_latency_ms=0.5),
    LlmCallFilter(window=Window(NOON + 5 * MINUTE, NOON + 30 * MINUTE)),
    LlmCallFilter(window=Window(None, NOON + 9 * MINUTE), models=("gpt-5",)),
)


async def furnished(db: Database) -> tuple[dict[Kind, list[int]], list[LlmCall]]:
    """Ids by kind, one of nobody among them, and calls of which some started at the same instant."""
    chance = random.Random(1)  # noqa: S311  # no secret
    async with db.write() as session:
        some, other = await stock(session, "a", (1, 2, 3)), await stock(session, "b")
        agents = [await stock_agent(session, name) for name in ("bot", "dog")]
        prompts = [*some.prompts.values(), *other.prompts.values()]
        calls = [
            call(
                number,
                started_at=NOON + number // 3 * MINUTE + dt.timedelta(microseconds=number % 2),
                prompt_id=chance.choice([*prompts[:3], None]),
                agent_id=chance.choice([*agents, None]),
                model=chance.choice(["gpt-4o", "gpt-5"]),
                status=chance.choice(list(CallStatus)),
                latency_us=chance.choice([None, 100, 900]),
                finish_reasons=chance.choice([(), ("stop",), ("length", "é")]),
            )
            for number in range(120)
        ]
        await store_calls(session, calls)
    ids = {OF_PROMPT: prompts, OF_FAMILY: [some.id, other.id], OF_AGENT: agents}
    return {kind: [*each, 999, 2**70] for kind, each in ids.items()}, calls


def pages(calls: Sequence[LlmCall]) -> list[PageArgs]:
    chance = random.Random(2)  # noqa: S311  # no secret

    def place() -> Position:
        return position_of(CALLS_ORDER, chance.choice(calls))

    return [
        PageArgs(4),
        PageArgs(3, backward=True),
        PageArgs(0),
        PageArgs(100),
        PageArgs(5, after=place()),
        PageArgs(5, backward=True, before=place()),
        PageArgs(2, after=place(), before=place()),
        PageArgs(2, backward=True, after=place()),
    ]


def told(page: Rows) -> list[tuple[Any, ...]]:
    """What the rows hold, as records do."""
    return [
        (
            call_texts.point_of(*row[:2]),
            row[2],
            None if row[3] is None else usd(row[3]),
            call_texts.instants([row[4]])[0],
            tuple(call_texts.lists([row[5]])[0]),
        )
        for row in page.rows
    ]


def facts(each: LlmCall) -> tuple[Any, ...]:
    recorded = each.recorded_at.isoformat().replace("+00:00", "Z")
    return (each.started_at, each.id), each.model, each.cost_usd, recorded, each.finish_reasons


async def test_rows_are_the_calls(db: Database) -> None:
    """For every kind of owner, page and filter: the same ones in the same order, and the same sides."""
    ids, calls = await furnished(db)
    found = 0
    for kind, query in QUERIES.items():
        for page in pages(calls):
            for wanted in FILTERS:
                rows = await call_rows(db, kind, ids[kind], page, wanted, COLUMNS)
                async with db.read() as session:
                    right = await query(session, [CallsKey(id_, page, wanted) for id_ in ids[kind]])
                assert [[facts(each) for each in listed.items] for listed in right] == list(map(told, rows))
                assert [(each.has_next, each.has_previous) for each in right] == [
                    (each.has_next, each.has_previous) for each in rows
                ]
                found += sum(len(each.rows) for each in rows)
    assert found > 1_000


@pytest.mark.parametrize(
    "wanted",
    [LlmCallFilter(trace_id="t"), LlmCallFilter(call_ids=(UUID(int=1),)), LlmCallFilter(agents=("bot",))],
    ids=["trace", "ids", "agents"],
)
async def test_what_no_walk_finds_is_left_to_the_general_way(db: Database, wanted: LlmCallFilter) -> None:
    """Such as the calls of a trace, which have an index of their own."""
    with pytest.raises(NotDirectError):
        await call_rows(db, OF_PROMPT, [1], PageArgs(), wanted, COLUMNS)


async def test_foreign_cursor_is_refused(db: Database) -> None:
    """As the general way refuses it."""
    with pytest.raises(InvalidInputError, match="another list"):
        await call_rows(db, OF_PROMPT, [1], PageArgs(after=("x", "y")), LlmCallFilter(), COLUMNS)
