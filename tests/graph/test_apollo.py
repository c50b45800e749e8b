"""What Apollo Client's cache is told of the schema; examples/frontend tries it with the cache itself."""

from __future__ import annotations

import json
import re

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, build_schema, get_named_type, is_object_type

from promptgraph.graph.apollo import KEYS, apollo_files, possible_types, type_policies
from promptgraph.graph.schema import sdl

SCHEMA = build_schema(sdl())
POLICIES = apollo_files()["typePolicies.ts"]
TABLE = POLICIES[POLICIES.index("export const typePolicies") :]


def policy(name: str) -> str:
    """What stands in the table for a type; nothing, if it is not there."""
    found = re.search(rf"^  {name}: {{\n(.*?)^  }},$", TABLE, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def seen(kind: GraphQLNamedType | None, known: dict[str, GraphQLObjectType]) -> dict[str, GraphQLObjectType]:
    """Every object type that a query comes upon from this one on."""
    if is_object_type(kind) and kind.name not in known:
        known[kind.name] = kind
        for field in kind.fields.values():
            seen(get_named_type(field.type), known)
    return known


SEEN = seen(SCHEMA.query_type, {})


def test_interfaces_stand_for_their_types() -> None:
    """Each with all of its types, by name: a fragment on the interface matches them."""
    types = json.loads(apollo_files()["possibleTypes.json"])
    assert {"CallFigures", "Node"} == types.keys()
    assert ["CallMetrics", "CallMetricsBin", "CallMetricsGroup"] == types["CallFigures"]
    assert {"Prompt", "PromptFamily", "Agent", "LlmCall"} < set(types["Node"])


@pytest.mark.parametrize("kind", SEEN.values(), ids=str)
def test_lists_in_pages_grow(kind: GraphQLObjectType) -> None:
    """Each is told apart by its own arguments, and by none of the four of paging."""
    for name, field in kind.fields.items():
        if get_named_type(field.type).name.endswith("Connection"):
            own = [each for each in field.args if each not in ("first", "after", "last", "before")]
            assert f"      {name}: pages({json.dumps(own) if own else 'false'}),\n" in policy(kind.name)


@pytest.mark.parametrize("kind", SEEN.values(), ids=str)
def test_what_has_no_id_is_merged(kind: GraphQLObjectType) -> None:
    """Two components that select other fields of it do not push each other's out; what has an id needs
    nothing.
    """
    handled = kind.name.endswith(("Connection", "Edge")) or kind.name == "Query"
    assert ("id" not in kind.fields and not handled) == ("    merge: true,\n" in policy(kind.name))


@pytest.mark.parametrize("owner", ["Query", "Prompt", "PromptFamily", "Agent"])
def test_metrics_are_told_apart_by_window_and_filter(owner: str) -> None:
    """Wherever they hang."""
    assert '      metrics: { keyArgs: ["window", "filter"], merge: true },\n' in policy(owner)


def test_lists_without_ids_have_keys() -> None:
    """Every field that tells things of a list apart is there, and its list is one of such things."""
    for name, key in KEYS.items():
        assert key in SEEN[name].fields
        assert f"  {name}: {json.dumps(key)},\n" in POLICIES
    assert "      series: items,\n" in policy("CallMetrics") and "      by: items,\n" in policy("CallMetrics")


def test_what_only_mutations_answer_is_not_kept() -> None:
    """Payloads pass."""
    assert "Payload" not in TABLE and "Mutation" not in TABLE


def test_any_schema_will_do() -> None:
    """Unions are abstract, too; a type without anything special has no policy."""
    schema = build_schema(
        "type Query { a: U } union U = B | C type B { id: ID! } type C { id: ID! d: D } type D { e: Int }"
    )
    assert {"U": ["B", "C"]} == possible_types(schema)
    assert type_policies(schema).endswith("TypePolicies = {\n  D: {\n    merge: true,\n  },\n};\n")


def test_the_module_imports_types_only() -> None:
    """It fits any version of Apollo Client, and runs wherever types are erased."""
    assert ['import type { FieldPolicy, TypePolicies } from "@apollo/client/cache";'] == [
        line for line in POLICIES.splitlines() if line.startswith("import")
    ]
