"""JSON Schemas: which may be used, and what they refuse."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.template.schema import MAX_VIOLATIONS, Violation, check_schema, checker, violations

ACCEPTED: dict[str, Json] = {
    "empty": {},
    "true": True,
    "object": {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]},
    "annotations": {
        "title": "T",
        "description": "d",
        "x-sensitive": True,
        "examples": [1],
        "format": "email",
    },
    "local reference": {"$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}},
    "reference with escapes": {"$defs": {"a/b~c d": {}}, "items": {"$ref": "#/$defs/a~1b~0c%20d"}},
    "reference into a list": {"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}},
    "tree": {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
    "json": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}]},
    "dialect": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"},
    "property named $ref": {"properties": {"$ref": {"type": "string"}, "$id": {}}},
    "enum that looks like a schema": {"enum": [{"$ref": "http://127.0.0.1/x"}]},
    "patterns": {"properties": {"a": {"pattern": r"^[\w.-]{1,64}$"}}, "patternProperties": {"^x-": {}}},
    "unevaluated": {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
}


@pytest.mark.parametrize("schema", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(schema: Json) -> None:
    """Ordinary schemas of draft 2020-12 may be used, those that describe trees among them."""
    check_schema(schema, field="input.schema")
    assert isinstance(violations(schema, {"a": "x"}), list)


def nested(depth: int) -> Json:
    """A schema of lists in lists."""
    schema: Json = {"type": "integer"}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


def unnest(schema: Json) -> None:
    """Takes a deep schema apart, so that freeing it needs no deep recursion."""
    while isinstance(schema, dict) and "items" in schema:
        schema = schema.pop("items")


def fan(levels: int, **last: Json) -> dict[str, Json]:
    """A schema of a few lines that applies 2**levels schemas to one value."""
    definitions: dict[str, Json] = {
        f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]}
        for i in range(levels)
    }
    return {"$defs": {**definitions, f"d{levels}": last}, "$ref": "#/$defs/d0"}


REFUSED: dict[str, tuple[Any, str]] = {
    "text": ("string", "it is no mapping"),
    "null": (None, "it is no mapping"),
    "list": ([], "it is no mapping"),
    "no type": ({"type": "strin"}, "type: is none of string, number"),
    "deep no type": ({"properties": {"a": {"type": 5}}}, "properties.a.type: is none of string"),
    "required is a text": ({"required": "x"}, 'required: is not of type "array"'),
    "negative length": ({"maxLength": -1}, "maxLength: "),
    "open bracket": ({"pattern": "["}, "pattern: is not a pattern that is supported"),
    "look-around": ({"pattern": "(?=a)"}, "pattern: is not a pattern"),
    "back-reference": ({"pattern": r"(a)\1"}, "pattern: is not a pattern"),
    "large repetition": ({"pattern": "(a{1,1000}){1,1000}"}, "for lengths use maxLength"),
    "pattern of a name": ({"patternProperties": {"[": {}}}, "is not a pattern"),
    "web": ({"$ref": "http://127.0.0.1:9/x"}, "`$ref` may only point into the schema itself"),
    "disk": ({"$ref": "file:///etc/passwd"}, "`$ref` may only point into the schema itself"),
    "neighbour": ({"properties": {"a": {"$ref": "other.json"}}}, "`$ref` may only point into"),
    "number as reference": ({"$ref": 5}, "`$ref` may only point into"),
    "nowhere": ({"$ref": "#/$defs/nope"}, "`$ref` points at '#/$defs/nope', which is not there"),
    "nowhere in a list": ({"allOf": [{}], "$ref": "#/allOf/7"}, "which is not there"),
    "no number in a list": ({"allOf": [{}], "$ref": "#/allOf/x"}, "which is not there"),
    "hidden web": ({"x": {"$ref": "http://127.0.0.1:9/x"}, "$ref": "#/x"}, "`$ref` may only point"),
    "unused web": ({"$defs": {"a": {"$ref": "http://127.0.0.1:9/x"}}}, "cannot be used as a JSON Schema"),
    "id": ({"$id": "http://127.0.0.1:9/x"}, "`$id` is not supported"),
    "anchor": ({"items": {"$anchor": "a"}}, "`$anchor` is not supported"),
    "dynamic reference": ({"$dynamicRef": "http://127.0.0.1:9/x"}, "`$dynamicRef` is not supported"),
    "other dialect": ({"$schema": "http://127.0.0.1:9/x"}, "only one $schema is supported"),
    "older dialect": ({"$schema": "http://json-schema.org/draft-07/schema#"}, "only one $schema"),
    "circle in place": ({"$ref": "#"}, "refers to itself without going deeper"),
    "circle of two": (
        {"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        "refers to itself",
    ),
    "fan-out": (fan(60), "more than 1000 schemas"),
    "fan-out by depth": (
        {"anyOf": [{"type": "integer"}, *[{"items": {"$ref": "#"}} for _ in range(3)]]},
        "more than 1000 schemas",
    ),
    "many branches": ({"oneOf": [{"const": i} for i in range(2_000)]}, "more than 1000 schemas"),
    "long chain": (
        {
            "$defs": {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(990)} | {"d990": {}},
            "$ref": "#/$defs/d0",
        },
        "nested too deeply",
    ),
    "not a number": ({"minimum": float("nan")}, "not JSON"),
    "huge number": ({"minimum": 10**5000}, "not JSON"),
    "large": ({"description": "x" * 70_000}, "larger than 64 KiB"),
    "deep": (nested(300), "nested too deeply"),
}


@pytest.mark.parametrize(("schema", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(schema: Json, message: str) -> None:
    """What is no schema, reaches out of itself or may run without end is refused in words, and at once."""
    began = time.perf_counter()
    with pytest.raises(InvalidInputError) as caught:
        check_schema(schema, field="input.schema")
    assert str(caught.value).startswith("input.schema cannot be used as a JSON Schema: ")
    assert message in str(caught.value)
    assert "input.schema" == caught.value.field
    assert time.perf_counter() - began < 2


def test_refuses_the_deepest_schema() -> None:
    """A hundred thousand levels are refused, not a crash."""
    schema = nested(100_000)
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        check_schema(schema, field="output.schema")
    unnest(schema)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a loopback web server was asked for; the last entry is its address."""
    paths: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        paths.append(f"http://127.0.0.1:{server.server_port}/")
        yield paths
        server.shutdown()
        thread.join()


