"""How long the lists of a schema's own description are; what reading it costs follows from the schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)

FIELD_COST = 4
"""Of each field of the description. It is computed on the spot: the fullest answer should take no longer
than any other.
"""
WRAPPED = 0.6
"""How many types are wrapped in another, a list or what is not null."""
WALKED = ("types", "fields", "args")
"""The lists that lead through the whole schema, from `__schema` on."""


class Rows(NamedTuple):
    """Of a list: how many it has on average over the schema, and at most."""

    mean: float
    most: float


@lru_cache(maxsize=4)
def described_rows(schema: GraphQLSchema) -> Mapping[tuple[str, str], Rows]:
    """The rows of each list of the description, by the type it hangs on and its name."""
    types = list(schema.type_map.values())
    objects = [t for t in types if isinstance(t, GraphQLObjectType | GraphQLInterfaceType)]
    args = [len(field.args) for kind in objects for field in kind.fields.values()]
    directives = [len(directive.args) for directive in schema.directives]

    def per_type(counts: Iterable[int]) -> Rows:
        found = list(counts)
        return Rows(sum(found) / len(types), max(found, default=0))

    return {
        ("__Schema", "types"): Rows(len(types), len(types)),
        ("__Schema", "directives"): Rows(len(directives), len(directives)),
        ("__Type", "fields"): per_type(len(kind.fields) for kind in objects),
        ("__Type", "inputFields"): per_type(
            len(t.fields) for t in types if isinstance(t, GraphQLInputObjectType)
        ),
        ("__Type", "enumValues"): per_type(len(t.values) for t in types if isinstance(t, GraphQLEnumType)),
        ("__Type", "interfaces"): per_type(len(kind.interfaces) for kind in objects),
        ("__Type", "possibleTypes"): per_type(_possible(schema, kind) for kind in types),
        ("__Type", "ofType"): Rows(WRAPPED, WRAPPED),
        ("__Field", "args"): Rows(sum(args) / max(1, len(args)), max(args, default=0)),
        ("__Directive", "args"): Rows(sum(directives) / max(1, len(directives)), max(directives, default=0)),
    }


def _possible(schema: GraphQLSchema, kind: GraphQLNamedType) -> int:
    return len(schema.get_possible_types(kind)) if isinstance(kind, GraphQLInterfaceType) else 0
