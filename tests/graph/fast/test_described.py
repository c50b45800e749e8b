"""What describes the schema: as graphql-core's executor tells it, made once for a document."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_introspection_query

from promptgraph.graph.executors import Executing
from promptgraph.graph.request import Request
from promptgraph.store.database import Database
from tests.graph.both import agreed
from tests.graph.registry import pipeline

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # nothing here is about SQL
NAMED = """query($of:String!,$old:Boolean){__type(name:$of){...T} other:__type(name:"Prompt"){kind}}
 fragment T on __Type{__typename kind name fields(includeDeprecated:$old){name isDeprecated deprecationReason
 args(includeDeprecated:true){name defaultValue type{...N}} type{...N}} enumValues{name}
 inputFields{name defaultValue} possibleTypes{name} interfaces{name}}
 fragment N on __Type{kind ofType{name}}"""
QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "an editor's": (get_introspection_query(input_value_deprecation=True, schema_description=True), {}),
    "beside data": ("{prompts{nodes{name}} __schema{queryType{name} directives{name locations}}}", {}),
    "a type": (NAMED, {"of": "Prompt", "old": True}),
    "an interface": (NAMED, {"of": "Node"}),
    "an enum": (NAMED, {"of": "CallStatus", "old": False}),
    "an input": (NAMED, {"of": "LlmCallInput"}),
    "nothing": (NAMED, {"of": "Nothing"}),
    "left out": (
        "query($x:Boolean!){__schema @skip(if:$x){types{name @skip(if:$x) kind}} __typename}",
        {"x": True},
    ),
    "put in": ("query($x:Boolean!){__schema @include(if:$x){types{name}} __typename}", {"x": True}),
}


@pytest.mark.parametrize(("query", "variables"), QUERIES.values(), ids=list(QUERIES))
async def test_description_is_told_alike(stocked: Database, query: str, variables: dict[str, Any]) -> None:
    """To the byte, by whatever fields, arguments, fragments and variables it is asked for."""
    await agreed(stocked, query, **variables)


async def test_description_is_made_once(stocked: Database) -> None:
    """The same document with the same variables gets the very same object, another gets its own."""
    line = pipeline(stocked, executing=Executing(fast=True))

    async def asked(name: str) -> Any:
        found = await line.answer(Request(NAMED, {"of": name}))
        return found.payload["data"]["__type"]

    first = await asked("Prompt")
    assert await asked("Prompt") is first
    assert "Agent" == (await asked("Agent"))["name"]
    assert first == await asked("Prompt")
