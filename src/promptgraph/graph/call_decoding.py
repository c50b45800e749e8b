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
BLANK = tuple(NewCall._field_defaults.get(name) for name in NewCall._fields)
NEEDED = tuple(place for place, name in enumerate(NewCall._fields) if name not in NewCall._field_defaults)
"""A call of which nothing is known, and where it must not stay so."""
NESTED = frozenset({dict, list})
FEW_LEVELS = MOST_LEVELS - 2
"""A row stands in a list, which stands in the variables."""


class Doubt(Exception):  # noqa: N818  # no error: the standard way decides
    """The quick way does not know what to make of a value."""


class CallDecoder:
    """Reads calls as `input` holds them, of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        shape = assert_input_object_type(schema.type_map["LlmCallInput"])
        self._fields = {
            name: (NewCall._fields.index(ATTRIBUTES[name]), _parse(field.type))
            for name, field in shape.fields.items()
        }

    def call(self, sent: Json) -> NewCall | None:
        """The call that an object stands for; None on any doubt."""
        return found[0] if (found := self.calls([sent])) else None

    def calls(self, sent: Json) -> list[NewCall] | None:
        """The calls that a list of objects stands for; None on any doubt.

        cost  10 µs for a call of 15 fields, as much again for its UUID, decimal, instant and JSON
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
        values, fields = list(BLANK), self._fields
        for name, value in row.items():
            place, parse = fields[name]
            if value is not None:
                values[place] = parse(value)
        for place in NEEDED:
            if values[place] is None:
                raise Doubt
        return NewCall._make(values)


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
    if type(value) not in NESTED:
        return value
    level = _nested_in(value)
    for _ in range(FEW_LEVELS - 1):
        if not level:
            return value
        level = [child for each in level for child in _nested_in(each)]
    raise Doubt


def _nested_in(value: Any) -> list[Any]:
    """The lists and objects that stand in one, each within its brackets alone."""
    return [child for child in (value.values() if type(value) is dict else value) if type(child) in NESTED]
