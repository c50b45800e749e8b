"""What is said of variables before their types are known."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_nullable_type, is_list_type

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.graph.answer import Kind
from promptgraph.graph.request import asked
from promptgraph.graph.schema import Schema
from promptgraph.graph.variables import LISTS_OF_ROWS, MOST_LEVELS, MOST_ROWS, MOST_VALUES, Survey, surveyed
from promptgraph.store.database import Database
from tests.graph.registry import pipeline

RECORD = "mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){errors{code}}}"
SYNC = "mutation($i:SyncPromptsInput!){syncPrompts(input:$i){errors{code}}}"
PAGE = "query($f:PromptFilter){prompts(filter:$f){totalCount}}"
NODES = "query($i:[ID!]!){nodes(ids:$i){id}}"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Survey()),
        ({"a": 1}, Survey(None, 1)),
        ({"a": [1, 2, [3, 4, 5]]}, Survey(None, 7, 3, levels=2)),
        ({"a": {"b": [1, 2], "c": {"d": [1, 2, 3]}}}, Survey(None, 9, 2, levels=3)),
        ({"a": [{"finishReasons": [1, 2], "metadata": [3]}] * 2}, Survey(None, 13, 2, 4, levels=3)),
        ({"a": "\x00"}, Survey("variables.a holds the character U+0000.", 1)),
        (
            {"a": [[], {"b": ["c", "\ud800"]}]},
            Survey("variables.a[1].b[1] holds the character U+D800.", 6, 2, levels=3),
        ),
        (
            {"a": {"\x07": "\x00"}, "b": [1]},
            Survey("a key in variables.a holds the character U+0007.", 4, 1, levels=1),
        ),
    ],
    ids=["nothing", "one", "lists", "objects", "lists of rows", "NUL", "half a character", "a key"],
)
def test_counts_and_looks_for_texts_that_cannot_be_stored(variables: JsonObject, expected: Survey) -> None:
    """Every value counts, whatever holds it."""
    assert expected == surveyed(variables)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (NODES, {"i": ["x"] * (MOST_ROWS + 1)}),
        (RECORD, {"i": [{}] * (MOST_ROWS + 1)}),
        (RECORD, {"i": [{"metadata": "\x00"}] * (MOST_ROWS + 1)}),
        (RECORD, {"i": [{"finishReasons": ["x"] * 9_000}] * 3}),
        (SYNC, {"i": {"files": [{}] * (MOST_ROWS + 1)}}),
        (PAGE, {"f": dict.fromkeys(map(str, range(MOST_VALUES)))}),
        (PAGE, {"f": {"tagsAll": [["x"] * 90] * 250}}),
        ("{__typename}", {"unused": [[1] * 9_000] * 3}),
    ],
    ids=["ids", "rows", "rows with a flaw", "lists of rows", "files", "fields", "lists of lists", "unused"],
)
async def test_too_many_are_refused_at_once(empty: Database, query: str, variables: Any) -> None:
    """Before anybody fits them to their types, which takes its time."""
    asks = asked({"query": query, "variables": variables})
    request = replace(asks, survey=surveyed(asks.variables))
    line = pipeline(empty)
    await line.answer(asked({"query": query}))
    began = time.thread_time()
    found = await line.answer(request)
    assert time.thread_time() - began < 0.2
    assert ["TOO_MANY_ROWS"] == [error["extensions"]["code"] for error in found.payload["errors"]]
    assert Kind.REFUSED is found.kind


async def test_large_mutations_may_have_more_values(empty: Database) -> None:
    """A thousand calls of fifty values each are no more than what they are for."""
    row: JsonObject = {"model": "m", "metadata": dict.fromkeys(map(str, range(50)), 1), "nonsense": 1}
    found = await pipeline(empty).answer(
        asked({"query": RECORD, "variables": {"i": list[Json]([row] * 1_000)}})
    )
    assert "nonsense" in found.payload["errors"][0]["message"]


@pytest.mark.parametrize("query", [PAGE, RECORD, SYNC], ids=["page", "rows", "sync"])
@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 900], ids=str)
async def test_deep_values_are_refused_before_anything_follows_them(
    empty: Database, query: str, levels: int
) -> None:
    """Wherever they are, and whatever else is wrong."""
    deep: Json = "\x00"
    for _ in range(levels):
        deep = {"x": deep}
    name = query.partition("$")[2][0]
    found = await pipeline(empty).answer(asked({"query": query, "variables": {name: deep}}))
    assert Kind.REFUSED is found.kind
    assert "The variables are nested deeper than 64." == found.payload["errors"][0]["message"]


def test_lists_of_rows_are_those_of_the_schema() -> None:
    """A list that a row may hold cannot be forgotten."""
    inputs = [Schema(is_open=True).core.type_map[name] for name in ("LlmCallInput", "ScoreInput")]
    fields = {name: field.type for kind in inputs for name, field in getattr(kind, "fields", {}).items()}
    found = {name for name, kind in fields.items() if is_list_type(get_nullable_type(kind))}
    assert set(LISTS_OF_ROWS) == found