def test_never_asks_the_network(asked: list[str]) -> None:
    """Whatever a schema refers to, no web server is asked for it."""
    url = asked.pop()
    schemas: list[Json] = [
        {"$ref": url + "a"},
        {"$schema": url + "b", "type": "string"},
        {"properties": {"x": {"$id": url + "c", "$schema": url + "d", "$ref": "e"}}},
        {"$defs": {"x": {"$ref": url + "f"}}},
        {"$defs": {"x": {"$schema": url + "g", "$id": url + "h"}}},
        {"$dynamicRef": url + "i"},
        {"x": {"items": {"$ref": url + "j"}}, "$ref": "#/x"},
    ]
    for schema in schemas:
        try:
            check_schema(schema, field="input.schema")
        except InvalidInputError:
            continue
        violations(schema, {"x": [1]})
    assert [] == asked


ONE: list[Json] = [1]
REFUSES: dict[str, tuple[Json, Json, list[Violation]]] = {
    "anything at all": (False, 1, [Violation("", "is not allowed here.", "falseSchema")]),
    "anything": (
        {"properties": {"a": False}},
        {"a": 1},
        [Violation("a", "is not allowed here.", "a")],
    ),
    "nothing": ({"type": "string"}, "a", []),
    "type": ({"type": "string"}, 5, [Violation("", 'is not of type "string".', "type")]),
    "length": (
        {"properties": {"a": {"maxLength": 3}}},
        {"a": "secret"},
        [Violation("a", "is longer than 3 characters.", "maxLength")],
    ),
    "choice": (
        {"properties": {"a": {"items": {"enum": ["x", "y"]}}}},
        {"a": ["x", "z"]},
        [Violation("a[1]", 'is not one of "x" or "y".', "enum")],
    ),
    "several": (
        {"properties": {"a": {"minimum": 5}, "b": {"type": "null"}}},
        {"a": 1, "b": 1},
        [
            Violation("a", "is less than the minimum of 5.", "minimum"),
            Violation("b", 'is not of type "null".', "type"),
        ],
    ),
}


@pytest.mark.parametrize(("schema", "value", "expected"), REFUSES.values(), ids=REFUSES.keys())
def test_tells_what_a_schema_refuses(schema: Json, value: Json, expected: list[Violation]) -> None:
    """Each violation says where, by which keyword and why, and never shows the value."""
    assert expected == violations(schema, value)


def test_shows_no_value() -> None:
    """However a value fails, no part of it is in the words."""
    schema: Json = {
        "anyOf": [{"const": 1}, {"pattern": "^x"}],
        "not": {"minLength": 3},
        "oneOf": [{"type": "integer"}, {"maxLength": 1}],
        "enum": [1],
    }
    found = violations(schema, "top-secret")
    assert found
    assert not [each for each in found if "secret" in each.message]


def test_keeps_messages_short() -> None:
    """A long choice is cut."""
    (found,) = violations({"enum": [f"{i:0100}" for i in range(50)]}, 1)
    assert 201 == len(found.message)


def test_tells_at_most_twenty() -> None:
    """Of many violations the first twenty are told."""
    assert MAX_VIOLATIONS == len(violations({"items": {"type": "string"}}, ONE * 1_000))


def test_tells_one_of_very_many() -> None:
    """Where telling all would take long, it is said that the value does not fit."""
    began = time.perf_counter()
    (found,) = violations({"items": {"type": "string"}}, ONE * 100_000)
    assert "size" == found.keyword
    assert time.perf_counter() - began < 1


def test_ends_on_hostile_patterns() -> None:
    """A pattern that hangs a backtracking engine is harmless on the largest input."""
    value = "ab" * 65_536 + "a" * 131_072
    began = time.perf_counter()
    for pattern in ("^(a+)+$", "^(a|aa|b)+c$", "(a|b)*a[ab]{200}c", "(.*a){20}c"):
        violations({"pattern": pattern}, value)
    assert time.perf_counter() - began < 10


def test_refuses_too_many_patterns_on_a_long_text() -> None:
    """Many patterns on one long text are too much, few or short ones are not."""
    schema: Json = {"allOf": [{"pattern": f"^{c}*$"} for c in "aaaa"]}
    assert [] == violations(schema, "a" * 1_000)
    assert ["size"] == [found.keyword for found in violations(schema, "a" * 100_000)]


def test_refuses_too_many_branches_on_many_values() -> None:
    """Hundreds of branches for each of thousands of values are too much."""
    schema = fan(7, items={"type": "integer"})
    assert [] == violations(schema, ONE * 100)
    assert ["size"] == [found.keyword for found in violations(schema, ONE * 40_000)]


def test_is_compiled_once() -> None:
    """The checker of a schema does not depend on the order of its keys."""
    first, second = checker({"type": "string", "title": "t"}), checker({"title": "t", "type": "string"})
    assert first == second
    assert [] == first("a")
