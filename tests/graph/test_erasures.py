"""What a client sees of the content policy, and of erasing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from promptgraph.graph import erasures
from promptgraph.record import pace
from promptgraph.record.keeping import Hasher
from promptgraph.store.database import Database
from tests.graph.both import agreed
from tests.graph.recording import ANSWER, ERASE, SUMMARIZE, call, call_id, record, recorded, score
from tests.graph.registry import FILES, ask, sync
from tests.recorders import KEY

ABOUT: dict[str, Any] = {
    "variables": {"question": "why", "plan": "team"},
    "output": "because",
    "metadata": {"k": 1},
    "userId": "u",
    "conversationId": "c",
    "traceId": "t",
    "spanId": "s",
}
CALL = """query($id:UUID!){llmCall(callId:$id){contentState contentParts{variables output metadata}
  contentHashes{key variables output metadata} redacted variables output metadata renderedPrompt{text}
  userId conversationId traceId spanId errorMessage}}"""
FULL, HASHED, NONE, ERASED = (
    dict.fromkeys(("variables", "output", "metadata"), state)
    for state in ("FULL", "HASHED", "NONE", "ERASED")
)
SEEN = {
    "production": ("FULL", FULL),
    "hashed": ("HASHED", HASHED),
    "silent": ("NONE", NONE),
    "mixed": ("NONE", {"variables": "HASHED", "output": "NONE", "metadata": "FULL"}),
}


async def erase(db: Database, **given: Any) -> dict[str, Any]:
    """The payload of an erasure that is no dry run, unless it says so."""
    return dict((await ask(db, ERASE, i={"reason": "asked", "dryRun": False, **given}))["eraseCalls"])


async def seen(db: Database, number: int) -> dict[str, Any]:
    """A call, as both executors answer it."""
    return dict((await agreed(db, CALL, id=call_id(number)))["llmCall"])


@pytest.fixture
async def one(stocked: Database) -> Database:
    await recorded(stocked, call(1, **ABOUT))
    return stocked


@pytest.mark.parametrize(("environment", "state", "parts"), [(k, *v) for k, v in SEEN.items()], ids=SEEN)
async def test_a_call_says_what_is_stored_of_it(
    stocked: Database, environment: str, state: str, parts: dict[str, str]
) -> None:
    """As a whole and part by part; where its variables are not stored it is not rendered again."""
    await recorded(stocked, call(1, **ABOUT, environment=environment))
    found = await seen(stocked, 1)
    assert (state, parts, []) == (found["contentState"], found["contentParts"], found["redacted"])
    for part, level in parts.items():
        assert (ABOUT[part] if level == "FULL" else {} if part == "metadata" else None) == found[part]
    assert ("FULL" == parts["variables"]) == (found["renderedPrompt"] is not None)
    assert ("HASHED" in parts.values()) == (found["contentHashes"] is not None)


async def test_equal_values_are_found_equal(stocked: Database) -> None:
    """By their hashes, which only the server's key can make."""
    rows = [
        call(1, **ABOUT, environment="hashed"),
        call(2, **ABOUT | {"output": "why"}, environment="hashed"),
    ]
    await recorded(stocked, *rows)
    first, second = [(await seen(stocked, number))["contentHashes"] for number in (1, 2)]
    hasher = Hasher(KEY)
    assert {"key": hasher.key_id, "output": hasher.hashed("output", "because")}.items() <= first.items()
    assert first["variables"]["question"] == second["output"] != first["output"]


async def test_a_file_says_what_may_be_stored(db: Database) -> None:
    """Of the calls of its prompt, whatever its version; the stricter of file and setting counts."""
    await sync(db, {**FILES, "summarize/thread.prompt.yaml": FILES["summarize/thread.prompt.yaml"] + RECORD})
    query = '{promptFamily(name:"summarize/thread"){storedOfCalls{variables output metadata}}}'
    wanted = {"variables": "NONE", "output": "HASHED", "metadata": "FULL"}
    assert wanted == (await agreed(db, query))["promptFamily"]["storedOfCalls"]
    await recorded(db, call(1, **ABOUT, promptId=SUMMARIZE), call(2, **ABOUT))
    assert wanted == (await seen(db, 1))["contentParts"]
    assert FULL == (await seen(db, 2))["contentParts"]


