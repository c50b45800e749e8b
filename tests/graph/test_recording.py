"""Recording and scoring calls through the graph: what is stored, once, and how a row is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.graph.pipeline import Kind, Request
from promptgraph.store.database import Database
from tests.graph.recording import (
    ANSWER,
    RECORD,
    SUMMARIZE,
    call,
    call_id,
    record,
    recorded,
    score,
)
from tests.graph.registry import FILES, ask, pipeline, refused, sync

ONE = """mutation($i:LlmCallInput!){recordLlmCall(input:$i){
  llmCall{callId prompt{name version} agent{name declared} status environment costUsd costSource}
  duplicate warnings{code field} errors{code field message retryable}}}"""
DEEP: Any = 1
for _ in range(12):
    DEEP = [DEEP]


async def test_a_call_is_recorded_once(db: Database) -> None:
    """The call with its prompt and an agent that nobody declared; the same again is a duplicate."""
    await sync(db, FILES)
    given = call(1, agent="Ad hoc", costUsd="0.0125", status=None, environment=None)
    first = (await ask(db, ONE, i=given))["recordLlmCall"]
    assert {
        "llmCall": {
            "callId": call_id(1),
            "prompt": {"name": "support/answer", "version": 2},
            "agent": {"name": "Ad hoc", "declared": False},
            "status": "OK",
            "environment": "default",
            "costUsd": "0.0125",
            "costSource": "REPORTED",
        },
        "duplicate": False,
        "warnings": [],
        "errors": [],
    } == first
    assert first | {"duplicate": True} == (await ask(db, ONE, i=given))["recordLlmCall"]


async def test_other_content_under_the_same_id_is_refused(db: Database) -> None:
    """The first call stays; in one batch, too."""
    await sync(db, FILES)
    done = await record(db, call(1), call(1), call(1, model="other"), call(2))
    assert ["RECORDED", "DUPLICATE", "REJECTED", "RECORDED"] == [row["status"] for row in done["results"]]
    assert (2, 1, 1) == (done["recorded"], done["duplicates"], done["rejected"])
    assert "IDEMPOTENCY_CONFLICT" == done["results"][2]["error"]["code"]
    (again,) = (await record(db, call(1, model="third")))["results"]
    assert ("REJECTED", "IDEMPOTENCY_CONFLICT", "callId", False, None) == (
        again["status"],
        *(again["error"][name] for name in ("code", "field", "retryable")),
        again["llmCall"],
    )
    assert {"llmCall": {"model": "gpt-5-mini"}} == await ask(
        db, f'{{llmCall(callId:"{call_id(1)}"){{model}}}}'
    )


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"promptId": None}, "INVALID_INPUT", "promptId"),
        ({"promptId": ""}, "INVALID_INPUT", "promptId"),
        ({"promptId": "x\x00"}, "INVALID_INPUT", "promptId"),
        ({"promptId": global_id("Agent", "support-bot")}, "INVALID_INPUT", "promptId"),
        ({"promptId": "999999"}, "NOT_FOUND", "promptId"),
        ({"promptId": global_id("Prompt", "support/answer", 99)}, "NOT_FOUND", "promptId"),
        ({"promptHash": "0" * 64}, "PROMPT_MISMATCH", "promptHash"),
        ({"promptHash": "no hash"}, "INVALID_INPUT", "promptHash"),
        ({"label": "No label"}, "INVALID_INPUT", "label"),
        ({"model": ""}, "INVALID_INPUT", "model"),
        ({"model": "a\x00b"}, "INVALID_INPUT", "model"),
        ({"agent": "x" * 129}, "INVALID_INPUT", "agent"),
        ({"inputTokens": -1}, "INVALID_INPUT", "inputTokens"),
        ({"attempt": 1001}, "INVALID_INPUT", "attempt"),
        ({"latencyMs": -0.5}, "INVALID_INPUT", "latencyMs"),
        ({"latencyMs": 1e300}, "INVALID_INPUT", "latencyMs"),
        ({"costUsd": "-1"}, "INVALID_INPUT", "costUsd"),
        ({"costUsd": "0.0000000001"}, "INVALID_INPUT", "costUsd"),
        ({"startedAt": "9999-01-01T00:00:00Z"}, "INVALID_INPUT", "startedAt"),
        ({"startedAt": "1969-07-20T20:17:00Z"}, "TOO_OLD", "startedAt"),
        ({"variables": [1]}, "INVALID_INPUT", "variables"),
        ({"output": "a\x00"}, "INVALID_INPUT", "output"),
        ({"output": "\ud800"}, "INVALID_INPUT", "output"),
        ({"output": DEEP}, "INVALID_INPUT", "output"),
        ({"output": 2**60}, "INVALID_INPUT", "output"),
        ({"metadata": {"a": "x" * 1_000_000}}, "INVALID_INPUT", "metadata"),
        ({"errorMessage": "x" * 5000}, "INVALID_INPUT", "errorMessage"),
    ],
)
async def test_a_wrong_value_rejects_its_row_alone(
    db: Database, wrong: dict[str, Any], code: str, field: str
) -> None:
    """The rows beside it are stored; the result stands at the row's place."""
    await sync(db, FILES)
    done = await record(db, call(1), call(2, **wrong), call(3))
    assert ["RECORDED", "REJECTED", "RECORDED"] == [row["status"] for row in done["results"]]
    error = done["results"][1]["error"]
    assert (code, field, False) == (error["code"], error["field"], error["retryable"])
    assert {"llmCalls": {"totalCount": 2}} == await ask(db, "{llmCalls{totalCount}}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"callId": "no-uuid"},
        {"callId": "{0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90}"},
        {"inputTokens": 2**31},
        {"inputTokens": 1.5},
        {"latencyMs": "NaN"},
        {"costUsd": "NaN"},
        {"costUsd": "free"},
        {"costUsd": True},
        {"startedAt": "2026-11-22T09:00:00"},
        {"status": "FINE"},
        {"model": None},
        {"finishReasons": [None]},
        {"nothing": 1},
    ],
    ids=str,
)
async def test_what_the_types_refuse_refuses_the_request(db: Database, wrong: dict[str, Any]) -> None:
    """Nothing is stored; the message names the row."""
    await sync(db, FILES)
    found = (await pipeline(db).answer(Request(RECORD, {"i": [call(1), call(2, **wrong)]}))).payload
    (error,) = found["errors"]
    assert ("INVALID_INPUT", True) == (error["extensions"]["code"], "[1]" in error["message"])
    assert {"llmCalls": {"totalCount": 0}} == await ask(db, "{llmCalls{totalCount}}")


