"""Shapes of values, out of JSON Schemas."""

from __future__ import annotations

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.schema_shape import (
    Anything,
    Exactly,
    Field,
    ListOf,
    MapOf,
    OneOf,
    Plain,
    Record,
    Shape,
    shape_of,
)

TEXT, WHOLE = Plain("string"), Plain("integer")
NODE: Json = {
    "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}},
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "maxLength": 3}, TEXT),
        ({"type": ["string", "null"]}, OneOf((TEXT, Plain("null")))),
        ({"enum": ["a", 1, None]}, Exactly(("a", 1, None))),
        ({"const": "a", "type": "string"}, Exactly(("a",))),
        ({"enum": [{"a": 1}]}, Anything()),
        ({"items": {"type": "integer"}}, ListOf(WHOLE)),
        ({"type": "array"}, ListOf(Anything())),
        ({"type": "object"}, MapOf(Anything())),
        ({"type": "object", "additionalProperties": {"type": "string"}}, MapOf(TEXT)),
        (
            {"properties": {"a": {"type": "string", "description": "A."}, "b": True}, "required": ["b"]},
            Record(
                {"a": Field(TEXT, required=False, description="A."), "b": Field(Anything(), required=True)}
            ),
        ),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]}, OneOf((TEXT, WHOLE))),
        ({"oneOf": [{"type": "string"}, {}]}, Anything()),
        (NODE, Record({"next": Field(Anything(), required=False), "name": Field(TEXT, required=False)})),
        ({"$ref": "#/$defs/gone"}, Anything()),
        ({"$ref": "https://example.com/a"}, Anything()),
        ({"type": "text"}, Anything()),
        (True, Anything()),
        ({}, Anything()),
    ],
    ids=lambda value: str(value)[:40],
)
def test_says_what_types_can_say(schema: Json, expected: Shape) -> None:
    """The narrowest shape that holds every value of the schema; anything where there is none."""
    assert expected == shape_of(schema)
