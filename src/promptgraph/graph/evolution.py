"""What has become of a schema: what breaks its clients, what may, what is only new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from graphql import (
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    build_ast_schema,
    find_schema_changes,
    parse,
)
from graphql.utilities import BreakingChangeType, DangerousChangeType, SafeChangeType

from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.schema import sdl
from promptgraph.graph.wording import cut

MAX_TOKENS = 50_000
"""Several times what our own SDL has."""
MAX_REASON = 300
"""Characters of what is wrong with a text that is no schema."""
DEPRECATED = "DEPRECATED"
WORDS = SafeChangeType.DESCRIPTION_CHANGED


class SchemaChange(NamedTuple):
    """One difference: its kind in a word, e.g. FIELD_REMOVED, and a sentence."""

    kind: str
    sentence: str


class SchemaChanges(NamedTuple):
    """Every difference but those of descriptions. Breaking: a document that was valid is not any more.
    Dangerous: a client that is not ready for more than it knew may trip.
    """

    breaking: tuple[SchemaChange, ...]
    dangerous: tuple[SchemaChange, ...]
    additive: tuple[SchemaChange, ...]


def changes_since(earlier: str, name: str) -> SchemaChanges:
    """What is different in this version from the SDL `earlier`, which people know as `name`.

    raises  InvalidInputError  it is no SDL, or that of no API
    """
    old, new = _read(earlier, name), _read(sdl(), "this version")
    found = [each for each in find_schema_changes(old, new) if each.type is not WORDS]
    return SchemaChanges(
        _of(BreakingChangeType, found),
        _of(DangerousChangeType, found),
        (*_of(SafeChangeType, found), *_deprecated_since(old, new)),
    )


def _read(text: str, name: str) -> GraphQLSchema:
    try:
        found = build_ast_schema(parse(text, no_location=True, max_tokens=MAX_TOKENS))
    except (GraphQLError, TypeError, RecursionError) as error:
        raise InvalidInputError(f"{name} is no GraphQL schema: {_reason(error)}") from error
    if found.query_type is None:
        raise InvalidInputError(f"{name} is no schema of an API: it has no type Query.")
    return found


def _reason(error: Exception) -> str:
    """What is wrong, and with the position where it is known."""
    place = error.locations[0] if isinstance(error, GraphQLError) and error.locations else None
    words = cut(str(error).partition("\n")[0], MAX_REASON)
    return f"{words} (line {place.line}, column {place.column})" if place else words


def _of(group: type[Enum], found: Iterable[Any]) -> tuple[SchemaChange, ...]:
    return tuple(
        SchemaChange(each.type.name, each.description) for each in found if isinstance(each.type, group)
    )


def _deprecated_since(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[SchemaChange]:
    known = deprecations(old)
    for place, reason in deprecations(new).items():
        if place not in known:
            yield SchemaChange(DEPRECATED, f"{place} is deprecated: {reason}")


def deprecations(schema: GraphQLSchema) -> dict[str, str]:
    """Why each deprecated field, argument and value is, by its coordinate, e.g. `LlmCall.promptText`."""
    places = (place for kind in schema.type_map.values() for place in _places(kind))
    return {name: part.deprecation_reason for name, part in places if part.deprecation_reason is not None}


def _places(kind: GraphQLNamedType) -> Iterator[tuple[str, Any]]:
    parts = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
    for name, part in parts.items():
        yield f"{kind.name}.{name}", part
        for argument, given in getattr(part, "args", {}).items():
            yield f"{kind.name}.{name}({argument}:)", given
