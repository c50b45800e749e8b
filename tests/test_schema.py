"""The schema as a contract: what clients see is written down, described, and what the code says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLNamedType, is_introspection_type, is_specified_scalar_type

from promptgraph.domain import errors
from promptgraph.graph.enums import ErrorCode
from promptgraph.graph.nodes import KINDS
from promptgraph.graph.schema import Schema, sdl

SDL = Path(__file__).parents[1] / "schema.graphql"
CORE = Schema(is_open=True).core
OWN = [t for t in CORE.type_map.values() if not is_introspection_type(t) and not is_specified_scalar_type(t)]
ROUNDABOUT = ("trace", "span", "generation", "slug", "usage")
OF_OPENTELEMETRY = ("traceId", "traceUrl", "spanId")


def test_the_written_schema_is_the_codes() -> None:
    """schema.graphql at the root is what `promptgraph schema export` prints: run `make gen`."""
    assert SDL.read_text() == sdl()


def described(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Everything of a type that a client can see, with its description."""
    yield kind.name, kind.description
    for name, each in getattr(kind, "fields", {}).items():
        yield f"{kind.name}.{name}", each.description
        for argument, given in getattr(each, "args", {}).items():
            yield f"{kind.name}.{name}({argument})", given.description
    for name, value in getattr(kind, "values", {}).items():
        yield f"{kind.name}.{name}", value.description


@pytest.mark.parametrize("kind", OWN, ids=str)
def test_everything_is_described(kind: GraphQLNamedType) -> None:
    """Each type, field, argument and value says what it is, in a sentence."""
    said = dict(described(kind))
    assert [] == [
        name for name, words in said.items() if not words or not words.rstrip().endswith((".", ")"))
    ]


def test_one_word_for_one_thing() -> None:
    """Names use the project's words; a trace and its spans are OpenTelemetry's, and only their ids are here."""
    names = [n for kind in OWN for n, _ in described(kind) if not n.endswith(OF_OPENTELEMETRY)]
    assert [] == [name for name in names if any(word in name.lower() for word in ROUNDABOUT)]


def family_of(error: type[errors.PromptgraphError]) -> Iterator[type[errors.PromptgraphError]]:
    yield error
    for child in error.__subclasses__():
        yield from family_of(child)


def test_every_expected_error_has_a_code_of_the_schema() -> None:
    """What a domain error is called, a client finds in ErrorCode."""
    named = [e for e in family_of(errors.PromptgraphError) if e.__module__ == errors.__name__]
    codes = {error.code for error in named} - {errors.PromptgraphError.code}
    assert codes <= set(ErrorCode)


def test_every_node_can_be_found_by_its_id() -> None:
    """A type that is a Node has a row in the table of kinds."""
    nodes = CORE.type_map["Node"]
    assert KINDS.keys() == {kind.name for kind in CORE.get_possible_types(nodes)}  # type: ignore[arg-type]  # an interface


def test_connections_are_alike() -> None:
    """Every list in pages has edges, nodes, pageInfo and a count that may be null."""
    expected = {"edges": True, "nodes": True, "pageInfo": True, "totalCount": False}
    for kind in OWN:
        if kind.name.endswith("Connection"):
            fields = kind.fields  # type: ignore[attr-defined]  # an object type
            assert expected == {name: str(each.type).endswith("!") for name, each in fields.items()}
