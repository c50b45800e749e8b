"""Every field of the schema has a scope: the table, held against the schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import GraphQLInterfaceType, GraphQLNamedType, GraphQLObjectType, get_named_type

from promptgraph.domain.keys import EVERY_SCOPE, Scope
from promptgraph.graph.scopes import BOUND_FIELDS, NAMED, OPEN, ROOTS, TYPES, scopes_of
from tests.graph.registry import schema

CORE = schema().core
ROOT_NAMES = ("Query", "Mutation", "Subscription")


def fields() -> Iterator[tuple[str, str]]:
    """Every field of every type of the schema, but those that describe it."""
    for name, kind in CORE.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            yield from ((name, field) for field in kind.fields)


def type_of(place: str) -> GraphQLNamedType:
    """The type of a field, `Type.field`."""
    kind, _, name = place.partition(".")
    parent = CORE.type_map[kind]
    assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
    named: GraphQLNamedType = get_named_type(parent.fields[name].type)
    return named


@pytest.mark.parametrize("place", list(fields()), ids=".".join)
def test_every_field_has_a_scope(place: tuple[str, str]) -> None:
    """One, or none where the field that led there has one; a root field has exactly one."""
    kind, _ = place
    assert (len(scopes_of(*place)) == 1) or (kind in OPEN and kind not in ROOT_NAMES)


def test_the_table_names_nothing_twice_and_nothing_else() -> None:
    """What it names is in the schema, once."""
    roots = [name for names in ROOTS.values() for name in names.split()]
    types = [*OPEN, *(name for names in TYPES.values() for name in names.split())]
    assert sorted(set(roots)) == sorted(roots)
    assert sorted(set(types)) == sorted(types)
    known = {".".join(place) for place in fields()} | {"Query.__schema", "Query.__type"}
    assert known >= set(roots)
    assert set(CORE.type_map) >= set(types)


@pytest.mark.parametrize("place", [("Query", "new"), ("Mutation", "new"), ("New", "field")], ids=".".join)
def test_what_is_in_no_table_needs_every_scope(place: tuple[str, str]) -> None:
    """A field that somebody forgets opens nothing."""
    assert EVERY_SCOPE == scopes_of(*place)


def test_what_changes_something_takes_more_than_reading() -> None:
    """No mutation is for who may read."""
    mutation = CORE.mutation_type
    assert mutation is not None
    assert all(Scope.READ not in scopes_of("Mutation", name) for name in mutation.fields)


def test_what_is_open_holds_nothing_that_is_stored_but_moves_and_syncs() -> None:
    """The types without a scope are answers to acts; what they lead to has one."""
    assert {
        "LabelMove",
        "SyncRun",
        "SyncStep",
        "PageInfo",
        "PromptSource",
        "FileProblem",
        "MutationError",
    } == {name for name in OPEN if not name.endswith(("Payload", "Result", "Warning"))}


# ---------------------------------------------------------------- bound keys


def test_what_is_for_bound_keys_is_in_the_schema() -> None:
    """No word of the table stands for nothing."""
    assert {".".join(place) for place in fields()} >= BOUND_FIELDS | set(NAMED)


def test_bound_keys_reach_no_call_and_no_figure() -> None:
    """All that can be selected from what they may name, followed to its end."""
    reached = {type_of(place).name for place in (*NAMED, *BOUND_FIELDS)}
    kinds = {name for name in reached if isinstance(CORE.type_map[name], GraphQLObjectType)}
    assert kinds == {place.partition(".")[0] for place in BOUND_FIELDS} - {"Query"}
    assert not {name for name in kinds if name.startswith(("LlmCall", "Call", "Score", "ApiKey", "SyncRun"))}
    assert {"Query.serverInfo", *NAMED} == {
        place for place in BOUND_FIELDS | set(NAMED) if place.startswith("Query.")
    }
