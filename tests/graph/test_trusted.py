"""Trusted documents: read from a manifest, asked for by id, and where that is set, nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.keys import ANYONE
from promptgraph.graph.answer import Answer, Kind, RequestRefusedError
from promptgraph.graph.documents import Documents
from promptgraph.graph.guard import Limits
from promptgraph.graph.pipeline import PLAIN
from promptgraph.graph.request import Way, asked
from promptgraph.graph.trusted import Trusted, digest, read_trusted
from promptgraph.store.database import Database
from tests.graph.registry import pipeline, schema

HELLO = "query Hello { __typename }"
SHA = sha256(HELLO.encode()).hexdigest()
MD5 = md5(HELLO.encode()).hexdigest()  # noqa: S324  # Relay's
OTHER = "query Other($n: Int) { other: __typename prompts(first: $n) { totalCount } }"
APOLLO: dict[str, Any] = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": SHA, "name": "Hello", "type": "query", "body": HELLO}],
}


UNKNOWN = "This server trusts no document with that `documentId`."
NAMELESS = "No operation of this document has that `operationName`."


def manifest(folder: Path, content: Any) -> Path:
    path = folder / "documents.json"
    raw = json.dumps(content) if not isinstance(content, str | bytes) else content
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return path


def read(path: Path, *, only: bool = False, is_open: bool = True) -> Trusted:
    known = Documents(schema(is_open=is_open).core, Limits(), introspection=is_open)
    return read_trusted(path, known, only=only)


@pytest.mark.parametrize(
    ("content", "name"),
    [({SHA: HELLO}, SHA), ({f"sha256:{SHA}": HELLO}, f"sha256:{SHA}"), ({MD5: HELLO}, MD5), (APOLLO, SHA)],
    ids=["graphql-codegen", "prefixed", "Relay", "Apollo"],
)
def test_reads_what_each_tool_writes(tmp_path: Path, content: Json, name: str) -> None:
    """A document has the id of its file, and whatever that is, the one by its hash."""
    found = read(manifest(tmp_path, content))
    assert {name: HELLO, f"sha256:{SHA}": HELLO} == found.texts
    assert f"sha256:{SHA}" == digest(HELLO)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ('{"a":"{__typename}","a":"{a:__typename}"}', "the key 'a' comes twice"),
        ([], "an object of documents by their ids"),
        ({"a": 1}, "each document must be a text"),
        ({"": HELLO}, "an id that is not empty"),
        (APOLLO | {"operations": {}}, "each of its `operations`"),
        (APOLLO | {"operations": [{"id": "a"}]}, "each of its `operations`"),
        (" " * (16 * 1024 * 1024 + 1), "at most 16,777,216 bytes"),
    ],
    ids=["half", "not UTF-8", "deep", "twice", "list", "number", "no id", "no list", "no body", "too large"],
)
def test_says_what_is_no_manifest(tmp_path: Path, content: Any, problem: str) -> None:
    """By the file's name, without its path."""
    with pytest.raises(InvalidInputError, match=r"documents\.json are refused: ") as caught:
        read(manifest(tmp_path, content))
    assert problem in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    """A server does not start without what it was told to trust."""
    with pytest.raises(InvalidInputError, match=r"nowhere\.json are refused: it cannot be read"):
        read(tmp_path / "nowhere.json")


def test_names_every_document_that_cannot_be_used(tmp_path: Path) -> None:
    """All at once, each by its id, with the place in it."""
    wrong = {
        "good": HELLO,
        "a" * 64: HELLO,
        "half": "{",
        "stranger": "{\n  nothing }",
        "large": "{" + "__typename " * 2_000 + "}",
        "dear": "{prompts(first:100){nodes{family{versions(first:100){nodes{agents{nodes{name}}}}}}}}",
    }
    with pytest.raises(InvalidInputError) as caught:
        read(manifest(tmp_path, wrong))
    lines = str(caught.value).partition("refused: ")[2].split(" · ")
    words = [
        f"has another hash, sha256:{SHA}",
        "line 1, column 2: Syntax",
        "line 2, column 3: Cannot",
        "tokens",
        "cost",
    ]
    assert ["a" * 64, "half", "stranger", "large", "dear"] == [line.partition(",")[0] for line in lines]
    assert [] == [word for word, line in zip(words, lines, strict=True) if word not in line], lines


def test_one_id_stands_for_one_text(tmp_path: Path) -> None:
    """A list may say something twice, but not two things of one id."""
    again = {"id": SHA, "body": HELLO}
    assert {SHA, f"sha256:{SHA}"} == set(read(manifest(tmp_path, APOLLO | {"operations": [again] * 2})).texts)
    two = [{"id": "one", "body": HELLO}, {"id": "one", "body": OTHER}]
    with pytest.raises(InvalidInputError, match="one, which stands for two texts"):
        read(manifest(tmp_path, APOLLO | {"operations": two}))


