"""The pipeline: from a JSON value to an answer, whatever the JSON value."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query

from promptgraph.domain.canonical import Json
from promptgraph.domain.keys import ANYONE
from promptgraph.graph.answer import Kind, RequestRefusedError, refused
from promptgraph.graph.executors import Executing
from promptgraph.graph.request import Request, Way, asked
from promptgraph.store.database import Database
from tests.graph.registry import FILES, ask, pipeline, sync

NAME = "query A{__typename}"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "object"), (1, "object"), ("x", "object"), ([], "batches"), ([{"query": NAME}], "batches"),
        ({}, "`query`"), ({"query": 1}, "`query`"), ({"query": " "}, "`query`"), ({"query": None}, "`query`"),
        ({"query": NAME, "variables": [1]}, "`variables`"), ({"query": NAME, "variables": 0}, "`variables`"),
        ({"query": NAME, "variables": False}, "`variables`"),
        ({"query": NAME, "variables": ""}, "`variables`"),
        ({"query": NAME, "operationName": 1}, "`operationName`"),
        ({"query": NAME, "extensions": []}, "`extensions`"),
    ],
)  # fmt: skip
def test_says_what_is_no_request(value: Json, word: str) -> None:
    """What is not of a request's form is refused, by the part that is wrong."""
    with pytest.raises(RequestRefusedError, match=word) as caught:
        asked(value)
    assert Kind.MALFORMED is caught.value.kind


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"a": "\x00"}, "variables.a holds the character U+0000."),
        ({"a": [{"b": "\ud800"}]}, "variables.a[0].b holds the character U+D800."),
        ({"a": {"\x07": 1}}, "a key in variables.a holds the character U+0007."),
        ({"\ud800": {"b": "\x00"}}, "a key in variables holds the character U+D800."),
    ],
)
async def test_finds_texts_that_cannot_be_stored(
    empty: Database, variables: dict[str, Json], message: str
) -> None:
    """Wherever they are in the variables; the answer itself can be encoded."""
    found = await pipeline(empty).answer(asked({"query": NAME, "variables": variables}))
    assert ([message], Kind.REFUSED) == ([error["message"] for error in found.payload["errors"]], found.kind)


def test_takes_a_request_with_all_its_parts() -> None:
    """Null parts are absent ones; what else is there is left alone."""
    full: Json = {"query": NAME, "variables": None, "operationName": "A", "extensions": {}, "more": 1}
    assert Request(NAME, {}, "A") == asked(full)


SEVERAL = "query A{__typename} query B{b:__typename} mutation C{__typename}"


@pytest.mark.parametrize(
    ("query", "name", "way", "kind"),
    [
        (NAME, None, Way(), Kind.DATA),
        (NAME, "A", Way(reading=True), Kind.DATA),
        (NAME, "B", Way(), Kind.REFUSED),
        (NAME, "", Way(), Kind.REFUSED),
        (SEVERAL, None, Way(), Kind.REFUSED),
        (SEVERAL, "B", Way(reading=True), Kind.DATA),
        (SEVERAL, "C", Way(), Kind.DATA),
        (SEVERAL, "C", Way(reading=True), Kind.NOT_READING),
        ("mutation{nothing}", None, Way(reading=True), Kind.NOT_READING),
        ("subscription{nothing}", None, Way(), Kind.MALFORMED),
        ("fragment f on Query{__typename}", None, Way(), Kind.REFUSED),
        (NAME, None, Way(size=2_000_000), Kind.TOO_LARGE),
        ("mutation{__typename}", None, Way(size=2_000_000), Kind.TOO_LARGE),
        (
            "mutation{syncPrompts(input:{files:[]}){__typename} x:__typename}",
            None,
            Way(size=2_000_000),
            Kind.TOO_LARGE,
        ),
        ("mutation{...f} fragment f on Mutation{__typename}", None, Way(size=2_000_000), Kind.TOO_LARGE),
        ("mutation{syncPrompts(input:{}){__typename}}", None, Way(size=2_000_000), Kind.REFUSED),
        ("mutation{recordLlmCalls(input:{}){__typename}}", None, Way(size=2_000_000), Kind.REFUSED),
        ("mutation{recordLlmCalls(input:{}){__typename}}", None, Way(size=17_000_000), Kind.TOO_LARGE),
        ("mutation{syncPrompts(input:{}){__typename}}", None, Way(size=17_000_000), Kind.REFUSED),
        ("{", None, Way(), Kind.REFUSED),
        ("{__typename", None, Way(), Kind.REFUSED),
        ("{nothing}", None, Way(), Kind.REFUSED),
        ("query($a:Int!){__typename @skip(if:$a)}", None, Way(), Kind.REFUSED),
        ("query($a:String!){__type(name:$a){name}}", None, Way(), Kind.REFUSED),
        ("{__typename} # " + "x" * 33_000, None, Way(), Kind.REFUSED),
        ("{" + "a " * 2000 + "}", None, Way(), Kind.REFUSED),
        ("{" * 1000, None, Way(), Kind.REFUSED),
        ("{a" * 600 + "}" * 600, None, Way(), Kind.REFUSED),
        ("{node(id:" + "[" * 900 + "]" * 900 + "){id}}", None, Way(), Kind.REFUSED),
        ("{... on Query" * 480 + "{__typename}" + "}" * 480, None, Way(), Kind.REFUSED),
        ("query($a:" + "[" * 600 + "Int" + "]" * 600 + "){__typename}", None, Way(), Kind.REFUSED),
        ('{__type(name:"\\u0000"){name}}', None, Way(), Kind.REFUSED),
        ('{__type(name:"""\x7f"""){name}}', None, Way(), Kind.REFUSED),
        (get_introspection_query(), None, Way(), Kind.DATA),
    ],
)
async def test_each_request_comes_to_its_kind(
    empty: Database, query: str, name: str | None, way: Way, kind: Kind
) -> None:
    """What is refused is refused before anything is executed, within a moment, and with codes."""
    began = time.thread_time()
    found = await pipeline(empty).answer(Request(query, {}, name), replace(way, caller=ANYONE))
    assert kind is found.kind, found.payload
    assert time.thread_time() - began < 10  # what is not bounded takes for ever
    assert ("data" in found.payload) == (kind is Kind.DATA)
    assert all(error["extensions"]["code"] for error in found.payload.get("errors", ()))