async def test_a_batch_has_a_bound(db: Database) -> None:
    """1001 rows are refused in the payload; none at all is no error."""
    many = await record(db, *(call(number) for number in range(1001)))
    assert ([], ["TOO_MANY_ROWS"]) == (many["results"], [error["code"] for error in many["errors"]])
    none = await record(db)
    assert {"results": [], "recorded": 0, "duplicates": 0, "rejected": 0, "errors": []} == none
    scored = await score(db, *({"callId": call_id(1), "name": "n", "value": 1} for _ in range(1001)))
    assert ["TOO_MANY_ROWS"] == [error["code"] for error in scored["errors"]]
    assert {"results": [], "errors": []} == await score(db)


async def test_a_thousand_rows_are_one_request(db: Database) -> None:
    """A batch of the largest size is stored whole; an id is made where none was sent."""
    await sync(db, FILES)
    rows = [call(number) for number in range(999)] + [call(999, callId=None)]
    done = await record(db, *rows)
    assert (1000, []) == (done["recorded"], done["errors"])
    assert done["results"][999]["callId"] == done["results"][999]["llmCall"]["callId"] is not None


async def test_what_does_not_fit_is_recorded_with_a_warning(db: Database) -> None:
    """A call that happened is a fact."""
    await sync(db, FILES)
    done = await record(db, call(1, promptId=SUMMARIZE, variables={"tread": "a"}))
    (row,) = done["results"]
    assert ("RECORDED", ["VARIABLES_MISFIT"]) == (row["status"], [w["code"] for w in row["warnings"]])


async def test_a_prompt_is_named_by_either_id(db: Database) -> None:
    """The global one, or the digits of the row's own; retired prompts are recorded, too."""
    await sync(db, FILES)
    number = (await ask(db, '{prompt(name:"summarize/thread"){databaseId}}'))["prompt"]["databaseId"]
    await sync(db, {path: text for path, text in FILES.items() if not path.startswith("summarize")})
    await recorded(db, call(1, promptId=str(number)), call(2, promptId=number), call(3, promptId=SUMMARIZE))
    found = await ask(db, "{llmCalls{nodes{prompt{name}}}}")
    assert ["summarize/thread"] * 3 == [node["prompt"]["name"] for node in found["llmCalls"]["nodes"]]


async def test_copies_at_once_are_stored_once(db: Database) -> None:
    """300 copies of 10 calls, side by side: 10 rows, metrics of 10, and 300 answers that agree."""
    await sync(db, FILES)
    line = pipeline(db, seconds=60)
    batch = [call(number, inputTokens=7, costUsd="0.000000001") for number in range(10)]
    answers = await asyncio.gather(*(line.answer(Request(RECORD, {"i": batch})) for _ in range(300)))
    assert [] == [error for found in answers for error in found.payload.get("errors", ())]
    payloads = [found.payload["data"]["recordLlmCalls"] for found in answers]
    assert (10, 2990, 0) == tuple(
        sum(done[name] for done in payloads) for name in ("recorded", "duplicates", "rejected")
    )
    calls = {tuple(row["llmCall"]["callId"] for row in done["results"]) for done in payloads}
    assert {tuple(call_id(number) for number in range(10))} == calls
    found = await ask(db, "{llmCalls{totalCount} metrics{calls inputTokens costUsd}}")
    assert {
        "llmCalls": {"totalCount": 10},
        "metrics": {"calls": 10, "inputTokens": 70, "costUsd": "0.00000001"},
    } == found