RECORD = "record: {variables: none, output: hashed}\n"


@pytest.mark.parametrize(
    "way",
    [{"callIds": [call_id(1), call_id(9)]}, {"userId": "u"}, {"conversationId": "c"}],
    ids=["ids", "user", "conversation"],
)
async def test_erasing_is_seen_at_once(one: Database, way: dict[str, Any]) -> None:
    """A dry run, which is the default, changes nothing; then the call holds nothing, and its figures stay."""
    await score(one, {"callId": call_id(1), "name": "kind", "value": 1, "comment": "so"})
    figures = "{metrics{calls inputTokens latencyMs{mean} scores{name mean}}}"
    before, counted = await seen(one, 1), await ask(one, figures)
    for dry in ({"dryRun": True}, {"dryRun": None}, {}):
        payload = await ask(one, ERASE, i={"reason": "asked", **way, **dry})
        assert {"erased": 1, "errors": []} == payload["eraseCalls"]
        assert before == await seen(one, 1)
    assert {"erased": 1, "errors": []} == await erase(one, **way)
    assert {
        **dict.fromkeys(before),
        "contentState": "ERASED",
        "contentParts": ERASED,
        "redacted": [],
        "metadata": {},
    } == await seen(one, 1)
    assert counted == await ask(one, figures)
    assert {"erased": 0, "errors": []} == await erase(one, **way)


async def test_a_retry_of_an_erased_call_is_a_duplicate(one: Database) -> None:
    """It brings nothing back."""
    await erase(one, userId="u")
    payload = await record(one, call(1, **ABOUT))
    assert 1 == payload["duplicates"]
    assert ERASED == (await seen(one, 1))["contentParts"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no way": ({}, "INVALID_INPUT", "callIds"),
    "two ways": ({"userId": "u", "conversationId": "c"}, "INVALID_INPUT", "callIds"),
    "no reason": ({"userId": "u", "reason": ""}, "INVALID_INPUT", "reason"),
    "no user": ({"userId": ""}, "INVALID_INPUT", "userId"),
    "a control character": ({"conversationId": "c\0"}, "INVALID_INPUT", "conversationId"),
    "no id": ({"callIds": []}, "TOO_MANY_ROWS", "callIds"),
    "too many ids": ({"callIds": [call_id(1)] * 1001}, "TOO_MANY_ROWS", "callIds"),
}


@pytest.mark.parametrize(("given", "code", "field"), REFUSED.values(), ids=REFUSED)
async def test_what_names_no_calls_erases_none(
    one: Database, given: dict[str, Any], code: str, field: str
) -> None:
    """The payload says which field is to blame, and nothing has changed."""
    payload = await erase(one, **given)
    assert [(code, field)] == [(each["code"], each["field"]) for each in payload["errors"]]
    assert 0 == payload["erased"]
    assert FULL == (await seen(one, 1))["contentParts"]


async def test_a_request_that_runs_out_of_time_says_what_it_did(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same again does the rest."""
    monkeypatch.setattr(erasures, "SECONDS", -1.0)
    monkeypatch.setattr(pace, "FIRST_BATCH", 1)
    await recorded(one, call(2, **ABOUT), call(3, userId="u", promptId=ANSWER))
    found = [await erase(one, userId="u") for _ in range(3)]
    assert [1, 1, 1] == [payload["erased"] for payload in found]
    assert [("UNAVAILABLE", True)] * 3 == [
        (each["code"], each["retryable"]) for payload in found for each in payload["errors"]
    ]
    assert {"erased": 0, "errors": []} == await erase(one, userId="u")


async def test_no_answer_of_before_is_remembered(one: Database) -> None:
    """The answers to a page of calls, asked over and over, show what is stored now."""
    query = "{llmCalls{nodes{callId userId conversationId errorMessage contentState}}}"
    for _ in range(3):
        assert ["u"] == [node["userId"] for node in (await agreed(one, query))["llmCalls"]["nodes"]]
    await asyncio.gather(erase(one, userId="u"), erase(one, conversationId="c"))
    assert [(None, "ERASED")] == [
        (node["userId"], node["contentState"]) for node in (await agreed(one, query))["llmCalls"]["nodes"]
    ]
