"""Recording by a program: the same answer, one act, and nothing done where it is left."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from promptgraph.graph.fast.deopt import DeoptError, Reason, UnansweredError
from promptgraph.graph.loaders import Context, Loaders
from promptgraph.graph.wire import encoded
from promptgraph.store.call_tables import LLM_CALLS
from promptgraph.store.database import Database
from tests.graph.both import context, fast, program, standard
from tests.graph.fast.test_program import Nobody
from tests.graph.recording import RECORD, SCORE, call, call_id, recorded

ONE = """mutation($i:LlmCallInput!){recordLlmCall(input:$i){duplicate warnings{code field message}
  errors{code field message retryable}
  llmCall{callId prompt{name family{latest{version}}} agent{name} scores{name}}}}"""


async def stored(db: Database) -> int:
    async with db.read() as session:
        return int((await session.execute(select(func.count()).select_from(LLM_CALLS))).scalar_one())


async def both(db: Database, query: str, **sent: Any) -> Any:
    """The program's answer; the standard one, to the same again, says the same but for what is stored now."""
    quick = await fast(db, query, **sent)
    again = await standard(db, query, **sent)
    assert encoded(await fast(db, query, **sent)) == encoded(again)
    return quick


async def test_a_batch_is_recorded(stocked: Database) -> None:
    """Row by row: what is stored, what was before, and what is refused."""
    rows = [call(1, agent="new"), call(2, latencyMs=-1), call(3, promptId="zz"), call(1, agent="new")]
    found = (await both(stocked, RECORD, i=rows))["recordLlmCalls"]
    assert ["RECORDED", "REJECTED", "REJECTED", "DUPLICATE"] == [each["status"] for each in found["results"]]
    assert (1, 1, 2) == (found["recorded"], found["duplicates"], found["rejected"])
    assert 1 == await stored(stocked)


async def test_one_call_is_recorded(stocked: Database) -> None:
    """With what is asked of it, links included."""
    found = (await both(stocked, ONE, i=call(1, agent="new")))["recordLlmCall"]
    assert ("support/answer", "new") == (
        found["llmCall"]["prompt"]["name"],
        found["llmCall"]["agent"]["name"],
    )
    refused = (await both(stocked, ONE, i=call(2, startedAt="1999-01-01T00:00:00Z")))["recordLlmCall"]
    assert [None, ["TOO_OLD"]] == [refused["llmCall"], [error["code"] for error in refused["errors"]]]


async def test_scores_are_stored(stocked: Database) -> None:
    """Of what is known, with the call as it is then."""
    await recorded(stocked, call(1))
    rows = [
        {"callId": call_id(1), "name": "good", "value": 1},
        {"callId": call_id(9), "name": "good", "value": 1},
    ]
    found = (await fast(stocked, SCORE, i=rows))["scoreLlmCalls"]["results"]
    assert [None, "NOT_FOUND"] == [each["error"] and each["error"]["code"] for each in found]
    assert [{"name": "good", "value": 1.0}] == found[0]["llmCall"]["scores"]


async def test_several_are_done_in_order(stocked: Database) -> None:
    """One after the other, as the standard executor does; a constant is read as any."""
    query = """mutation($a:[LlmCallInput!]!,$b:Boolean=true){
      first:recordLlmCalls(input:$a){recorded} __typename
      second:recordLlmCall(input:{callId:"%s",model:"m",promptId:"%s"}) @include(if:$b){duplicate}
      third:recordLlmCalls(input:$a){duplicates}}"""
    row = call(1)
    found = await fast(stocked, query % (call_id(2), row["promptId"]), a=[row])
    assert {"recorded": 1} == found["first"]
    assert ["first", "__typename", "second", "third"] == list(found)
    assert {"duplicates": 1} == found["third"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"i": None},
        {"i": [{"model": 7}]},
        {"i": [call(1), {**call(2), "unknown": 1}]},
        {"i": [call(1), None]},
    ],
    ids=["nothing", "null", "another type", "an unknown field", "no row"],
)
async def test_what_does_not_fit_is_left_before_anything_is_done(stocked: Database, sent: Any) -> None:
    """Nothing is stored: the standard executor may do it."""
    with pytest.raises(DeoptError) as caught:
        await fast(stocked, RECORD, **sent)
    assert Reason.VARIABLES is caught.value.reason
    assert 0 == await stored(stocked)


class Scoreless(Loaders):
    """Finds nothing where a list of scores must be."""

    @property
    def scores(self) -> Nobody:  # type: ignore[override]  # a loader that breaks its word
        return Nobody()


async def test_what_is_done_is_never_left(stocked: Database) -> None:
    """Where the answer cannot be made, that is said: nobody records again."""
    shared = context(stocked)

    async def settle(act: Any) -> Any:
        done = await Context.settle(shared, act)
        shared.load = Scoreless(shared.load.read)
        return done

    shared.settle = settle  # type: ignore[method-assign]  # what comes after the act is to fail
    with pytest.raises(UnansweredError):
        await program(ONE).run(shared, {"i": call(1)})
    assert 1 == await stored(stocked)


async def test_programs_say_whether_they_decode() -> None:
    """Those whose rows are a variable; others are coerced as ever."""
    assert program(RECORD).decodes
    assert program(ONE).decodes
    assert not program(SCORE).decodes
    assert not program('mutation{recordLlmCall(input:{model:"m"}){duplicate}}').decodes
