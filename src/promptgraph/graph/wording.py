"""What graphql-core finds wrong with values, in the words of GraphQL and JSON, not Python's, and short."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from json import JSONEncoder
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    Undefined,
    ValidationContext,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VisitorAction,
    is_input_type,
    is_non_null_type,
    print_ast,
    type_from_ast,
)
from graphql.pyutils import inspect, print_path_list
from graphql.utilities import validate_input_literal, validate_input_value

MAX_MESSAGE = 500
MAX_ECHO = 200
"""Characters of a client's own value that it is shown again."""
MAX_ERRORS = 20
"""Checking stops there: each error costs a search for what was meant."""
MAX_FLAWS = 5
"""As many are told of one literal: each costs the printing of all of it."""

Path = list[str | int]
_JSON = JSONEncoder(ensure_ascii=False)


def plain(message: str) -> str:
    """`message` as a client may read it."""
    return cut(message.replace("not to be None", "not to be null"), MAX_MESSAGE)


def cut(text: str, limit: int) -> str:
    """The beginning of `text`, on one line; three dots stand for the rest."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shown(value: Any) -> str:
    """The beginning of a JSON value, as JSON.

    cost  no more than what is shown, however large the value
    """
    text = ""
    for piece in _JSON.iterencode(value):
        text += piece
        if len(text) > MAX_ECHO:
            break
    return cut(text, MAX_ECHO)


class _EnoughError(Exception):
    """There are as many errors as anyone reads."""


class ValuesFit(ValuesOfCorrectTypeRule):
    """Every literal fits its place; what is wrong is said with the argument and the path in it."""

    _place = "This"

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._printed: tuple[Node | None, str] = (None, "")

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        self._place = f"Argument '{cut(node.name.value, MAX_ECHO)}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        self._place = f"The default of '${cut(node.variable.name.value, MAX_ECHO)}'"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        left = MAX_FLAWS

        def report(error: GraphQLError, path: Path) -> None:
            nonlocal left
            message = error.message
            for found in error.nodes or ():
                printed = self._print(found)
                message = message.replace(printed, cut(printed, MAX_ECHO))
            self.report_error(wrong(self._place, path, message, error))
            left -= 1
            if not left:
                raise _EnoughError

        if input_type:
            hidden = self.context.hide_suggestions
            with suppress(_EnoughError):
                validate_input_literal(node, input_type, report, None, None, hidden)
        return SKIP

    def _print(self, node: Node) -> str:
        """`node` as wide as graphql-core's own messages have it; several in a row are about the same one."""
        if self._printed[0] is not node:
            self._printed = node, print_ast(node, 100)
        return self._printed[1]


def wrong_variables(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    given: Mapping[str, Any],
    *,
    hide_suggestions: bool,
) -> list[GraphQLError]:
    """What is wrong with the variables that an operation was given; nothing, if they fit their types."""
    errors: list[GraphQLError] = []
    with suppress(_EnoughError):
        for definition in operation.variable_definitions or ():
            _check(schema, definition, given, errors, hide_suggestions=hide_suggestions)
    return errors


def _check(
    schema: GraphQLSchema,
    definition: VariableDefinitionNode,
    given: Mapping[str, Any],
    errors: list[GraphQLError],
    *,
    hide_suggestions: bool,
) -> None:
    name = definition.variable.name.value
    kind = type_from_ast(schema, definition.type)
    value = given.get(name, Undefined)
    needed = is_non_null_type(kind) and definition.default_value is None
    if not is_input_type(kind) or (value is Undefined and not needed):
        return

    def report(error: GraphQLError, path: Path) -> None:
        message = _in_json(error.message, _at(value, path))
        place = f"Variable '${cut(name, MAX_ECHO)}'"
        errors.append(wrong(place, path, message, error, definition))
        if len(errors) >= MAX_ERRORS:
            raise _EnoughError

    validate_input_value(value, kind, report, hide_suggestions)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _in_json(message: str, value: Any) -> str:
    """`message`, with the value that it shows as Python would written as JSON."""
    if value is Undefined:
        return message
    spelt = shown(value)
    if isinstance(value, str):
        message = message.replace(f"'{value}'", spelt)
    return message.replace(inspect(value), spelt)


def wrong(
    place: str, path: Path, message: str, cause: GraphQLError, node: VariableDefinitionNode | None = None
) -> GraphQLError:
    """`message` about the value at `path` in `place`, at its position in the document."""
    sentence = f"{place} has invalid value{print_path_list(path)}: {message}"
    return GraphQLError(plain(sentence), node or cause.nodes, original_error=cause.original_error)
