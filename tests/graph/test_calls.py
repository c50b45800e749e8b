"""Reading calls through the graph: one, pages of them, and what hangs on each."""

from __future__ import annotations

from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.graph.call_resolvers import trace_url
from promptgraph.graph.loaders import Context
from promptgraph.graph.request import Request
from promptgraph.store.database import Database
from tests.graph.recording import ANSWER, ANSWER_BEFORE, SUMMARIZE, call, call_id, recorded
from tests.graph.registry import FILES, NOW, ask, pipeline, refused, sync
from tests.recorders import live, recorder

TRIAGE = global_id("Prompt", "support/triage", 2)
EVERYTHING = {
    "label": "production",
    "agent": "support-bot",
    "environment": "staging",
    "operation": "chat",
    "responseModel": "gpt-5-mini-2026",
    "responseId": "r-1",
    "release": "1.2.3",
    "attempt": 2,
    "status": "ERROR",
    "errorType": "timeout",
    "errorMessage": "Too slow.",
    "finishReasons": ["length"],
    "toolCallCount": 3,
    "inputTokens": 2_147_483_647,
    "outputTokens": 5,
    "cacheReadInputTokens": 1,
    "cacheWriteInputTokens": 2,
    "reasoningOutputTokens": 3,
    "costUsd": "0.000000001",
    "latencyMs": 1234.567,
    "timeToFirstTokenMs": 0.001,
    "conversationId": "c-1",
    "userId": "u-1",
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "variables": {"question": "why", "plan": "team"},
    "output": {"text": "because"},
    "metadata": {"k": [1, None]},
}


async def test_a_call_is_answered_as_it_was_sent(db: Database) -> None:
    """Every field, by callId and by id."""
    await sync(db, FILES)
    await recorded(db, call(1, **EVERYTHING))
    plain = [name for name in (*EVERYTHING, "model", "provider") if name != "agent"]
    found = await ask(
        db,
        f"""{{llmCall(callId:"{call_id(1)}"){{{" ".join(plain)} id callId startedAt recordedAt costSource
        contentState agent{{name}} prompt{{version}} traceUrl promptText scores{{name}}}}}}""",
    )
    answered = found["llmCall"]
    assert {name: EVERYTHING[name] for name in plain if name in EVERYTHING} == {
        name: answered[name] for name in plain if name in EVERYTHING
    }
    assert ("support-bot", 2, "REPORTED", "FULL", None, None, []) == (
        answered["agent"]["name"],
        answered["prompt"]["version"],
        *(answered[name] for name in ("costSource", "contentState", "traceUrl", "promptText", "scores")),
    )
    assert global_id("LlmCall", call_id(1)) == answered["id"]
    node = await ask(db, "query($i:ID!){node(id:$i){__typename id ... on LlmCall{callId}}}", i=answered["id"])
    assert {"__typename": "LlmCall", "id": answered["id"], "callId": call_id(1)} == node["node"]


async def test_what_is_not_there_is_null(db: Database) -> None:
    """An unknown call, and everything that a bare one says nothing of."""
    await sync(db, FILES)
    await recorded(db, call(1, promptId=SUMMARIZE, provider=None, model="nobody-knows"))
    found = await ask(
        db,
        f"""{{none:llmCall(callId:"{call_id(9)}"){{id}} node(id:"{global_id("LlmCall", call_id(9))}"){{id}}
        llmCall(callId:"{call_id(1)}"){{provider costUsd costSource latencyMs finishReasons variables output
        metadata contentState renderedPrompt{{text}} status environment}}}}""",
    )
    assert {
        "none": None,
        "node": None,
        "llmCall": {
            "provider": None,
            "costUsd": None,
            "costSource": None,
            "latencyMs": None,
            "finishReasons": [],
            "variables": None,
            "output": None,
            "metadata": {},
            "contentState": "NONE",
            "renderedPrompt": None,
            "status": "OK",
            "environment": "default",
        },
    } == found
    upper = global_id("LlmCall", call_id(0xAB).upper())
    assert [("INVALID_INPUT", "id")] == await refused(db, "query($i:ID!){node(id:$i){id}}", i=upper)
    assert [("INVALID_INPUT", None)] == await refused(db, '{llmCall(callId:"1"){id}}')


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, [3, 2, 1, 5, 4]),
        ({}, [3, 2, 1, 5, 4]),
        ({"window": {"last": "P1D"}}, [3, 2, 1]),
        ({"window": {"until": "2026-11-22T09:00:00Z"}}, [5, 4]),
        ({"prompts": ["support/answer"]}, [3, 2, 1]),
        ({"prompts": ["support/answer"], "versions": [1]}, [3]),
        ({"agents": ["support-bot"]}, [2, 4]),
        ({"agents": []}, []),
        ({"callIds": [call_id(1), call_id(9)]}, [1]),
        ({"statuses": ["ERROR"], "window": {"last": "P30D"}}, [2]),
        ({"errorTypes": ["timeout"], "window": {"last": "P30D"}}, [2]),
        ({"models": ["other"], "window": {"last": "P30D"}}, [1]),
        ({"environments": ["staging"], "window": {"last": "P30D"}}, [5]),
        ({"conversationId": "c"}, [4]),
        ({"userId": "u"}, [4]),
        ({"traceId": "t"}, [4]),
        ({"minLatencyMs": 100, "window": {"last": "P30D"}}, [1]),
    ],
    ids=str,
)
async def test_lists_the_calls_that_are_asked_for(
    db: Database, filter_: dict[str, Any] | None, expected: list[int]
) -> None:
    """The newest start first, ties by id; every condition holds; counted as listed."""
    await sync(db, FILES)
    await recorded(
        db,
        call(1, model="other", latencyMs=100),
        call(2, status="ERROR", errorType="timeout", agent="support-bot"),
        call(3, promptId=ANSWER_BEFORE, latencyMs=99.999),
        call(
            4,
            promptId=TRIAGE,
            startedAt="2026-11-01T00:00:00Z",
            agent="support-bot",
            conversationId="c",
            userId="u",
            traceId="t",
        ),
        call(5, promptId=SUMMARIZE, startedAt="2026-11-02T00:00:00Z", environment="staging"),
    )
    found = await ask(db, "query($f:LlmCallFilter){llmCalls(filter:$f){totalCount nodes{callId}}}", f=filter_)
    assert [call_id(number) for number in expected] == [node["callId"] for node in found["llmCalls"]["nodes"]]
    assert len(expected) == found["llmCalls"]["totalCount"]


