"""The variables of an operation: coerced as graphql-core does, the usual ones by a look at their type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInputType,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
    get_nullable_type,
    is_input_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT
from graphql.utilities.coerce_input_value import coerce_input_literal, coerce_input_value

from promptgraph.domain.canonical import Json
from promptgraph.graph.fast.deopt import DeoptError, Reason

Sent = Mapping[str, Json]


class Values(NamedTuple):
    """The variables of a run: coerced, and as they were sent."""

    coerced: Mapping[str, Any]
    sent: Sent


class Declared(NamedTuple):
    """A variable. `default`: its own default, Undefined for none."""

    name: str
    type: GraphQLInputType
    default: Any
    stands: Callable[[Any], bool]
    """Whether a value is what it would be coerced to."""

    def read(self, sent: Sent) -> Any:
        """Its value; Undefined where it has none.

        raises  DeoptError  what was sent does not fit
        """
        value = sent.get(self.name, Undefined)
        if self.stands(value):
            return value
        if value is Undefined and (self.default is not Undefined or not is_non_null_type(self.type)):
            return self.default
        found = coerce_input_value(value, self.type)
        if found is Undefined:
            raise DeoptError(Reason.VARIABLES)
        return found


STANDS: Mapping[object, Callable[[Any], bool]] = {
    GraphQLString: lambda value: type(value) is str,
    GraphQLID: lambda value: type(value) is str,
    GraphQLBoolean: lambda value: type(value) is bool,
    GraphQLInt: lambda value: type(value) is int and GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT,
}


class Variables:
    """Reads the variables of an operation."""

    def __init__(self, schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]) -> None:
        self._declared = [_declared(schema, each) for each in definitions]

    def read(self, sent: Sent, *, without: frozenset[str] = frozenset()) -> Values:
        """The values that were sent, coerced, but for those `without`, which somebody else reads.

        raises  DeoptError  one does not fit its type
        """
        found = {each.name: each.read(sent) for each in self._declared if each.name not in without}
        return Values({name: value for name, value in found.items() if value is not Undefined}, sent)


def _declared(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Declared:
    """raises  DeoptError  there is no such type, or the default does not fit"""
    type_ = type_from_ast(schema, definition.type)
    if not is_input_type(type_):
        raise DeoptError(Reason.VARIABLES)
    default: Any = Undefined
    if definition.default_value is not None:
        default = coerce_input_literal(definition.default_value, type_)
        if default is Undefined:
            raise DeoptError(Reason.VARIABLES)
    stands = STANDS.get(get_nullable_type(type_), lambda _: False)
    return Declared(definition.variable.name.value, type_, default, stands)
