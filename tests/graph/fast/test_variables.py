"""Variables and arguments come out as graphql-core and strawberry make them."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse

from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.fast.variables import Variables
from tests.graph.registry import schema

TYPES = (
    "String", "String!", "ID", "ID!", "Int", "Int!", "Boolean", "Float", "Float!", "JSON", "DateTime", "UUID",
    "[String!]", "[ID!]!", "CallStatus", "PromptFilter", "PromptOrder!", 'String = "d"', "Int! = 7",
    "[Int!] = [1, 2]", "PromptFilter = {allVersions: true}",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, "", "text", 1, 1.0, 1.5, 2**31, True, [], ["a"], [None], [1, 2], {}, {"field": "NAME"}, "OK", "NO",
    {"allVersions": None}, {"tagsAll": "one"}, {"unknown": 1}, "2026-11-22T10:00:00Z",
    "0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90",
)  # fmt: skip


@pytest.mark.parametrize("declared", TYPES)
def test_every_value_is_coerced_as_by_graphql_core(declared: str) -> None:
    """Given, null, left out or of another type: the same values, or left to the standard executor."""
    operation = parse(f"query($v: {declared}) {{__typename}}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    variables = Variables(schema().core, definitions)
    for sent in ({}, *({"v": value, "other": 1} for value in VALUES)):
        expected: Any = get_variable_values(schema().core, definitions, sent)
        try:
            found = variables.read(sent).coerced
        except DeoptError:
            assert isinstance(expected, list), sent
            continue
        assert repr(expected.coerced) == repr(found), sent


def test_a_default_that_does_not_fit_is_left() -> None:
    """So that the standard executor tells of it."""
    operation = parse("query($v: Int = 9999999999) {__typename}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    with pytest.raises(DeoptError):
        Variables(schema().core, operation.variable_definitions or ())
