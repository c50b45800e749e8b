"""Recording and scoring calls through the graph: what is stored, once, and how a row is refused."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import Table, select

from promptgraph.domain.names import global_id
from promptgraph.graph.answer import Kind
from promptgraph.graph.request import Request
from promptgraph.store.call_tables import (
    CALL_CONTENTS,
    CALL_SCORES,
    LLM_CALLS,
    RECORD_BATCHES,
    ROLLUPS,
)
from promptgraph.store.database import Database
from promptgraph.store.rollups import fold
from promptgraph.store.tables import PROMPTS
from tests.factories import prompt_yaml
from tests.graph.recording import (
    ANSWER,
    RECORD,
    SCORE,
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
LEAK = re.compile(r"SELECT|INSERT|sqlalchemy|Traceback|File \"|0x[0-9a-f]{6}")
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


WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"promptId": None}, "INVALID_INPUT", "promptId"),
    ({"promptId": ""}, "INVALID_INPUT", "promptId"),
    ({"promptId": "x\x00"}, "INVALID_INPUT", "promptId"),
    ({"promptId": "\ud800"}, "INVALID_INPUT", "promptId"),
    ({"promptId": 10**30}, "INVALID_INPUT", "promptId"),
    ({"promptId": global_id("Agent", "support-bot")}, "INVALID_INPUT", "promptId"),
    ({"promptId": "999999"}, "NOT_FOUND", "promptId"),
    ({"promptId": global_id("Prompt", "support/answer", 99)}, "NOT_FOUND", "promptId"),
    ({"promptId": global_id("Prompt", "of/another/registry", 1)}, "NOT_FOUND", "promptId"),
    ({"promptHash": "0" * 64}, "PROMPT_MISMATCH", "promptHash"),
    ({"promptHash": "no hash"}, "INVALID_INPUT", "promptHash"),
    ({"label": "No label"}, "INVALID_INPUT", "label"),
    ({"model": ""}, "INVALID_INPUT", "model"),
    ({"model": "a\x00b"}, "INVALID_INPUT", "model"),
    ({"model": "\ud800"}, "INVALID_INPUT", "model"),
    ({"agent": "x" * 129}, "INVALID_INPUT", "agent"),
    ({"environment": "a\nb"}, "INVALID_INPUT", "environment"),
    ({"finishReasons": ["\x00"]}, "INVALID_INPUT", "finishReasons"),
    ({"inputTokens": -1}, "INVALID_INPUT", "inputTokens"),
    ({"toolCallCount": -(2**31)}, "INVALID_INPUT", "toolCallCount"),
    ({"attempt": 1001}, "INVALID_INPUT", "attempt"),
    ({"latencyMs": -0.5}, "INVALID_INPUT", "latencyMs"),
    ({"latencyMs": 1e300}, "INVALID_INPUT", "latencyMs"),
    ({"timeToFirstTokenMs": -1}, "INVALID_INPUT", "timeToFirstTokenMs"),
    ({"costUsd": "-1"}, "INVALID_INPUT", "costUsd"),
    ({"costUsd": "1e99"}, "INVALID_INPUT", "costUsd"),
    ({"costUsd": "0.0000000001"}, "INVALID_INPUT", "costUsd"),
    ({"startedAt": "9999-01-01T00:00:00Z"}, "INVALID_INPUT", "startedAt"),
    ({"startedAt": "1969-07-20T20:17:00Z"}, "TOO_OLD", "startedAt"),
    ({"variables": [1]}, "INVALID_INPUT", "variables"),
    ({"variables": {"a\x00": 1}}, "INVALID_INPUT", "variables"),
    ({"variables": {"question": "x" * 300_000}}, "INVALID_INPUT", "variables"),
    ({"output": "a\x00"}, "INVALID_INPUT", "output"),
    ({"output": "\ud800"}, "INVALID_INPUT", "output"),
    ({"output": DEEP}, "INVALID_INPUT", "output"),
    ({"output": 2**60}, "INVALID_INPUT", "output"),
    ({"output": float("nan")}, "INVALID_INPUT", "output"),
    ({"metadata": []}, "INVALID_INPUT", "metadata"),
    ({"metadata": {"a": "x" * 1_000_000}}, "INVALID_INPUT", "metadata"),
    ({"errorMessage": "x" * 5000}, "INVALID_INPUT", "errorMessage"),
    ({"errorMessage": "\ud800"}, "INVALID_INPUT", "errorMessage"),
    ({"traceId": "\x00"}, "INVALID_INPUT", "traceId"),
)


async def test_a_wrong_value_rejects_its_row_alone(db: Database) -> None:
    """The rows beside it are stored; the result stands at the row's place, with a sentence that names it."""
    await sync(db, FILES)
    rows = [row for n, (wrong, _, _) in enumerate(WRONG) for row in (call(2 * n), call(2 * n + 1, **wrong))]
    done = await record(db, *rows)
    assert ["RECORDED", "REJECTED"] * len(WRONG) == [row["status"] for row in done["results"]]
    errors = [row["error"] for row in done["results"][1::2]]
    assert [(code, field, False) for _, code, field in WRONG] == [
        (error["code"], error["field"], error["retryable"]) for error in errors
    ]
    assert [] == [
        error["message"]
        for error in errors
        if not 20 < len(error["message"]) < 300 or LEAK.search(error["message"])
    ]
    assert {"llmCalls": {"totalCount": len(WRONG)}} == await ask(db, "{llmCalls{totalCount}}")


