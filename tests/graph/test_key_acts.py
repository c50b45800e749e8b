"""Keys by the API, and what the API shows whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from promptgraph.domain.key_form import presented
from promptgraph.domain.keys import UNBOUND, Bindings, Caller, Scope
from promptgraph.graph.answer import Answer, Kind
from promptgraph.graph.executors import Executing
from promptgraph.graph.request import Request, Way
from promptgraph.store.api_keys import keys_by_public_id
from promptgraph.store.database import Database
from tests.graph.registry import ask, pipeline

CREATE = """mutation($i:CreateApiKeyInput!){
  createApiKey(input:$i){key{publicId name scopes} secret errors{code field}}
}"""
REVOKE = "mutation($i:RevokeApiKeyInput!){revokeApiKey(input:$i){key{publicId revokedAt} errors{code field}}}"
KEYS = "{apiKeys{id publicId name scopes createdAt expiresAt revokedAt lastUsedAt}}"
RECORD = """mutation($i:[LlmCallInput!]!){
  recordLlmCalls(input:$i){recorded duplicates results{status error{code field}}}
}"""
STORED = "mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){results{llmCall{callId metadata}}}}"
SCORE = "mutation($i:[ScoreInput!]!){scoreLlmCalls(input:$i){results{error{code}}}}"
LABEL = "mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){move{movedBy} errors{code}}}"


async def told(
    db: Database,
    query: str,
    scopes: set[Scope],
    bindings: Bindings = UNBOUND,
    *,
    fast: bool = True,
    **variables: Any,
) -> Answer:
    """What a caller with a key is told."""
    way = Way(caller=Caller("abcdefghijkl", "test", frozenset(scopes), bindings))
    return await pipeline(db, executing=Executing(fast)).answer(Request(query, variables), way)


def code(answer: Answer) -> str:
    """The code of an answer that is nothing but one error at the top."""
    (error,) = answer.payload["errors"]
    assert answer.payload.get("data") is None
    return str(error["extensions"]["code"])


async def prompt_id(db: Database) -> str:
    found = await ask(db, '{prompt(name:"support/triage"){id}}')
    return str(found["prompt"]["id"])


async def test_a_key_is_made_shown_once_and_taken_back(db: Database) -> None:
    """The secret is in the answer that makes it, and in no other."""
    made = (await ask(db, CREATE, i={"name": "ci", "scopes": ["SYNC", "READ"]}))["createApiKey"]
    assert ("ci", ["READ", "SYNC"], []) == (made["key"]["name"], made["key"]["scopes"], made["errors"])
    async with db.read() as session:
        kept = await keys_by_public_id(session, [made["key"]["publicId"]])
    public_id, secret_hash = presented(made["secret"])
    assert secret_hash == kept[public_id].secret_hash
    (listed,) = (await ask(db, KEYS))["apiKeys"]
    assert (public_id, None, None) == (listed["publicId"], listed["revokedAt"], listed["lastUsedAt"])
    assert made["secret"] not in str(listed)
    taken = (await ask(db, REVOKE, i={"publicId": public_id}))["revokeApiKey"]
    assert taken["key"]["revokedAt"] is not None
    assert taken == (await ask(db, REVOKE, i={"publicId": public_id}))["revokeApiKey"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": " "}, ("INVALID_INPUT", "name")),
        ({"scopes": []}, ("INVALID_INPUT", "scopes")),
        ({"agents": []}, ("INVALID_INPUT", "agents")),
        ({"namePrefix": "support/", "scopes": ["ADMIN"]}, ("INVALID_INPUT", "scopes")),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("INVALID_INPUT", "expiresAt")),
    ],
    ids=["no name", "no scope", "no agent", "bound admin", "expired"],
)
async def test_says_what_no_key_can_be(db: Database, given: dict[str, Any], error: tuple[str, str]) -> None:
    """Nothing is made, and the error names the field."""
    made = (await ask(db, CREATE, i={"name": "ci", "scopes": ["READ"]} | given))["createApiKey"]
    assert (None, None) == (made["key"], made["secret"])
    assert [error] == [(each["code"], each["field"]) for each in made["errors"]]
    assert [] == (await ask(db, KEYS))["apiKeys"]


async def test_an_unknown_scope_and_an_unknown_key_are_said(db: Database) -> None:
    """The one by the schema, the other by the act."""
    found = await told(db, CREATE, {Scope.ADMIN}, i={"name": "ci", "scopes": ["WRITE"]})
    assert Kind.REFUSED is found.kind
    taken = (await ask(db, REVOKE, i={"publicId": "000000000000"}))["revokeApiKey"]
    assert (None, [{"code": "NOT_FOUND", "field": "publicId"}]) == (taken["key"], taken["errors"])


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "standard"])
async def test_a_missing_scope_is_one_error_at_the_top(stocked: Database, *, fast: bool) -> None:
    """By both executors, and nothing is executed: neither read nor written."""
    row = {"model": "m", "promptId": await prompt_id(stocked)}
    cases: list[tuple[str, set[Scope], dict[str, Any]]] = [
        ("{prompts{nodes{name}}}", {Scope.RECORD, Scope.SYNC, Scope.ADMIN}, {}),
        (RECORD, {Scope.READ, Scope.SYNC, Scope.ADMIN}, {"i": [row]}),
        (KEYS, {Scope.READ, Scope.RECORD, Scope.SYNC}, {}),
    ]
    for query, scopes, variables in cases:
        found = await told(stocked, query, scopes, fast=fast, **variables)
        assert (Kind.FORBIDDEN, "FORBIDDEN") == (found.kind, code(found))
    assert 0 == (await ask(stocked, "{metrics{calls}}"))["metrics"]["calls"]


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "standard"])
async def test_who_records_reads_nothing_that_is_stored(stocked: Database, *, fast: bool) -> None:
    """Not through a duplicate either: it says that it is one, and no more."""
    row = {"callId": "0193a5c0-0000-7000-8000-000000000001", "model": "m", "metadata": {"a": "secret"}}
    row |= {"promptId": await prompt_id(stocked)}
    for expected in ((1, 0), (0, 1)):
        found = await told(stocked, RECORD, {Scope.RECORD}, fast=fast, i=[row])
        did = found.payload["data"]["recordLlmCalls"]
        assert expected == (did["recorded"], did["duplicates"])
    other = await told(stocked, RECORD, {Scope.RECORD}, fast=fast, i=[row | {"metadata": {"a": "b"}}])
    assert "IDEMPOTENCY_CONFLICT" in str(other.payload)
    assert "secret" not in str(other.payload)
    assert "FORBIDDEN" == code(await told(stocked, STORED, {Scope.RECORD}, fast=fast, i=[row]))
    both = await told(stocked, STORED, {Scope.RECORD, Scope.READ}, fast=fast, i=[row])
    assert Kind.DATA is both.kind


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "standard"])
async def test_a_row_outside_the_bindings_is_rejected_alone(stocked: Database, *, fast: bool) -> None:
    """The others of its batch are recorded."""
    row = {"model": "m", "promptId": await prompt_id(stocked), "environment": "staging"}
    bindings = Bindings(environments=frozenset({"staging"}), name_prefix="support/")
    rows = [row, row | {"environment": "production"}, row]
    found = await told(stocked, RECORD, {Scope.RECORD}, bindings, fast=fast, i=rows)
    results = found.payload["data"]["recordLlmCalls"]["results"]
    assert ["RECORDED", "REJECTED", "RECORDED"] == [each["status"] for each in results]
    assert {"code": "FORBIDDEN", "field": "environment"} == results[1]["error"]


async def test_to_a_bound_key_calls_of_others_are_not_there(stocked: Database) -> None:
    """It scores its own; of others' it learns as much as of none."""
    ids = [f"0193a5c0-0000-7000-8000-00000000000{n}" for n in range(3)]
    row = {"model": "m", "promptId": await prompt_id(stocked)}
    facts = ({"agent": "mine", "environment": "staging"}, {"agent": "other", "environment": "staging"})
    for id_, more in zip(ids, facts, strict=False):
        await ask(stocked, RECORD, i=[row | {"callId": id_} | more])
    bindings = Bindings(frozenset({"mine"}), frozenset({"staging"}), "support/")
    scores = [{"callId": id_, "name": "good", "value": 1.0} for id_ in ids]
    found = await told(stocked, SCORE, {Scope.RECORD}, bindings, i=scores)
    results = found.payload["data"]["scoreLlmCalls"]["results"]
    assert [None, {"code": "NOT_FOUND"}, {"code": "NOT_FOUND"}] == [each["error"] for each in results]


async def test_a_label_of_git_takes_an_admin_to_override(stocked: Database) -> None:
    """And its history names the key that moved it."""
    given = {
        "name": "support/triage",
        "label": "production",
        "version": 2,
        "override": True,
        "reason": "fire",
    }
    assert "FORBIDDEN" == code(await told(stocked, LABEL, {Scope.SYNC}, i=given))
    found = await told(stocked, LABEL, {Scope.SYNC, Scope.ADMIN}, i=given)
    assert {"movedBy": "key abcdefghijkl"} == found.payload["data"]["setPromptLabel"]["move"]


async def test_a_key_may_say_when_it_ends(db: Database) -> None:
    """To the second, by the caller's clock."""
    at = (dt.datetime.now(dt.UTC) + dt.timedelta(days=90)).replace(microsecond=0)
    await ask(db, CREATE, i={"name": "ci", "scopes": ["READ"], "expiresAt": at.isoformat()})
    (listed,) = (await ask(db, KEYS))["apiKeys"]
    assert at == dt.datetime.fromisoformat(listed["expiresAt"])
