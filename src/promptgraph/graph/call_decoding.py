"""The calls in a request's variables, read in one step: what coercion and the resolver's argument would come
to, at a fraction of the cost, or nothing where there is any doubt. Each value is parsed by its own type of
the schema, so that both ways agree.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    assert_input_object_type,
    assert_list_type,
    get_nullable_type,
    is_leaf_type,
)

from promptgraph.domain.call import NewCall
from promptgraph.domain.canonical import Json
from promptgraph.graph.call_inputs import ATTRIBUTES
from promptgraph.graph.variables import MOST_LEVELS, MOST_ROWS

Parse = Callable[[Any], Any]
NESTED = frozenset({dict, list})
FEW_LEVELS = MOST_LEVELS - 2
"""A row stands in a list, which stands in the variables."""


class Doubt(Exception):  # noqa: N818  # no error: the standard way decides
    """The quick way does not know what to make of a value."""


class CallDecoder:
    """Reads calls as `input` holds them, of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        shape = assert_input_object_type(schema.type_map["LlmCallInput"])
        self._parse = {name: _parse(field.type) for name, field in shape.fields.items()}

    def call(self, sent: Json) -> NewCall | None:
        """The call that an object stands for; None on any doubt."""
        return found[0] if (found := self.calls([sent])) else None

    def calls(self, sent: Json) -> list[NewCall] | None:
        """The calls that a list of objects stands for; None on any doubt.

        cost  5 µs for a call of 14 fields
        """
        if type(sent) is not list or len(sent) > MOST_ROWS:
            return None
        try:
            return [self._call(row) for row in sent]
        except (Doubt, GraphQLError, KeyError, TypeError, ValueError, OverflowError):
            return None

    def _call(self, row: Json) -> NewCall:
        if type(row) is not dict:
            raise Doubt
        parse = self._parse
        given = {ATTRIBUTES[name]: parse[name](value) for name, value in row.items() if value is not None}
        if len(given) < len(row) and not row.keys() <= parse.keys():
            raise Doubt
        return NewCall(**given)  # which asks for what must be there


def _parse(type_: GraphQLInputType) -> Parse:
    """How a value of the type that is not null is parsed; lists become tuples."""
    kind: Any = get_nullable_type(type_)
    if isinstance(kind, GraphQLEnumType):
        return {name: kind.parse_value(name) for name in kind.values}.__getitem__
    if getattr(kind, "name", None) == "JSON":
        return _json
    if is_leaf_type(kind):
        parse: Parse = kind.parse_value
        return parse
    return partial(_each, _parse(assert_list_type(kind).of_type))


def _each(parse: Parse, value: object) -> tuple[Any, ...]:
    if type(value) is not list or None in value:
        raise Doubt
    return tuple(map(parse, value))


def _json(value: Any) -> Any:
    """raises  Doubt  lists and objects nest so deep that the whole request is refused"""
    level = [value] if type(value) in NESTED else []
    for _ in range(FEW_LEVELS):
        if not level:
            return value
        inner = [each.values() if type(each) is dict else each for each in level]
        level = [child for each in inner for child in each if type(child) in NESTED]
    raise Doubt
