"""What an operation asks of its caller."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from promptgraph.client.documents import AGENT, FAMILIES, NEWS, PROMPT, RECORDING, SYNC
from promptgraph.domain.errors import ForbiddenError
from promptgraph.domain.keys import UNBOUND, Bindings, Caller, Scope
from promptgraph.graph.reach import check_caller, reaches_of
from tests.graph.registry import schema

READ, RECORD, SYNC_, ADMIN = Scope.READ, Scope.RECORD, Scope.SYNC, Scope.ADMIN
SUPPORT = Bindings(name_prefix="support/")
BOT = Bindings(agents=frozenset({"bot"}))
STAGING = Bindings(environments=frozenset({"staging"}))
NAME = '{prompt(name:"support/triage"){name messages{content} family{latest{id}}}}'
RECORDS = "mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){results{status %s}}}"
RECORDINGS = [each.document for each in RECORDING.values()]


def allowed(query: str, bindings: Bindings, *scopes: Scope, **variables: Any) -> bool:
    """Whether a key with these scopes and bindings may ask this."""
    (reach,) = reaches_of(schema().core, parse(query))
    try:
        check_caller(reach, Caller("id", "test", frozenset(scopes), bindings), variables)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize(
    ("query", "scopes"),
    [
        ("{__typename}", set()),
        (NAME, {READ}),
        ('{node(id:"x"){... on LlmCall{callId}}}', {READ}),
        ("{serverInfo{revision}}", {READ}),
        ("{apiKeys{name}}", {ADMIN}),
        ("{apiKeys{__typename}}", {ADMIN}),
        ("{__schema{types{name}}}", {ADMIN}),
        ('{__type(name:"Prompt"){name}}', {ADMIN}),
        (RECORDS % "", {RECORD}),
        (RECORDS % "error{code} warnings{code}", {RECORD}),
        (RECORDS % "llmCall{callId}", {RECORD, READ}),
        (RECORDS % "llmCall{__typename}", {RECORD}),
        (RECORDS % "...a" + " fragment a on RecordResult{llmCall{...{prompt{name}}}}", {RECORD, READ}),
        ("mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){move{movedBy}}}", {SYNC_}),
        ("mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){move{to{name}}}}", {SYNC_, READ}),
        ("mutation($i:CreateApiKeyInput!){createApiKey(input:$i){secret}}", {ADMIN}),
        ("subscription{llmCallRecorded{callId}}", {READ}),
        ('{prompt(name:"a")@skip(if:true){name}}', {READ}),
        (PROMPT, {READ}),
        (SYNC, {SYNC_}),
        *((each, {RECORD}) for each in RECORDINGS),
        *((each, {READ}) for each in NEWS),
    ],
)  # fmt: skip
def test_finds_the_scopes_of_an_operation(query: str, scopes: set[Scope]) -> None:
    """Those of its fields together, wherever they stand; all of them, or it is refused."""
    (reach,) = reaches_of(schema().core, parse(query))
    assert scopes == reach.scopes
    assert allowed(query, UNBOUND, *scopes)
    for scope in scopes:
        assert not allowed(query, UNBOUND, *(set(Scope) - {scope}))


def test_each_operation_of_a_document_has_its_own() -> None:
    """Who executes the one needs nothing for the other."""
    found = reaches_of(schema().core, parse("query A{__typename} query B{apiKeys{name}}"))
    assert [frozenset(), {ADMIN}] == [each.scopes for each in found]


def test_many_fragments_take_no_longer_than_their_text() -> None:
    """Each is looked at once, however often it is spread."""
    spread = " ".join(f"fragment f{n} on Query{{...f{n + 1} ...f{n + 1}}}" for n in range(60))
    text = f'{{...f0}} {spread} fragment f60 on Query{{prompt(name:"support/x"){{name}}}}'
    (reach,) = reaches_of(schema().core, parse(text))
    assert {READ} == reach.scopes
    assert reach.named is not None
    assert 1 == len(reach.named)


# ---------------------------------------------------------------- bound keys


@pytest.mark.parametrize(
    ("query", "bindings", "variables"),
    [
        ("{__typename}", SUPPORT, {}),
        ("{serverInfo{revision mode version}}", STAGING, {}),
        (NAME, SUPPORT, {}),
        ("query($n:String!){prompt(name:$n){name}}", SUPPORT, {"n": "support/x"}),
        ('{promptFamily(name:"support/x"){versions{nodes{name}} labels{prompt{id}}}}', SUPPORT, {}),
        ('{a:prompt(name:"support/a"){id} b:prompt(name:"support/b"){id}}', SUPPORT, {}),
        ('{agent(name:"bot"){prompt(role:"a"){messages{content}} assignments{prompt{id}}}}', BOT, {}),
        (PROMPT, SUPPORT, {"name": "support/x", "label": "production", "orLatest": True}),
        (AGENT, BOT, {"name": "bot"}),
        *((each, bindings, {}) for each in RECORDINGS for bindings in (SUPPORT, BOT, STAGING)),
    ],
)
def test_who_is_bound_reads_what_it_names(query: str, bindings: Bindings, variables: dict[str, Any]) -> None:
    """Prompts by the prefix, agents by name; recording is held against the bindings row by row."""
    assert allowed(query, bindings, READ, RECORD, **variables)


@pytest.mark.parametrize(
    ("query", "bindings", "variables"),
    [
        ('{prompt(name:"billing/x"){name}}', SUPPORT, {}),
        ('{prompt(name:"Support/x"){name}}', SUPPORT, {}),
        ('{a:prompt(name:"support/a"){id} b:prompt(name:"billing/b"){id}}', SUPPORT, {}),
        ('{...f} fragment f on Query{prompt(name:"billing/b"){id}}', SUPPORT, {}),
        ('{prompt(name:"billing/b")@skip(if:true){id}}', SUPPORT, {}),
        ("query($n:String!){prompt(name:$n){name}}", SUPPORT, {"n": "billing/x"}),
        ("query($n:String!){prompt(name:$n){name}}", SUPPORT, {"n": 1}),
        ("query($n:String!){prompt(name:$n){name}}", SUPPORT, {}),
        ('query($n:String! ="billing/x"){prompt(name:$n){name}}', SUPPORT, {}),
        ('query($n:String! ="support/x"){prompt(name:$n){name}}', SUPPORT, {"n": "billing/x"}),
        (NAME, BOT, {}),
        (NAME, STAGING, {}),
        ('{agent(name:"other"){name}}', BOT, {}),
        ('{agent(name:"bot"){name}}', SUPPORT, {}),
        ('{agent(name:"bot"){name}}', Bindings(frozenset({"bot"}), None, "support/"), {}),
        ('{agent(name:"bot"){llmCalls{nodes{callId}}}}', BOT, {}),
        ('{agent(name:"bot"){metrics{calls}}}', BOT, {}),
        ('{prompt(name:"support/x"){llmCalls{nodes{callId}}}}', SUPPORT, {}),
        ('{prompt(name:"support/x"){metrics{calls}}}', SUPPORT, {}),
        ('{prompt(name:"support/x"){agents{nodes{name}}}}', SUPPORT, {}),
        ('{node(id:"x"){id}}', SUPPORT, {}),
        ("{prompts{nodes{name}}}", SUPPORT, {}),
        ("{agents{nodes{name}}}", BOT, {}),
        ("{llmCalls{nodes{callId}}}", BOT, {}),
        ("{metrics{calls}}", BOT, {}),
        ("{serverInfo{promptCount}}", SUPPORT, {}),
        (RECORDS % "llmCall{callId}", SUPPORT, {}),
        ("subscription{promptSynced{name}}", SUPPORT, {}),
        ('subscription{promptSynced(names:["support/x"]){name}}', SUPPORT, {}),
        (FAMILIES, SUPPORT, {}),
    ],
)
def test_who_is_bound_reads_nothing_else(query: str, bindings: Bindings, variables: dict[str, Any]) -> None:
    """What is not named by a binding stays closed, and so does what leads to others."""
    assert not allowed(query, bindings, *Scope, **variables)
