"""Links that are read at once: the same answer as by the resolvers, whatever was changed before."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType

from promptgraph.domain.call import usd
from promptgraph.graph.fast.hot_calls import usd_text
from promptgraph.graph.fast.levels import BatchStep, Level, Nested, Step
from promptgraph.graph.scalars import decimal_text
from promptgraph.store.database import Database
from promptgraph.store.rollups import fold
from tests.graph.both import agreed, context, program, standard
from tests.graph.recording import ANSWER_BEFORE, SUMMARIZE, call, call_id, recorded, score
from tests.graph.registry import schema

PAGE = "pageInfo{__typename hasNextPage hasPreviousPage startCursor endCursor} totalCount"
CALLS = f"""llmCalls(first:3){{__typename edges{{cursor node{{callId again:callId startedAt}}}}
 nodes{{__typename model}} {PAGE}}}"""
FIGURES = """calls errors errorShare inputTokens outputTokens costUsd unpricedCalls firstCallAt lastCallAt
 latencyMs{mean max p50 p95 quantile(q:0.9)} timeToFirstTokenMs{p90} scores{name count mean}"""
SERIES = """metrics(window:{last:"P2D"}){since series(bin:HOUR){__typename since until calls errors costUsd
 errorShare latencyMs{mean}}}"""
QUERIES: dict[str, str] = {
    "calls": f"{{prompts{{nodes{{name {CALLS}}}}} agents{{nodes{{{CALLS}}}}}}}",
    "calls of families": f"{{promptFamilies{{nodes{{{CALLS}}}}}}}",
    "filtered": """{prompts{nodes{llmCalls(filter:{models:["gpt-5-mini"],window:{last:"P1D"}}){
     nodes{callId}}}}}""",
    "by trace": '{prompts{nodes{llmCalls(filter:{traceId:"t"}){nodes{callId}}}}}',
    "figures": f"{{prompts{{nodes{{metrics{{{FIGURES}}}}}}} metrics{{{FIGURES}}}}}",
    "figures of agents": f"{{agents{{nodes{{metrics{{{FIGURES}}}}}}}}}",
    "figures of a window": '{prompts{nodes{metrics(window:{last:"P1D"}){calls}}}}',
    "figures filtered": '{prompts{nodes{metrics(filter:{models:["gpt-5","gpt-5-mini"]}){calls since}}}}',
    "series": f"{{prompts{{nodes{{{SERIES}}}}} agents{{nodes{{{SERIES}}}}} {SERIES}}}",
    "series of quantiles": '{metrics(window:{last:"PT5H"}){series(bin:HOUR){calls latencyMs{p95}}}}',
    "series of days": '{metrics(window:{last:"P2D"}){series(bin:DAY){calls}}}',
    "series elsewhere": '{metrics(window:{last:"P2D"}){series(bin:HOUR,timeZone:"Asia/Kolkata"){calls}}}',
    "series of a minute": '{metrics(window:{last:"PT1M"}){series(bin:HOUR){since calls}}}',
}


async def some_calls(db: Database, number: int) -> None:
    """Calls of several prompts, with and without all that a call may say."""
    full = {
        "costUsd": "0.0000125",
        "latencyMs": 12.5,
        "timeToFirstTokenMs": 3,
        "inputTokens": 7,
        "agent": "support-bot",
        "finishReasons": ["stop"],
        "startedAt": "2026-11-22T08:59:59.999999Z",
        "traceId": "t",
    }
    await recorded(
        db,
        call(number, **full),
        call(number + 1, promptId=ANSWER_BEFORE, status="ERROR", errorType="timeout", agent="other"),
        call(number + 2, promptId=SUMMARIZE, model="gpt-5", costUsd="12.5", latencyMs=900.125),
        call(number + 3),
    )


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
async def test_answers_agree_at_every_commit(stocked: Database, query: str) -> None:
    """Before there is anything, and after calls, a fold, more calls, another price and a score."""
    compiled = program(query)

    async def same() -> dict[str, Any]:
        quick = await compiled.run(context(stocked), {})
        assert await standard(stocked, query) == quick
        return quick

    before = await same()
    await some_calls(stocked, 10)
    assert await same() == await same()
    await fold(stocked)
    await same()
    await some_calls(stocked, 20)
    await score(stocked, {"callId": call_id(10), "name": "tone", "value": 0.5})
    after = await same()
    assert before != after or "PT1M" in query


async def test_cursors_lead_on(stocked: Database) -> None:
    """From page to page, both ways, as far as there are calls."""
    await some_calls(stocked, 10)
    await some_calls(stocked, 20)
    query = f"""query($after:String,$before:String){{promptFamilies{{nodes{{
        llmCalls(first:1,after:$after){{{PAGE} nodes{{callId}}}}
        back:llmCalls(last:1,before:$before){{nodes{{callId}} {PAGE}}}}}}}}}"""
    asked: dict[str, Any] = {}
    for _ in range(3):
        answer = await agreed(stocked, query, **asked)
        infos = [each["llmCalls"]["pageInfo"] for each in answer["promptFamilies"]["nodes"]]
        cursors = [each["endCursor"] for each in infos if each["endCursor"]]
        assert cursors
        asked = {"after": cursors[0], "before": cursors[-1]}


def steps(level: Level) -> list[Step]:
    """All links below."""
    nested = [step.completion for step in level.steps if isinstance(step.completion, Nested)]
    below = [each for completion in nested for each in completion.levels.values()]
    return [*level.steps, *(step for each in below for step in steps(each))]


@pytest.mark.parametrize(
    ("query", "links"),
    [
        (QUERIES["calls"], 2),
        (QUERIES["figures"], 2),
        (QUERIES["series"], 3),
        (QUERIES["series of quantiles"], 0),
        ("{prompts{nodes{llmCalls{nodes{callId prompt{name}}}}}}", 0),
        ("{prompts{nodes{metrics{since}}}}", 0),
    ],
    ids=["calls", "figures", "series", "quantiles", "links of calls", "no figure"],
)
def test_links_are_read_at_once_where_they_can_be(query: str, links: int) -> None:
    """And by their resolvers where something else than columns or cells is asked for."""
    found = steps(program(query).whole.level)
    assert links == sum(isinstance(step, BatchStep) for step in found)


LINKED = {"prompt", "agent", "traceUrl", "variables", "output", "metadata", "scores", "renderedPrompt"}
LINKED |= {"contentParts", "contentHashes", "redacted"}


def every_column() -> str:
    """What asks for all that is an attribute of a call."""
    type_ = schema().core.type_map["LlmCall"]
    assert isinstance(type_, GraphQLObjectType)
    return f"{{prompts{{nodes{{llmCalls{{nodes{{{' '.join(type_.fields.keys() - LINKED)}}}}}}}}}}}"


def test_every_column_of_a_call_is_known() -> None:
    """No field that is an attribute of a call is left to the resolvers."""
    assert 1 == sum(isinstance(step, BatchStep) for step in steps(program(every_column()).whole.level))


async def test_every_column_is_told_alike(stocked: Database) -> None:
    """Whatever a call holds, and where it holds nothing."""
    await some_calls(stocked, 10)
    await agreed(stocked, every_column())


@pytest.mark.parametrize("nano", [0, 1, 10, 999_999_999, 10**9, 1_500_000_000, 10**12 + 1, 2**63 - 1])
def test_amounts_are_written_as_decimals_are(nano: int) -> None:
    """All digits, no zero at the end, no exponent."""
    assert decimal_text(usd(nano)) == usd_text(nano)