MISTYPED: tuple[dict[str, Any], ...] = (
    {"callId": "no-uuid"},
    {"callId": "\x00"},
    {"callId": "{0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90}"},
    {"promptId": 1.5},
    {"inputTokens": 2**31},
    {"inputTokens": 10**30},
    {"inputTokens": 1.5},
    {"inputTokens": "5"},
    {"inputTokens": True},
    {"latencyMs": "NaN"},
    {"latencyMs": float("nan")},
    {"latencyMs": float("inf")},
    {"costUsd": "NaN"},
    {"costUsd": float("inf")},
    {"costUsd": "free"},
    {"costUsd": True},
    {"startedAt": "2026-11-22T09:00:00"},
    {"startedAt": "9999-12-31T23:59:59-14:00"},
    {"startedAt": "2026-02-30T00:00:00Z"},
    {"status": "FINE"},
    {"model": None},
    {"finishReasons": [None]},
    {"nothing": 1},
)


async def test_what_the_types_refuse_refuses_the_request(db: Database) -> None:
    """Nothing is stored; the message names the row."""
    await sync(db, FILES)
    line = pipeline(db)
    for wrong in MISTYPED:
        found = (await line.answer(Request(RECORD, {"i": [call(1), call(2, **wrong)]}))).payload
        (error,) = found["errors"]
        assert ("INVALID_INPUT", True) == (error["extensions"]["code"], "[1]" in error["message"]), wrong
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


async def test_a_call_may_be_written_in_many_ways(db: Database) -> None:
    """In the document or as a variable, with nulls and empty lists or without: it is the same call."""
    await sync(db, FILES)
    await recorded(db, call(1, status="ERROR", finishReasons=["stop"]), call(2))
    inline = f"""mutation{{recordLlmCalls(input:{{callId:"{call_id(1)}",promptId:"{ANSWER}",
      model:"gpt-5-mini",provider:"openai",startedAt:"2026-11-22T09:00:00Z",status:ERROR,finishReasons:"stop",metadata:{{}}}}){{
      duplicates results{{error{{code}}}}}}}}"""
    assert 1 == (await ask(db, inline))["recordLlmCalls"]["duplicates"]
    blanks: dict[str, Any] = {
        "finishReasons": [],
        "metadata": {},
        "environment": "default",
        "status": "OK",
        "agent": None,
    }
    nulls = {"finishReasons": None, "metadata": None, "environment": None, "status": None, "output": None}
    done = await record(
        db, call(2, **blanks), call(2, **nulls), call(2, startedAt="2026-11-22T10:00:00+01:00")
    )
    assert (3, []) == (done["duplicates"], [row["error"] for row in done["results"] if row["error"]])


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