async def test_a_database_out_of_reach_is_no_row(empty: Database) -> None:
    """Top-level, with the code that says to try again; nothing of the inside."""
    found = await pipeline(empty).answer(Request(RECORD, {"i": [call(1)]}))
    assert Kind.UNAVAILABLE is found.kind
    assert [("UNAVAILABLE", None)] == await refused(empty, ONE, i=call(1))


# ---------------------------------------------------------------- scores


async def test_the_last_score_stays(db: Database) -> None:
    """One for each call, name and source; figures follow."""
    await sync(db, FILES)
    await recorded(db, call(1), call(2))
    first = {"callId": call_id(1), "name": "helpful", "value": 0.25, "source": None}
    await score(db, first, first | {"callId": call_id(2), "value": 0.5})
    done = await score(
        db, first | {"value": 0.75, "comment": "Better."}, first | {"source": "judge", "label": "ok"}
    )
    kept, other = done["results"]
    assert ("helpful", 0.75, None, "Better.", "api") == tuple(
        kept["score"][name] for name in ("name", "value", "label", "comment", "source")
    )
    assert ("judge", "ok", 0.25) == tuple(other["score"][name] for name in ("source", "label", "value"))
    assert [{"name": "helpful", "value": 0.75}, {"name": "helpful", "value": 0.25}] == kept["llmCall"][
        "scores"
    ]
    found = await ask(db, "{metrics{scores{name count mean}}}")
    assert {"metrics": {"scores": [{"name": "helpful", "count": 3, "mean": 0.5}]}} == found


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"callId": call_id(9)}, "NOT_FOUND", "callId"),
        ({"name": ""}, "INVALID_INPUT", "name"),
        ({"name": "a\x00"}, "INVALID_INPUT", "name"),
        ({"value": None}, "INVALID_INPUT", "value"),
        ({"value": 1e300}, "INVALID_INPUT", "value"),
        ({"source": ""}, "INVALID_INPUT", "source"),
        ({"comment": "\x00"}, "INVALID_INPUT", "comment"),
    ],
)
async def test_a_wrong_score_rejects_its_row_alone(
    db: Database, wrong: dict[str, Any], code: str, field: str
) -> None:
    """The scores beside it are stored."""
    await sync(db, FILES)
    await recorded(db, call(1))
    good = {"callId": call_id(1), "name": "n", "value": 1}
    done = await score(db, good | {"name": "first"}, good | wrong, good | {"name": "last"})
    assert [None, {"code": code, "field": field}, None] == [row["error"] for row in done["results"]]
    assert ["first", None, "last"] == [row["score"] and row["score"]["name"] for row in done["results"]]


async def test_mutations_of_one_request_see_each_other(db: Database) -> None:
    """What was recorded can be scored in the same request."""
    await sync(db, FILES)
    query = (
        "mutation($c:LlmCallInput!,$s:[ScoreInput!]!){recordLlmCall(input:$c){llmCall{scores{name}}}"
        " scoreLlmCalls(input:$s){results{llmCall{scores{name}}}}}"
    )
    found = await ask(db, query, c=call(1), s=[{"callId": call_id(1), "name": "n", "label": "good"}])
    assert [] == found["recordLlmCall"]["llmCall"]["scores"]
    assert [{"name": "n"}] == found["scoreLlmCalls"]["results"][0]["llmCall"]["scores"]


async def test_the_text_of_a_prompt_is_on_no_call(db: Database) -> None:
    """A sentence of the template is found in no answer about the call but its prompt's."""
    await sync(db, FILES)
    await recorded(db, call(1, promptId=ANSWER, variables={"question": "why", "plan": "team"}))
    found = await ask(db, f'{{llmCall(callId:"{call_id(1)}"){{variables output metadata promptText}}}}')
    assert {
        "variables": {"question": "why", "plan": "team"},
        "output": None,
        "metadata": {},
        "promptText": None,
    } == found["llmCall"]


async def test_what_a_row_answers_is_paid_for_each_row(empty: Database) -> None:
    """A thousand rows may not each ask for what a page of twenty may."""
    query = RECORD.replace("llmCall{callId}", "llmCall{renderedPrompt{text}}")
    found = (await pipeline(empty).answer(Request(query, {"i": []}))).payload
    assert "cost" in found["errors"][0]["message"]
