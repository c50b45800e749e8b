"""The arguments of fields: what is constant is coerced once, the rest at each run, by the same functions as
in the standard executor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    get_variable_values,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.field import StrawberryField

from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.variables import Values
from promptgraph.graph.field import Paged, in_pages
from promptgraph.graph.schema import Schema

Given = Mapping[str, Any]
Convert = Callable[[dict[str, Any]], Given]
DECLARED = "strawberry-definition"
"""Under which a field of graphql-core knows its declaration."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a field's resolver gets: `constant`, or what `read` makes of the variables."""

    constant: Given | None
    read: Callable[[Values], Given]


def always(given: Given) -> Arguments:
    """Arguments that depend on no variable."""
    return Arguments(given, lambda _: given)


NONE = always({})


class ArgumentsReader:
    """Compiles the arguments in one operation."""

    def __init__(self, schema: Schema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._operation = operation

    def read(self, definition: GraphQLField, node: FieldNode) -> Arguments:
        """The arguments of a selected field. What does not fit its type, fails."""
        if not definition.args:
            return NONE
        convert = self._convert(definition)
        sent = {each.name.value: each.value for each in node.arguments or ()}
        asking = {name for name, value in sent.items() if any(variables_in(value))}
        if not asking:
            return always(convert(get_argument_values(definition, node)))
        if all(isinstance(sent[name], VariableNode) for name in asking):
            return Arguments(None, _by_variables(definition, sent, convert))
        return Arguments(
            None, lambda values: convert(get_argument_values(definition, node, self._whole(values)))
        )

    def _whole(self, values: Values) -> Any:
        """The variables as graphql-core has them: values within literals need to know where they are from."""
        definitions = self._operation.variable_definitions or ()
        return get_variable_values(self._schema.core, definitions, dict(values.sent))

    def _convert(self, definition: GraphQLField) -> Convert:
        """Makes the resolver's arguments of coerced ones."""
        field: StrawberryField | None = definition.extensions.get(DECLARED)
        if field is None:  # one that describes the schema
            return lambda coerced: coerced
        names = self._schema.config.name_converter
        each = [
            (names.from_argument(argument), argument.python_name, self._made_by(definition, argument))
            for argument in field.arguments
        ]
        paged = any(isinstance(extension, Paged) for extension in field.extensions)

        def convert(coerced: dict[str, Any]) -> Given:
            given = {
                to: coerced[name] if make is None else make(coerced[name])
                for name, to, make in each
                if name in coerced
            }
            return in_pages(given) if paged else given

        return convert

    def _made_by(self, definition: GraphQLField, argument: StrawberryArgument) -> Callable[[Any], Any] | None:
        """What strawberry makes a value with; None where it leaves it as it is."""
        name = self._schema.config.name_converter.from_argument(argument)
        type_ = definition.args[name].type
        if not is_list_type(get_nullable_type(type_)) and not is_input_object_type(get_named_type(type_)):
            return None
        registry, config = self._schema.schema_converter.scalar_registry, self._schema.config
        return lambda value: convert_argument(value, argument.type, registry, config)


def variables_in(value: ValueNode) -> Iterator[str]:
    """The names of the variables in a literal."""
    if isinstance(value, VariableNode):
        yield value.name.value
    elif isinstance(value, ListValueNode):
        for item in value.values:
            yield from variables_in(item)
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            yield from variables_in(field.value)


class _Asked(NamedTuple):
    """An argument whose value is a variable."""

    name: str
    variable: str
    argument: GraphQLArgument

    def value(self, values: Values) -> Any:
        """Its value; Undefined where there is none.

        raises  DeoptError  there must be one
        """
        found = values.coerced.get(self.variable, Undefined)
        if found is Undefined:
            return _default(self.argument)
        if found is None and is_non_null_type(self.argument.type):
            raise DeoptError(Reason.ARGUMENTS)
        return found


def _by_variables(
    definition: GraphQLField, sent: Mapping[str, ValueNode], convert: Convert
) -> Callable[[Values], Given]:
    """Reads arguments of which each is constant or a variable."""
    fixed: dict[str, Any] = {}
    asked: list[_Asked] = []
    for name, argument in definition.args.items():
        value = sent.get(name)
        if isinstance(value, VariableNode):
            asked.append(_Asked(name, value.name.value, argument))
        else:
            fixed[name] = _default(argument) if value is None else _constant(argument, value)

    def read(values: Values) -> Given:
        given = fixed | {each.name: each.value(values) for each in asked}
        return convert({name: value for name, value in given.items() if value is not Undefined})

    return read


def _default(argument: GraphQLArgument) -> Any:
    """raises  DeoptError  it must be given"""
    if is_required_argument(argument):
        raise DeoptError(Reason.ARGUMENTS)
    return coerce_default_value(argument)


def _constant(argument: GraphQLArgument, value: ValueNode) -> Any:
    """raises  DeoptError  it does not fit its type"""
    found = coerce_input_literal(value, argument.type)
    if found is Undefined:
        raise DeoptError(Reason.ARGUMENTS)
    return found