async def test_errors_have_positions(empty: Database) -> None:
    """A client can point at the very character."""
    found = await pipeline(empty).answer(Request('{\n  __type(name: "\\u0007") {name}}', {}))
    assert [{"line": 2, "column": 16}] == found.payload["errors"][0]["locations"]


async def test_variables_are_checked_by_their_types(empty: Database) -> None:
    """The message names the variable and the place in it."""
    query = "mutation($i:SyncPromptsInput!){syncPrompts(input:$i){errors{code}}}"
    wrong = {"i": {"files": [{"path": "a", "text": 1}], "sequence": 3_000_000_000}}
    found = await pipeline(empty).answer(Request(query, wrong))
    assert Kind.REFUSED is found.kind
    assert any("files[0].text" in error["message"] for error in found.payload["errors"])


async def test_misspelt_fields_are_helped_only_where_the_schema_is_open(empty: Database) -> None:
    """Production says neither what there is nor what is like it."""
    misspelt, enum = Request("{promt}", {}), "query($o:PromptOrder){prompts(orderBy:$o){totalCount}}"
    near = Request(enum, {"o": {"field": "NAMES", "direction": "ASC"}})
    opened, closed = pipeline(empty), pipeline(empty, is_open=False)
    assert "prompt" in str((await opened.answer(misspelt)).payload).replace("promt", "")
    for request in (misspelt, near):
        assert "Did you mean" not in str((await closed.answer(request)).payload)
    for query in ("{__schema{types{name}}}", '{__type(name:"Query"){name}}'):
        assert Kind.REFUSED is (await closed.answer(Request(query, {}))).kind
    assert Kind.DATA is (await closed.answer(Request("{__typename}", {}))).kind


async def test_gives_up_when_time_is_up(db: Database) -> None:
    """An answer that says so and may be tried again; the database stays usable."""
    await sync(db, FILES)
    slow = pipeline(db, seconds=0.0001)
    found = await slow.answer(Request("{prompts{nodes{name family{labels{label}}}}}", {}))
    assert Kind.UNAVAILABLE is found.kind
    expected = {"code": "UNAVAILABLE", "retryable": True}
    assert [expected] == [error["extensions"] for error in found.payload["errors"]]
    assert 3 == (await ask(db, "{prompts{totalCount}}"))["prompts"]["totalCount"]


async def test_a_database_out_of_reach_is_said_so() -> None:
    """Nothing of its address, and the request may be sent again."""
    away = Database("postgresql://someone:secret@127.0.0.1:1/none")
    for query in ("{prompts{totalCount}}", '{prompt(name:"a"){name}}', "{serverInfo{database}}"):
        found = await pipeline(away).answer(Request(query, {}))
        assert Kind.UNAVAILABLE is found.kind
        assert "secret" not in str(found.payload) and "127.0.0.1" not in str(found.payload)
    setting = 'mutation{setPromptLabel(input:{name:"a",label:"b",version:1}){errors{code}}}'
    assert Kind.UNAVAILABLE is (await pipeline(away).answer(Request(setting, {}))).kind
    half = Request('{__typename prompt(name:"a"){name}}', {})
    kinds = [(await pipeline(away, executing=Executing(fast)).answer(half)).kind for fast in (True, False)]
    assert [Kind.UNAVAILABLE, Kind.PARTIAL] == kinds  # the fast one does not go on without a database
    await away.close()


async def test_surprises_are_masked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A client gets a number, the log the traceback under it."""

    class Broken(Database):
        async def describe(self) -> str:
            raise ZeroDivisionError("the inside")

    broken = Broken("sqlite:///nowhere.db")
    found = await pipeline(broken).answer(Request("{serverInfo{database}}", {}))
    error = found.payload["errors"][0]
    assert "INTERNAL" == error["extensions"]["code"]
    assert "the inside" not in str(found.payload)
    logged = [record for record in caplog.records if error["extensions"]["id"] in record.getMessage()]
    assert [ZeroDivisionError] == [record.exc_info[0] for record in logged if record.exc_info]
    await broken.close()


async def test_refused_requests_leave_no_traceback(empty: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What clients do wrong is their affair: nothing of their text reaches the log."""
    with caplog.at_level(logging.INFO):
        for query in ("{nonsense_field}", '{node(id:"forged"){id}}', "{", '{prompt(name:"a",version:0){id}}'):
            await pipeline(empty).answer(Request(query, {}))
    assert not [record for record in caplog.records if record.exc_info or "nonsense" in record.getMessage()]


def test_refusals_can_be_dressed_by_any_door() -> None:
    """The payload alone says what was wrong."""
    with pytest.raises(RequestRefusedError) as caught:
        asked(None)
    payload: dict[str, Any] = refused(caught.value).payload
    assert [{"code": "INVALID_INPUT"}] == [error["extensions"] for error in payload["errors"]]