TRUSTED = {SHA: HELLO, digest(HELLO): HELLO, MD5: HELLO, digest(OTHER): OTHER}


def persisted(hash_: Json, **more: Json) -> dict[str, Json]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}, **more}


async def answer(db: Database, value: Json, *, only: bool = False, way: Way = PLAIN) -> Answer:
    """What a server that trusts `TRUSTED` says."""
    line = pipeline(db, trusted=Trusted(TRUSTED, only))
    return await line.answer(asked(value), way)


@pytest.mark.parametrize("only", [False, True], ids=["open", "locked"])
@pytest.mark.parametrize(
    "value",
    [
        {"documentId": f"sha256:{SHA}"},
        {"documentId": SHA, "query": None},
        {"documentId": MD5, "operationName": "Hello"},
        persisted(SHA),
        persisted(SHA.upper()),
        persisted(SHA, query=HELLO),
        {"query": HELLO},
    ],
    ids=["hash", "id of the file", "Relay's", "Apollo's", "upper case", "with its text", "the text"],
)
async def test_executes_what_is_trusted(empty: Database, value: Json, *, only: bool) -> None:
    """By any of its ids, or by its text; locked or not."""
    found = await answer(empty, value, only=only)
    assert ({"data": {"__typename": "Query"}}, Kind.DATA) == (found.payload, found.kind)


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({"documentId": "sha256:" + "0" * 64}, "NOT_FOUND", UNKNOWN),
        ({"documentId": f"sha256:{SHA.upper()}"}, "NOT_FOUND", UNKNOWN),
        (persisted("0" * 64), "NOT_FOUND", "PersistedQueryNotFound"),
        (persisted("0" * 64, query=HELLO), "INVALID_INPUT", "`sha256Hash` is not the hash of `query`."),
        ({"documentId": SHA, "operationName": "Hell"}, "INVALID_INPUT", NAMELESS),
    ],
    ids=["unknown", "upper case", "Apollo's word", "another text", "another operation"],
)  # fmt: skip
async def test_says_which_document_it_does_not_know(
    empty: Database, value: Json, code: str, message: str
) -> None:
    """One error, and nothing is executed."""
    found = await answer(empty, value)
    assert [(code, message)] == [
        (error["extensions"]["code"], error["message"]) for error in found.payload["errors"]
    ]
    assert Kind.REFUSED is found.kind


@pytest.mark.parametrize(
    "query", ["{__typename}", HELLO + " ", "{__schema{types{name}}}", "mutation{__typename}", "{"]
)
async def test_a_lock_lets_nothing_else_in(empty: Database, query: str) -> None:
    """Refused by its text alone: not even what is wrong with it is said."""
    found = await answer(empty, {"query": query}, only=True)
    assert (["FORBIDDEN"], Kind.REFUSED) == (
        [e["extensions"]["code"] for e in found.payload["errors"]],
        found.kind,
    )
    assert Kind.DATA is (await answer(empty, {"query": "{__typename}"})).kind


@pytest.mark.parametrize(
    "value",
    [
        {"documentId": 1},
        {"documentId": ""},
        {"documentId": SHA, "query": HELLO},
        persisted(None),
        persisted(1),
        {"extensions": {"persistedQuery": []}},
        {"extensions": {"persistedQuery": {}}, "query": HELLO},
        {"query": ""},
        {},
    ],
    ids=["number", "empty", "with a text", "null", "number hash", "list", "no hash", "no text", "nothing"],
)
def test_says_what_is_no_request(value: Json) -> None:
    """As for any other part of a request."""
    with pytest.raises(RequestRefusedError) as caught:
        asked(value)
    assert Kind.MALFORMED is caught.value.kind


async def test_a_server_without_documents_says_so(empty: Database) -> None:
    """The client is told what to send."""
    found = await pipeline(empty).answer(asked({"documentId": SHA}))
    assert ["This server has no trusted documents: send the text as `query`."] == [
        e["message"] for e in found.payload["errors"]
    ]


async def test_the_way_counts_for_trusted_documents_too(empty: Database) -> None:
    """A mutation is a mutation by whatever name."""
    mutation = "mutation{__typename}"
    trusted = Trusted({"m": mutation}, only=True)
    found = await pipeline(empty, trusted=trusted).answer(asked({"documentId": "m"}), Way(reading=True))
    assert Kind.NOT_READING is found.kind


async def test_values_and_cost_are_those_of_the_trusted_text(empty: Database) -> None:
    """A document by its id is what it is by its text."""
    value: Mapping[str, Any] = {"documentId": digest(OTHER), "variables": {"n": "x"}}
    wrong = await answer(empty, dict(value))
    assert "Variable '$n'" in wrong.payload["errors"][0]["message"]
    found = await answer(empty, {"documentId": SHA}, way=Way(tell_cost=True, caller=ANYONE))
    assert {"cost": {"requested": 1, "limit": 50_000}} == found.payload["extensions"]
