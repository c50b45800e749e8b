"""What is said of wrong values: where they are, in JSON's words, and never at length."""

from __future__ import annotations

import re
from typing import Any

import pytest

from promptgraph.graph.answer import Kind
from promptgraph.graph.request import Request
from promptgraph.graph.wording import MAX_ECHO, MAX_ERRORS, MAX_MESSAGE, plain, shown
from promptgraph.store.database import Database
from tests.graph.registry import pipeline

SYNC = "mutation($i:SyncPromptsInput!){syncPrompts(input:$i){errors{code}}}"
PAGE = "query($f:PromptFilter,$n:Int,$o:PromptOrder,$b:Boolean=true){prompts(filter:$f,first:$n,orderBy:$o)\
{totalCount @skip(if:$b)}}"
NODE = "query($i:ID!){node(id:$i){id}}"
LONG = "x" * 5000
PYTHON = re.compile(r"\b(True|False|None|Undefined)\b|[{\[]'|': ")
"""How Python writes values, and nobody else."""

VARIABLES = {
    "unknown key": (SYNC, {"i": {"files": [], "sourc": 1}}, "$i", '{"files": [], "sourc": 1}'),
    "missing key": (SYNC, {"i": {"files": [{"path": "a"}]}}, ".files[0]", '{"path": "a"}'),
    "null for a list": (SYNC, {"i": {"files": None}}, ".files", "null"),
    "null for everything": (SYNC, {"i": None}, "$i", "null"),
    "nothing": (SYNC, {}, "$i", "to be provided"),
    "a list": (SYNC, {"i": [True]}, "$i", "[true]"),
    "true for a text": (SYNC, {"i": {"files": [{"path": True, "text": ""}]}}, ".files[0].path", "true"),
    "null for a text": (SYNC, {"i": {"files": [{"path": "", "text": None}]}}, ".files[0].text", "null"),
    "too large a number": (SYNC, {"i": {"files": [], "sequence": 2**53}}, ".sequence", str(2**53)),
    "no time": (SYNC, {"i": {"files": [], "committedAt": "x"}}, ".committedAt", "RFC 3339"),
    "true for a number": (PAGE, {"n": True}, "$n", "true"),
    "an object for a number": (PAGE, {"n": {"a": [None, False]}}, "$n", '{"a": [null, false]}'),
    "a long text": (PAGE, {"b": LONG}, "$b", '"xxx'),
    "a long object": (PAGE, {"n": [{LONG: LONG}] * 99}, "$n", '{"xxx'),
    "a long key": (PAGE, {"f": {LONG: 1}}, "$f", "unknown field"),
    "no such word": (PAGE, {"o": {"field": "NAMES", "direction": "ASC"}}, ".field", '"NAMES"'),
    "a long word": (PAGE, {"o": {"field": LONG, "direction": "ASC"}}, ".field", '"xxx'),
    "true for a word": (PAGE, {"o": {"field": "NAME", "direction": True}}, ".direction", "true"),
    "null in a list": (PAGE, {"f": {"nameIn": ["a", None]}}, ".nameIn[1]", "null"),
    "an object for an id": (NODE, {"i": {"a": None}}, "$i", '{"a": null}'),
}
FILTER, NINES = "'filter' has invalid value", "9" * 5000
LITERALS = {
    "null for an id": ("{node(id:null){id}}", "'id'", "null"),
    "an object for an id": ('{node(id:{a:"' + LONG + '"}){id}}', "'id'", '{ a: "xxx'),
    "a number for true": ("{prompts(filter:{retired:1}){totalCount}}", f"{FILTER} at .retired", "1"),
    "unknown key": ("{prompts(filter:{nope:{a:true}}){totalCount}}", FILTER, "{ nope: { a: true } }"),
    "null in a list": ("{prompts(filter:{tagsAll:[null]}){totalCount}}", f"{FILTER} at .tagsAll[0]", "null"),
    "a long text": ('{prompts(filter:"' + LONG + '"){totalCount}}', FILTER, '"xxx'),
    "a text for a word": ('{prompts(orderBy:{field:NAME,direction:"ASC"}){totalCount}}', ".direction", "ASC"),
    "a default": ("query($n:Int=true){prompts(first:$n){totalCount}}", "'$n'", "true"),
    "null in a directive": ("{prompts{totalCount @skip(if:null)}}", "'if'", "null"),
    "a long number": ("{prompts(first:" + NINES + "){totalCount}}", "number", "30 characters"),
    "a long fraction": ("{prompts(first:1." + NINES + "){totalCount}}", "number", "30 characters"),
    "a word for JSON": ('{prompt(name:"a"){render(variables:{a:FOO}){text}}}', "'variables'", '"FOO"'),
    "a word in JSON": ('{prompt(name:"a"){render(variables:{a:[{b:FOO}]}){text}}}', "'variables'", '"FOO"'),
    "a long field": ("{" + LONG + "}", "Cannot query field", "xxx"),
}  # fmt: skip