async def test_every_owner_lists_its_calls(db: Database) -> None:
    """A version, a family, an agent; pages in both directions."""
    await sync(db, FILES)
    rows = [
        call(
            number,
            agent="bot",
            promptId=(ANSWER, ANSWER_BEFORE)[number % 2],
            startedAt=f"2026-11-22T0{number}:00:00Z",
        )
        for number in range(1, 8)
    ]
    await recorded(db, *rows)
    query = """query($a:String,$b:String){agent(name:"bot"){llmCalls(first:2,after:$a){
      edges{cursor node{callId}} pageInfo{hasNextPage hasPreviousPage endCursor}}}
      promptFamily(name:"support/answer"){llmCalls(last:2,before:$b){totalCount nodes{callId}}}
      prompt(name:"support/answer",version:1){llmCalls(filter:{window:{last:"PT5H"}}){
      totalCount nodes{callId}}}}"""
    found = await ask(db, query)
    page = found["agent"]["llmCalls"]
    assert [call_id(7), call_id(6)] == [edge["node"]["callId"] for edge in page["edges"]]
    assert (True, False) == (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"])
    assert {"totalCount": 7, "nodes": [{"callId": call_id(2)}, {"callId": call_id(1)}]} == found[
        "promptFamily"
    ]["llmCalls"]
    assert {"totalCount": 2, "nodes": [{"callId": call_id(7)}, {"callId": call_id(5)}]} == found["prompt"][
        "llmCalls"
    ]
    more = await ask(db, query, a=page["pageInfo"]["endCursor"], b=page["edges"][1]["cursor"])
    assert [call_id(5), call_id(4)] == [edge["node"]["callId"] for edge in more["agent"]["llmCalls"]["edges"]]
    assert {"callId": call_id(7)} == more["promptFamily"]["llmCalls"]["nodes"][0]


async def test_nobody_counts_too_many(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound the count is null, without an error; a filter may bring it below."""
    monkeypatch.setattr("promptgraph.store.calls.MAX_COUNTED", 2)
    await sync(db, FILES)
    rows = [call(number, agent="bot", promptId=(ANSWER, ANSWER_BEFORE)[number % 2]) for number in range(3)]
    await recorded(db, *rows)
    found = await ask(
        db,
        f"""{{llmCalls{{totalCount}} one:llmCalls(filter:{{callIds:["{call_id(1)}"]}}){{totalCount}}
        agent(name:"bot"){{llmCalls{{totalCount}}}} prompt(name:"support/answer"){{
        llmCalls{{totalCount}} family{{llmCalls{{totalCount}}}}}}}}""",
    )
    few, many = {"llmCalls": {"totalCount": 2}}, {"llmCalls": {"totalCount": None}}
    assert {**many, "one": {"totalCount": 1}, "agent": many, "prompt": {**few, "family": many}} == found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("first:101", ("INVALID_INPUT", "first")),
        ('after:"zz"', ("INVALID_INPUT", "after")),
        ('filter:{models:["rare"]}', ("INVALID_INPUT", "filter.window")),
        ("filter:{versions:[0]}", ("INVALID_INPUT", "filter.versions")),
        ("filter:{minLatencyMs:-1}", ("INVALID_INPUT", "filter.minLatencyMs")),
        ('filter:{window:{last:"x"}}', ("INVALID_INPUT", "filter.window.last")),
        (
            'filter:{window:{since:"2026-11-22T10:00:00Z",until:"2026-11-22T10:00:00Z"}}',
            ("INVALID_INPUT", "filter.window.until"),
        ),
        (
            'filter:{window:{since:"2026-11-22T10:00:00Z",until:"2026-11-22T11:00:00+02:00"}}',
            ("INVALID_INPUT", "filter.window.until"),
        ),
        ('filter:{errorTypes:["rare"],window:{last:"P32D"}}', ("INVALID_INPUT", "filter.window")),
        ('filter:{minLatencyMs:1,window:{since:"2026-11-01T00:00:00Z"}}', ("INVALID_INPUT", "filter.window")),
        (f'filter:{{userId:"{"x" * 201}"}}', ("INVALID_INPUT", "filter.userId")),
    ],
    ids=str,
)
async def test_refuses_lists_that_cannot_be(db: Database, arguments: str, expected: tuple[str, str]) -> None:
    """With code and field; what is asked beside it is answered."""
    assert [expected] == await refused(db, f"{{llmCalls({arguments}){{nodes{{id}}}} serverInfo{{mode}}}}")


# ---------------------------------------------------------------- renderings and traces


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"variables": {"question": "why", "plan": "team"}}, "Answer why for team"),
        ({"variables": {"question": "why"}}, None),
        ({"variables": {"question": "why", "plan": 1}}, None),
        ({"variables": {"question": "why", "plan": "team", "more": 1}}, None),
        ({}, None),
        ({"promptId": TRIAGE, "variables": {"ticket": "secret", "history": []}}, None),
    ],
    ids=["fits", "missing", "wrong type", "unknown", "none", "sensitive"],
)
async def test_the_prompt_is_rendered_again(db: Database, more: dict[str, Any], expected: str | None) -> None:
    """From prompt and variables; null where they do not make it whole, never an error."""
    await sync(db, FILES)
    await recorded(db, call(1, **more))
    found = await ask(db, f'{{llmCall(callId:"{call_id(1)}"){{renderedPrompt{{text matchesSent}}}}}}')
    rendered = found["llmCall"]["renderedPrompt"]
    assert (expected and {"text": expected, "matchesSent": None}) == rendered


async def test_says_whether_this_was_sent(db: Database) -> None:
    """The hash that a rendering gave is the one of what is rendered again; another is not."""
    await sync(db, FILES)
    variables = {"question": "why", "plan": "team"}
    query = 'query($v:JSON!){prompt(name:"support/answer"){id contentHash render(variables:$v){hash}}}'
    prompt = (await ask(db, query, v=variables))["prompt"]
    sent = {"promptId": prompt["id"], "promptHash": prompt["contentHash"], "variables": variables}
    await recorded(
        db, call(1, **sent, renderedHash=prompt["render"]["hash"]), call(2, **sent, renderedHash="0" * 64)
    )
    found = await ask(db, "{llmCalls{nodes{renderedPrompt{matchesSent prompt{version}}}}}")
    assert [False, True] == [node["renderedPrompt"]["matchesSent"] for node in found["llmCalls"]["nodes"]]


async def test_a_prompt_without_variables_needs_none(db: Database) -> None:
    """Nothing is missing where nothing is taken."""
    await sync(db, {"plain.prompt.yaml": "version: 1\ntemplate: Say hello.\n"})
    await recorded(db, call(1, promptId=global_id("Prompt", "plain", 1)))
    found = await ask(db, "{llmCalls{nodes{renderedPrompt{text}}}}")
    assert "Say hello." == found["llmCalls"]["nodes"][0]["renderedPrompt"]["text"]


@pytest.mark.parametrize(
    ("template", "ids", "expected"),
    [
        (None, ("t", "s"), None),
        ("https://x/{trace_id}", ("t", None), "https://x/t"),
        ("https://x/{trace_id}", (None, "s"), None),
        ("https://x/{trace_id}?s={span_id}", ("t", "s"), "https://x/t?s=s"),
        ("https://x/{trace_id}?s={span_id}", ("t", None), None),
        ("https://x/{trace_id}", ("../a b?#", None), "https://x/..%2Fa%20b%3F%23"),
        ("https://x/{trace_id}/{span_id}", ("{span_id}", "s"), "https://x/%7Bspan_id%7D/s"),
    ],
)
def test_a_trace_has_an_address(
    template: str | None, ids: tuple[str | None, str | None], expected: str | None
) -> None:
    """Ids are quoted; where one is missing there is none."""
    assert expected == trace_url(template, *ids)


async def test_calls_lead_to_their_traces(db: Database) -> None:
    """By the address that the server was given."""
    await sync(db, FILES)
    await recorded(db, call(1, traceId="abc"))

    def context() -> Context:
        return Context(db, recorder(db), live(db), lambda: NOW, "production", "https://t/{trace_id}")

    found = await pipeline(db, context=context).answer(Request("{llmCalls{nodes{traceUrl}}}", {}))
    assert "https://t/abc" == found.payload["data"]["llmCalls"]["nodes"][0]["traceUrl"]