WRONG_SCORES: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"callId": call_id(9)}, "NOT_FOUND", "callId"),
    ({"name": ""}, "INVALID_INPUT", "name"),
    ({"name": "a\x00"}, "INVALID_INPUT", "name"),
    ({"name": "\ud800"}, "INVALID_INPUT", "name"),
    ({"name": "x" * 65}, "INVALID_INPUT", "name"),
    ({"value": None}, "INVALID_INPUT", "value"),
    ({"value": 1e300}, "INVALID_INPUT", "value"),
    ({"label": "x" * 201}, "INVALID_INPUT", "label"),
    ({"source": ""}, "INVALID_INPUT", "source"),
    ({"comment": "\x00"}, "INVALID_INPUT", "comment"),
    ({"comment": "x" * 5000}, "INVALID_INPUT", "comment"),
)


async def test_a_wrong_score_rejects_its_row_alone(db: Database) -> None:
    """The scores beside it are stored."""
    await sync(db, FILES)
    await recorded(db, call(1))
    good = {"callId": call_id(1), "value": 1}
    rows = [
        row
        for n, (wrong, _, _) in enumerate(WRONG_SCORES)
        for row in (good | {"name": f"n{n}"}, good | {"name": "n"} | wrong)
    ]
    done = (await score(db, *rows))["results"]
    assert [None] * len(WRONG_SCORES) == [row["error"] for row in done[::2]]
    assert [{"code": code, "field": field} for _, code, field in WRONG_SCORES] == [
        row["error"] for row in done[1::2]
    ]
    assert [(f"n{n}", True) for n in range(len(WRONG_SCORES))] == [
        (kept["score"]["name"], refused_["score"] is None)
        for kept, refused_ in zip(done[::2], done[1::2], strict=True)
    ]


@pytest.mark.parametrize(
    "wrong", [{"value": "NaN"}, {"value": float("inf")}, {"callId": "x"}, {"name": None}], ids=str
)
async def test_what_no_score_can_be_refuses_the_request(empty: Database, wrong: dict[str, Any]) -> None:
    """With the row, before a database is asked."""
    good = {"callId": call_id(1), "name": "n", "value": 1}
    found = (await pipeline(empty).answer(Request(SCORE, {"i": [good, good | wrong]}))).payload
    (error,) = found["errors"]
    assert ("INVALID_INPUT", True) == (error["extensions"]["code"], "[1]" in error["message"])


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


CALL_TABLES = (LLM_CALLS, CALL_CONTENTS, CALL_SCORES, RECORD_BATCHES, ROLLUPS)


async def everything(db: Database, *tables: Table) -> str:
    """All that these tables hold, as text."""
    async with db.read() as session:
        return "\n".join(
            [str(tuple(row)) for table in tables for row in await session.execute(select(table))]
        )


async def test_the_text_of_a_prompt_is_on_no_call(db: Database) -> None:
    """A sentence of a template is in no column of any table of calls, and in no answer about one."""
    canary = "The quick canary sings at noon"
    await sync(db, {"sing.prompt.yaml": prompt_yaml(1, f"{canary} for {{{{ name }}}}")})
    prompt = (await ask(db, '{prompt(name:"sing"){id contentHash render(variables:{name:"Ann"}){hash}}}'))[
        "prompt"
    ]
    sent = {"promptId": prompt["id"], "promptHash": prompt["contentHash"], "variables": {"name": "Annabel"}}
    await recorded(db, call(1, **sent, renderedHash=prompt["render"]["hash"], output="la", agent="bird"))
    await score(db, {"callId": call_id(1), "name": "tune", "value": 1})
    while await fold(db):
        pass
    found = await everything(db, *CALL_TABLES)
    assert canary not in found
    assert [] == [
        word for word in ("Annabel", "tune", "gpt-5-mini") if word not in found
    ]  # it sees what is there
    assert canary in await everything(db, PROMPTS)
    answered = await ask(db, f'{{llmCall(callId:"{call_id(1)}"){{variables output metadata promptText}}}}')
    assert {"variables": {"name": "Annabel"}, "output": "la", "metadata": {}, "promptText": None} == answered[
        "llmCall"
    ]


async def test_what_a_row_answers_is_paid_for_each_row(empty: Database) -> None:
    """A thousand rows may not each ask for what a page of twenty may."""
    query = RECORD.replace("llmCall{callId}", "llmCall{renderedPrompt{text}}")
    found = (await pipeline(empty).answer(Request(query, {"i": []}))).payload
    assert "cost" in found["errors"][0]["message"]
