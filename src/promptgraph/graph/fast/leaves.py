"""How leaves are written: which values stand for themselves, and what graphql-core makes of all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from promptgraph.graph.fast.deopt import DeoptError, Reason

Write = Callable[[Any], Any]

STANDS: Mapping[str, str] = {
    "String": "type({0}) is str",
    "ID": "type({0}) is str",
    "Boolean": "type({0}) is bool",
    "Int": f"type({{0}}) is int and {GRAPHQL_MIN_INT} <= {{1}} <= {GRAPHQL_MAX_INT}",
    "Float": "type({0}) is float and -1e999 < {1} < 1e999",
}
"""When a value is what it would be written as, by the name of its type: `{0}` reads the value, after that it
is `{1}`.
"""


FREE = frozenset({"BigInt", "JSON"})
"""The types that write any value as it is."""
SURE = frozenset({"DateTime", "Decimal", "UUID"})
"""The types that give a text for every value that is one of theirs."""


class Names(dict[Any, str]):
    """The names of an enum's members; what is no member is left to graphql-core."""

    def __init__(self, type_: GraphQLEnumType) -> None:
        super().__init__()
        self._write = checked(type_)

    def __missing__(self, value: Any) -> str:
        found: str = self._write(value)
        self[value] = found
        return found


def written_by(type_: GraphQLLeafType) -> Write | Names:
    """What writes the values of a type that are not null: by call, those of an enum by subscript."""
    if isinstance(type_, GraphQLEnumType):
        return Names(type_)
    return type_.coerce_output_value if type_.name in SURE else checked(type_)


def checked(type_: GraphQLLeafType) -> Write:
    """Writes any value of a leaf type as the standard executor does.

    raises  DeoptError  it cannot be written
    """

    def write(value: Any) -> Any:
        found = type_.coerce_output_value(value)
        if found is None or found is Undefined:
            raise DeoptError(Reason.ERROR)
        return found

    return write


def needed(value: Any) -> None:
    """raises  DeoptError  always: an object of another kind must be here"""
    raise DeoptError(Reason.NULL if value is None else Reason.RECORD)


def optional(value: Any) -> None:
    """None, where there is nothing.

    raises  DeoptError  there is something else
    """
    if value is not None:
        raise DeoptError(Reason.RECORD)
