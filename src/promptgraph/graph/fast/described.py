"""The schema's own description. What is asked of it depends on the schema, the document and the variables
alone: it is made once, by graphql-core's resolvers but without its executor, and kept with the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_nullable_type,
    is_leaf_type,
)

from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.levels import Run, Step
from promptgraph.graph.fast.selection import TYPENAME, Place, Selected
from promptgraph.graph.fast.variables import Values

Write = Callable[[Any], Any]
ROOTS: Mapping[str, GraphQLField] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
"""Fields of Query that are in no SDL."""
MOST_KEY = 1_000
"""So many characters of variables are remembered."""
ROOM_PER_COST = 16
"""Bytes that an answer takes for each unit of its operation's cost, by measurement."""


@dataclass(frozen=True, slots=True)
class DescribedStep(Step):
    """A part of the answer that describes the schema; kept for the variables that it was asked with last."""

    schema: GraphQLSchema
    last: dict[str, Any] = field(default_factory=dict)

    async def found(self, run: Run, records: Sequence[Any]) -> Sequence[Any]:
        return [self.part(run.values) for _ in records]

    def part(self, values: Values) -> Any:
        """The part of the answer."""
        key = str(values.coerced)
        if key not in self.last:
            made = _field(self.selected, values, SimpleNamespace(schema=self.schema))(None)
            self.last.clear()
            if len(key) > MOST_KEY:
                return made
            self.last[key] = made
        return self.last[key]


class AsItIs:
    """A completion for what is finished."""

    async def complete(self, run: Run, found: Sequence[Any]) -> list[Any]:  # noqa: ARG002  # as the protocol has it
        return list(found)


def _field(selected: Selected, values: Values, info: Any) -> Write:
    """What gives a field's value, of the object that it is a field of."""
    definition = selected.definition
    if definition is None or definition.resolve is None:
        raise DeoptError(Reason.FIELD, selected.name)
    resolve, given = definition.resolve, selected.arguments.read(values)
    complete = _completed(definition.type, selected, values, info)
    return lambda parent: complete(resolve(parent, info, **given))


def _completed(type_: GraphQLOutputType, selected: Selected, values: Values, info: Any) -> Write:
    required, plain = isinstance(type_, GraphQLNonNull), get_nullable_type(type_)
    write = _written(plain, selected, values, info)

    def complete(value: Any) -> Any:
        if value is not None:
            return write(value)
        if required:
            raise DeoptError(Reason.NULL, selected.name)
        return None

    return complete


def _written(plain: Any, selected: Selected, values: Values, info: Any) -> Write:
    if isinstance(plain, GraphQLList):
        each = _completed(plain.of_type, selected, values, info)
        return lambda found: [each(item) for item in found]
    if is_leaf_type(plain):
        return _leaf(plain)
    if selected.below is None:
        raise DeoptError(Reason.FIELD, selected.name)
    return _object(selected.below, values, info)


def _leaf(type_: GraphQLLeafType) -> Write:
    return lambda value: value if type(value) in {str, bool} else type_.serialize(value)


def _object(place: Place, values: Values, info: Any) -> Write:
    fields = [
        (each.key, _name(place.type) if each.name == TYPENAME else _field(each, values, info))
        for each in place.fields
    ]
    return lambda record: {key: write(record) for key, write in fields}


def _name(name: str) -> Write:
    return lambda _: name
