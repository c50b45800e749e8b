"""Metrics through the graph: figures, series and groups, of everything that calls belong to."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import update

from promptgraph.domain.measures import MEASURE
from promptgraph.domain.metrics import METRICS
from promptgraph.domain.retention import kept_from, start_of
from promptgraph.graph.answer import Kind
from promptgraph.graph.request import Request
from promptgraph.graph.schema import sdl
from promptgraph.store.call_tables import ROLLUPS
from promptgraph.store.database import Database
from promptgraph.store.pruning import delete_calls, next_old
from promptgraph.store.retention import keep_from
from promptgraph.store.rollups import fold
from tests.conftest import Statements
from tests.graph.both import fast, standard
from tests.graph.recording import ANSWER_BEFORE, SUMMARIZE, call, call_id, recorded, score
from tests.graph.registry import FILES, answer, ask, pipeline, refused, sync
from tests.hearing import heard_directly

FIGURES = """calls errors errorShare unlinkedCalls inputTokens outputTokens cacheReadInputTokens
  cacheWriteInputTokens reasoningOutputTokens costUsd unpricedCalls latencyMs{mean p50 p90 p95 p99 max
  quantile(q:0.25)} timeToFirstTokenMs{mean p50} firstCallAt lastCallAt scores{name count mean}"""
CALLS = (
    call(1, latencyMs=100, inputTokens=10, costUsd="0.25", agent="support-bot"),
    call(2, latencyMs=300.5, inputTokens=2_000_000_000, costUsd="0.5", environment="staging"),
    call(3, status="ERROR", latencyMs=9000, inputTokens=2_000_000_000, model="nobody-knows", agent="Ad hoc"),
    call(4, promptId=ANSWER_BEFORE, startedAt="2026-11-20T10:30:00Z", outputTokens=7, costUsd="1"),
    call(5, promptId=SUMMARIZE, startedAt="2026-10-01T00:00:00Z", costUsd="2", provider=None),
)


@pytest.fixture
async def filled(db: Database) -> Database:
    """Five calls: three of answer@2, one of answer@1, one of summarize/thread."""
    await sync(db, FILES)
    await recorded(db, *CALLS)
    return db


async def test_figures_are_those_of_the_calls(filled: Database) -> None:
    """Sums beyond 32 bits are exact; latency is of calls that ended OK; money is exact text."""
    await score(filled, {"callId": call_id(1), "name": "good", "value": 0.5})
    found = (await ask(filled, f'{{prompt(name:"support/answer"){{metrics{{since until {FIGURES}}}}}}}'))[
        "prompt"
    ]
    metrics = found["metrics"]
    latency = metrics.pop("latencyMs")
    assert {
        "since": None,
        "until": None,
        "calls": 3,
        "errors": 1,
        "errorShare": 1 / 3,
        "unlinkedCalls": 0,
        "inputTokens": 4_000_000_010,
        "outputTokens": 0,
        "cacheReadInputTokens": 0,
        "cacheWriteInputTokens": 0,
        "reasoningOutputTokens": 0,
        "costUsd": "0.75",
        "unpricedCalls": 1,
        "timeToFirstTokenMs": {"mean": None, "p50": None},
        "firstCallAt": "2026-11-22T09:00:00Z",
        "lastCallAt": "2026-11-22T09:00:00Z",
        "scores": [{"name": "good", "count": 1, "mean": 0.5}],
    } == metrics
    assert (200.25, 300.5) == (latency["mean"], latency["max"])
    assert [100, 100] == pytest.approx([latency["p50"], latency["quantile"]], rel=0.01)
    assert 300.5 == pytest.approx(latency["p99"], rel=0.01)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("metrics", 5),
        ('metrics(window:{last:"P7D"})', 4),
        ('metrics(window:{since:"2026-11-22T09:00:00Z"})', 3),
        ('metrics(window:{until:"2026-11-22T09:00:00Z"})', 2),
        ('metrics(window:{since:"2026-11-20T10:30:00Z",until:"2026-11-20T10:30:00.000001Z"})', 1),
        ('metrics(filter:{prompts:["support/answer"]})', 4),
        ('metrics(filter:{prompts:["support/answer"],versions:[1]})', 1),
        ('metrics(filter:{agents:["support-bot","Ad hoc"]})', 2),
        ('metrics(filter:{models:["nobody-knows"]})', 1),
        ('metrics(filter:{providers:["openai"]})', 4),
        ('metrics(filter:{environments:["staging"]})', 1),
        ("metrics(filter:{environments:[]})", 0),
        ('metrics(filter:{prompts:["nobody"]})', 0),
        ("metrics(window:null,filter:null)", 5),
    ],
)
async def test_counts_what_window_and_filter_let_in(filled: Database, field: str, expected: int) -> None:
    """Half-open windows; every condition holds."""
    assert {"metrics": {"calls": expected}} == await ask(filled, f"{{{field}{{calls}}}}")


async def test_every_owner_has_metrics(filled: Database) -> None:
    """A version, a family, an agent: each counts its own calls, the same moment in one request."""
    found = await ask(
        filled,
        """{all:metrics{calls}
        prompt(name:"support/answer",version:1){metrics{calls} family{metrics{calls}} callers{nodes{name}}}
        agent(name:"support-bot"){metrics(window:{last:"P1D"}){calls since until}}
        p:prompt(name:"support/answer"){callers(first:1){
          totalCount nodes{name declared} pageInfo{hasNextPage}}}}""",
    )
    assert {
        "all": {"calls": 5},
        "prompt": {"metrics": {"calls": 1}, "family": {"metrics": {"calls": 4}}, "callers": {"nodes": []}},
        "agent": {"metrics": {"calls": 1, "since": "2026-11-21T10:00:00Z", "until": "2026-11-22T10:00:00Z"}},
        "p": {
            "callers": {
                "totalCount": 2,
                "nodes": [{"name": "Ad hoc", "declared": False}],
                "pageInfo": {"hasNextPage": True},
            }
        },
    } == found


async def test_a_series_has_every_bin(filled: Database) -> None:
    """Empty ones too, the ends cut to the window; without a window the last seven days."""
    found = await ask(
        filled,
        """{metrics{series(bin:DAY){since until calls latencyMs{max} scores{name}}}
        cut:metrics(window:{since:"2026-11-22T08:30:00Z",until:"2026-11-22T10:00:00Z"}){
          series(bin:HOUR){since calls}}
        berlin:metrics(window:{last:"P2D"}){series(bin:DAY,timeZone:"Europe/Berlin"){since}}
        bare:metrics(window:{last:"PT2H"}){series(bin:HOUR){__typename}}}""",
    )
    days = found["metrics"]["series"]
    assert [0, 0, 0, 0, 0, 1, 0, 3] == [day["calls"] for day in days]
    assert ("2026-11-15T10:00:00Z", "2026-11-16T00:00:00Z") == (days[0]["since"], days[0]["until"])
    assert (300.5, None, []) == (days[7]["latencyMs"]["max"], days[0]["latencyMs"]["max"], days[0]["scores"])
    assert [("2026-11-22T08:30:00Z", 0), ("2026-11-22T09:00:00Z", 3)] == [
        (step["since"], step["calls"]) for step in found["cut"]["series"]
    ]
    assert "2026-11-20T23:00:00Z" == found["berlin"]["series"][1]["since"]
    assert [{"__typename": "CallMetricsBin"}] * 2 == found["bare"]["series"]


async def test_groups_add_up(filled: Database) -> None:
    """By each dimension; the rest is `(other)`, what has no value is null."""
    found = await ask(
        filled,
        """{metrics{
        prompt:by(dimension:PROMPT){key calls prompt{version} family{name} agent{name}}
        family:by(dimension:FAMILY,first:1){key calls prompt{name} family{name}}
        agent:by(dimension:AGENT,orderBy:COST){key calls agent{name}}
        model:by(dimension:MODEL){key errors}
        provider:by(dimension:PROVIDER){key calls}
        environment:by(dimension:ENVIRONMENT,orderBy:P95){key latencyMs{p95}}}}""",
    )
    groups = {name: [list(group.values()) for group in every] for name, every in found["metrics"].items()}
    assert [
        ["support/answer@2", 3, {"version": 2}, None, None],
        ["summarize/thread@1", 1, {"version": 1}, None, None],
        ["support/answer@1", 1, {"version": 1}, None, None],
    ] == groups["prompt"]
    assert [["support/answer", 4, None, {"name": "support/answer"}], ["(other)", 1, None, None]] == groups[
        "family"
    ]
    assert [
        [None, 3, None],
        ["support-bot", 1, {"name": "support-bot"}],
        ["Ad hoc", 1, {"name": "Ad hoc"}],
    ] == groups["agent"]
    assert [["gpt-5-mini", 0], ["nobody-knows", 1]] == groups["model"]
    assert [["openai", 4], [None, 1]] == groups["provider"]
    assert ["staging", "default"] == [key for key, _ in groups["environment"]]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('metrics(window:{last:"a week"}){calls}', ("INVALID_INPUT", "window.last")),
        (
            'metrics(window:{last:"P7D",since:"2026-01-01T00:00:00Z"}){calls}',
            ("INVALID_INPUT", "window.last"),
        ),
        (
            'metrics(window:{since:"2026-01-01T00:00:00Z",until:"2026-01-01T00:00:00Z"}){calls}',
            ("INVALID_INPUT", "window.until"),
        ),
        ("metrics(filter:{versions:[0]}){calls}", ("INVALID_INPUT", "filter.versions")),
        (f'metrics(filter:{{models:["{"x" * 201}"]}}){{calls}}', ("INVALID_INPUT", "filter.models[0]")),
        ('metrics{series(bin:DAY,timeZone:"Mars"){calls}}', ("INVALID_INPUT", "timeZone")),
        ('metrics(window:{last:"P10Y"}){series(bin:HOUR){calls}}', ("TOO_MANY_ROWS", "bin")),
        (
            'metrics(window:{since:"2026-12-01T00:00:00Z"}){series(bin:DAY){calls}}',
            ("INVALID_INPUT", "window.until"),
        ),
        ("metrics{by(dimension:MODEL,first:0){calls}}", ("INVALID_INPUT", "first")),
        ("metrics{by(dimension:MODEL,first:101){calls}}", ("INVALID_INPUT", "first")),
        ("metrics{latencyMs{quantile(q:1.1)}}", ("INVALID_INPUT", "q")),
        ("metrics{latencyMs{quantile(q:-0.1)}}", ("INVALID_INPUT", "q")),
    ],
)
async def test_refuses_what_cannot_be_measured(db: Database, field: str, expected: tuple[str, str]) -> None:
    """With code and field; what is asked beside it is answered."""
    await sync(db, FILES)
    assert [expected] == await refused(db, "{" + field + " serverInfo{mode}}")


async def test_what_is_wrong_with_one_fails_no_other(filled: Database) -> None:
    """An hour series that would read too many single calls is refused; the one beside it is answered."""
    wanted = '{models:["gpt-5-mini"],agents:["Ad hoc"]}'
    far = f'metrics(window:{{last:"P60D"}},filter:{wanted}){{series(bin:HOUR){{calls}}}}'
    near = 'metrics(window:{last:"PT3H"}){series(bin:HOUR){calls}}'
    found = (await answer(filled, f"{{far:{far} near:{near}}}")).payload
    assert [["far", "series"]] == [error["path"] for error in found["errors"]]
    assert [0, 0, 3] == [step["calls"] for step in found["data"]["near"]["series"]]


async def test_series_of_one_request_have_a_bound(db: Database) -> None:
    """Ten thousand bins are answered; so many of many metrics, or with many fields each, are not."""
    await sync(db, FILES)
    hours = (
        'metrics(window:{since:"2025-10-01T16:00:00Z",until:"2026-11-22T08:00:00Z"}){series(bin:HOUR){calls}}'
    )
    found = await ask(db, "{" + hours + "}")
    assert 10_000 == len(found["metrics"]["series"])
    many = " ".join(f"m{number}:{hours}" for number in range(2))
    names = hours.replace("{calls}", "{" + " ".join(f"s{number}:since" for number in range(28)) + "}")
    for text in (many, names):
        refused_ = (await pipeline(db, seconds=60).answer(Request("{" + text + "}", {}))).payload["errors"]
        assert {("TOO_MANY_ROWS", "bin")} == {
            (error["extensions"]["code"], error["extensions"]["field"]) for error in refused_
        }


async def test_only_what_is_asked_for_is_read(filled: Database, statements: Statements) -> None:
    """The measures of the selected figures, fragments and directives heeded; none at all cost nothing."""
    fragment = "fragment f on CallFigures{errors latencyMs{max}}"
    query = "query($n:Boolean!){metrics{...f costUsd @include(if:$n) scores @skip(if:true){name}}}" + fragment
    with heard_directly(lambda sql, _: statements.append(sql)):
        await standard(filled, query, n=False)
    columns = set(re.findall(r"rollups\.(\w+)", " ".join(statements))) & set(MEASURE)
    assert {"errors", "latency_max_us"} == columns
    with heard_directly(lambda sql, _: statements.append(sql)), statements.counted(0):
        assert {"metrics": {"since": None}} == await standard(filled, "{metrics{since}}")


@pytest.mark.parametrize("executor", [fast, standard])
async def test_answers_say_what_they_are_of(filled: Database, executor: Any) -> None:
    """Where calls were pruned: whole hours, whole days of groups by several dimensions; steps follow each
    other, and nothing but since and until needs no less.
    """
    window = 'window:{since:"2026-11-20T10:20:00Z", until:"2026-11-20T12:40:00Z"}'
    query = f"""{{ metrics({window}) {{ calls since until
        series(bin: HOUR) {{ since until calls }}
        by(dimension: MODEL) {{ since until calls }} }}
      ends: metrics({window}) {{ since until series(bin: DAY, timeZone: "Asia/Kolkata") {{ since }} }}
      prompt(name: "support/answer", version: 1) {{ metrics({window}) {{
        since by(dimension: MODEL) {{ since until calls }} }} }} }}"""
    before = await executor(filled, query)
    assert "2026-11-20T10:20:00Z" == before["metrics"]["since"]
    async with filled.write() as session:
        day = kept_from(dt.datetime(2026, 11, 21, tzinfo=dt.UTC), 0)
        await keep_from(session, day)
        old = await next_old(session, start_of(day), None, 100, keep_errors=False)
        assert 2 == await delete_calls(session, [id_ for _, id_ in old])
    found = await executor(filled, query)
    hours = [f"2026-11-20T{hour}:00:00Z" for hour in (10, 11, 12, 13)]
    whole = {"since": hours[0], "until": hours[3]}
    assert whole | {"calls": 1} == {name: found["metrics"][name] for name in (*whole, "calls")}
    assert [
        {"since": since, "until": until, "calls": number}
        for since, until, number in zip(hours, hours[1:], (1, 0, 0), strict=False)
    ] == found["metrics"]["series"]
    assert [whole | {"calls": 1}] == found["metrics"]["by"]
    assert whole | {"series": [{"since": hours[0]}]} == found["ends"]
    days = {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}
    assert {"since": hours[0], "by": [days | {"calls": 1}]} == found["prompt"]["metrics"]


def test_a_metric_is_declared_once() -> None:
    """The interface has a field for each row of the table, with its words."""
    text = sdl()
    block = text[text.index("interface CallFigures {") :]
    block = block[: block.index("\n}\n")]
    for metric in METRICS:
        assert f"  {metric.field}: {metric.type}\n" in block + "\n"
        assert metric.description in block


COUNT = 50


async def test_fifty_prompts_cost_as_much_as_one(db: Database, statements: Statements) -> None:
    """Metrics, series, groups, a page of calls, each call's agent, prompt, scores and contents."""
    names = [f"area/p{number:02}" for number in range(COUNT)]
    files = {f"{name}.prompt.yaml": f"version: 1\ntemplate: '{name}'\n" for name in names}
    await sync(db, files)
    ids = (await ask(db, "{prompts(first:50){nodes{id}}}"))["prompts"]["nodes"]
    rows = [
        call(2 * place + twice, promptId=node["id"], agent=f"bot{place}", output="x", latencyMs=place)
        for place, node in enumerate(ids)
        for twice in (0, 1)
    ]
    await recorded(db, *rows)
    queries = {
        "metrics": 'metrics(window:{last:"P30D"}){calls latencyMs{p95}}',
        "two windows": 'a:metrics{calls} b:metrics(window:{last:"P7D"}){calls}',
        "series": "metrics{series(bin:DAY){calls}}",
        "groups": "metrics{by(dimension:AGENT){key agent{name}}}",
        "calls": "llmCalls(first:2){nodes{model agent{name} prompt{name} output scores{name}}}",
        "counts": "llmCalls{totalCount}",
        "renderings": "llmCalls(first:1){nodes{renderedPrompt{text}}}",
        "callers": "callers{totalCount nodes{name}}",
        "families": "family{metrics{calls} llmCalls(first:1){nodes{callId}}}",
    }
    sent: dict[str, list[int]] = {}
    for name, query in queries.items():
        for size in (1, COUNT):
            before = len(statements)
            found: dict[str, Any] = await ask(db, f"{{prompts(first:{size}){{nodes{{{query}}}}}}}")
            assert size == len(found["prompts"]["nodes"])
            sent.setdefault(name, []).append(len(statements) - before)
    assert {name: [few, few] for name, (few, _) in sent.items()} == sent, sent
    assert max(few for few, _ in sent.values()) <= 12, sent


async def test_damaged_figures_say_how_to_mend_them(filled: Database) -> None:
    """No masked error, and none that asks to try again: the sentence names the command."""
    await fold(filled)
    async with filled.write() as session:
        await session.execute(update(ROLLUPS).values(latency_histogram=b"\xff"))
    found = await answer(filled, "{metrics{latencyMs{p50}}}")
    [error] = found.payload["errors"]
    assert {"code": "UNAVAILABLE"} == error["extensions"]
    assert "promptgraph rollup rebuild" in error["message"]
    assert Kind.UNAVAILABLE is not found.kind