async def messages(db: Database, query: str, variables: dict[str, Any]) -> list[str]:
    """Why a request is refused; fails the test if it is not, or if the reason is not the client's."""
    found = await pipeline(db).answer(Request(query, variables))
    assert Kind.REFUSED is found.kind, found.payload
    assert {"INVALID_INPUT"} == {error["extensions"]["code"] for error in found.payload["errors"]}
    return [error["message"] for error in found.payload["errors"]]


def assert_plain(said: str, *words: str) -> None:
    """`said` has these words, is short, and shows nothing of Python."""
    assert [] == [word for word in words if word not in said], said
    assert len(said) <= MAX_MESSAGE
    assert None is PYTHON.search(said), said


@pytest.mark.parametrize(("query", "variables", "place", "word"), VARIABLES.values(), ids=VARIABLES)
async def test_wrong_variables_are_shown_as_json(
    empty: Database, query: str, variables: dict[str, Any], place: str, word: str
) -> None:
    """With the variable and the path in it."""
    said = await messages(empty, query, variables)
    assert_plain(said[0], "Variable '$", place, word)
    assert 1 == len(said)


@pytest.mark.parametrize(("query", "place", "word"), LITERALS.values(), ids=LITERALS)
async def test_wrong_literals_are_shown_as_written(
    empty: Database, query: str, place: str, word: str
) -> None:
    """With the argument and the path in it; a request that is refused is not logged as a failure."""
    said = await messages(empty, query, {})
    assert_plain(said[0], place, word)


async def test_null_for_an_argument_that_has_none_is_the_client_s_mistake(empty: Database) -> None:
    """A variable's default may let it into a place where null cannot be: that is found when the field is."""
    found = await pipeline(empty).answer(Request('query($i:ID="a"){node(id:$i){id}}', {"i": None}))
    (error,) = found.payload["errors"]
    assert ("INVALID_INPUT", ["node"]) == (error["extensions"]["code"], error["path"])
    assert_plain(error["message"], "'id'", "'$i'", "not to be null")


async def test_many_wrong_values_are_not_all_said(empty: Database) -> None:
    """Nobody reads more, and each costs time."""
    wrong = {"i": {"files": [{"path": 1, "text": 1}] * 500}}
    said = await messages(empty, SYNC, wrong)
    assert MAX_ERRORS == len(said)
    assert_plain(said[-1], f".files[{MAX_ERRORS // 2 - 1}].text")


async def test_misspelt_keys_are_helped_only_where_the_schema_is_open(empty: Database) -> None:
    """Production does not say what it would take."""
    near = Request(SYNC, {"i": {"files": [], "sourc": 1}})
    said = [
        (await pipeline(empty, is_open=is_open).answer(near)).payload["errors"][0]["message"]
        for is_open in (True, False)
    ]
    assert [True, False] == ["Did you mean" in message for message in said]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        ("é\n", '"é\\n"'),
        ({"a": [1, 2.5, None]}, '{"a": [1, 2.5, null]}'),
        (["x" * 300], '["' + "x" * (MAX_ECHO - 3) + "…"),
        ([0] * 10**6, ("[" + "0, " * 100)[: MAX_ECHO - 1] + "…"),
    ],
    ids=["null", "true", "text", "object", "long text", "long list"],
)
def test_values_are_shown_as_json_and_cut(value: Any, expected: str) -> None:
    """Their beginning, if they are long."""
    assert expected == shown(value)


def test_messages_are_cut() -> None:
    """Whatever graphql-core quotes."""
    assert MAX_MESSAGE == len(plain(LONG))
    assert "a b" == plain("a\n  b")
