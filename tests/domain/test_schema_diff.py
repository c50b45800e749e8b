"""What changed between two schemas, for those who send and for those who read."""

import pytest

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.change import ChangeKind, Impact
from promptgraph.domain.schema_diff import Schemas, facts, part_changes, same, schema_changes

MAJOR, MINOR, PATCH = Impact.MAJOR, Impact.MINOR, Impact.PATCH

IMPACTS: dict[str, tuple[JsonObject, JsonObject, Impact, Impact]] = {
    # before, after, impact for callers who send, impact for code that reads
    "type": ({"type": "string"}, {"type": "integer"}, MAJOR, MAJOR),
    "type widened": ({"type": "string"}, {"type": ["string", "null"]}, MINOR, MAJOR),
    "type narrowed": ({"type": ["string", "null"]}, {"type": "string"}, MAJOR, MINOR),
    "integer to number": ({"type": "integer"}, {"type": "number"}, MINOR, MAJOR),
    "number to integer": ({"type": "number"}, {"type": "integer"}, MAJOR, MINOR),
    "type is new": ({}, {"type": "string"}, MAJOR, MINOR),
    "type is gone": ({"type": "string"}, {}, MINOR, MAJOR),
    "type in a list": ({"type": "string"}, {"type": ["string"]}, PATCH, PATCH),
    "enum widened": ({"enum": ["a"]}, {"enum": ["a", "b"]}, MINOR, MINOR),
    "enum narrowed": ({"enum": ["a", "b"]}, {"enum": ["a"]}, MAJOR, MINOR),
    "enum in another order": ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, PATCH, PATCH),
    "enum is new": ({}, {"enum": ["a"]}, MAJOR, MINOR),
    "enum is gone": ({"enum": ["a"]}, {}, MINOR, MINOR),
    "enum of one and true": ({"enum": [1]}, {"enum": [True]}, MAJOR, MINOR),
    "const is null": ({}, {"const": None}, MAJOR, MINOR),
    "maximum loosened": ({"maximum": 1}, {"maximum": 2}, MINOR, MINOR),
    "maximum tightened": ({"maximum": 2}, {"maximum": 1}, MAJOR, MINOR),
    "maximum is new": ({}, {"maximum": 1}, MAJOR, MINOR),
    "maximum is gone": ({"maximum": 1}, {}, MINOR, MINOR),
    "minLength loosened": ({"minLength": 2}, {"minLength": 1}, MINOR, MINOR),
    "minLength tightened": ({"minLength": 1}, {"minLength": 2}, MAJOR, MINOR),
    "pattern changed": ({"pattern": "a"}, {"pattern": "b"}, MAJOR, MINOR),
    "pattern is gone": ({"pattern": "a"}, {}, MINOR, MINOR),
    "format is new": ({}, {"format": "email"}, MAJOR, MINOR),
    "branches changed": ({"anyOf": [{}]}, {"anyOf": [{"type": "null"}]}, MAJOR, MINOR),
    "more properties again": ({"additionalProperties": False}, {"additionalProperties": True}, MINOR, MINOR),
    "no more properties": ({"additionalProperties": True}, {"additionalProperties": False}, MAJOR, MINOR),
    "other properties": (
        {"additionalProperties": {"type": "string"}},
        {"additionalProperties": {"type": "null"}},
        MAJOR,
        MAJOR,
    ),
    "items tightened": ({"items": {"maximum": 2}}, {"items": {"maximum": 1}}, MAJOR, MINOR),
    "items in other words": ({"items": {"enum": [1, 2]}}, {"items": {"enum": [2, 1]}}, PATCH, PATCH),
    "title": ({"title": "a"}, {"title": "b"}, PATCH, PATCH),
    "description": ({}, {"description": "b"}, PATCH, PATCH),
    "examples": ({"examples": [1]}, {}, PATCH, PATCH),
    "sensitive": ({}, {"x-sensitive": True}, MINOR, MINOR),
    "sensitive no more": ({"x-sensitive": True}, {}, MINOR, MINOR),
    "part is new": ({}, {"properties": {"a": {}}}, MINOR, MINOR),
    "part is gone": ({"properties": {"a": {}}}, {"properties": {"b": {}}}, MAJOR, MAJOR),
    "part is required": ({}, {"required": ["a"]}, MAJOR, MINOR),
    "part is optional": (
        {"properties": {"a": {}}, "required": ["a"]},
        {"properties": {"a": {}}},
        MINOR,
        MAJOR,
    ),
    "parts required in another order": ({"required": ["a", "b"]}, {"required": ["b", "a"]}, PATCH, PATCH),
    "definition is gone": ({"$defs": {"a": {}}}, {"$defs": {}}, MINOR, MINOR),
    "definition is tightened": (
        {"$defs": {"a": {}}},
        {"$defs": {"a": {"minimum": 1}}},
        MAJOR,
        MINOR,
    ),
}


@pytest.mark.parametrize("key", IMPACTS, ids=str)
def test_judges(key: str) -> None:
    """Callers break on what is narrower, code that reads on what is wider, nobody on words."""
    before, after, sent, read = IMPACTS[key]
    for is_read, expected in ((False, sent), (True, read)):
        changes = schema_changes(Schemas("schema", "x", before, after, read=is_read))
        assert expected in {change.impact for change in changes}
        assert max(expected.weight, 1) == max(change.impact.weight for change in changes)


def test_says_who_breaks() -> None:
    """The sentence speaks to those who have to act."""
    before: JsonObject = {"properties": {"docs": {"items": {"properties": {"t": {"type": "string"}}}}}}
    after: JsonObject = {"properties": {"docs": {"items": {"properties": {"t": {"type": "null"}}}}}}
    (sent,) = schema_changes(Schemas("input.schema", "", before, after))
    (read,) = schema_changes(Schemas("output.schema", "", before, after, read=True))
    assert "Variable `docs[].t` takes another type: callers must send null." == sent.sentence
    assert "Output `docs[].t` is null now: code that reads it breaks." == read.sentence
    assert "input.schema.properties.docs.items.properties.t.type" == sent.path


def test_names_the_rule() -> None:
    """A tightened rule is named."""
    (change,) = schema_changes(Schemas("s", "", {"maxLength": 5}, {"maxLength": 3}))
    expected = "The input is checked more strictly: `maxLength` changed; callers may be refused."
    assert expected == change.sentence
    assert (5, 3, ChangeKind.CHANGED) == (change.before, change.after, change.kind)


def test_leaves_out_keywords() -> None:
    """Keywords that are compared elsewhere are left out."""
    assert [] == schema_changes(
        Schemas("s", "", {"required": []}, {"title": "x"}), without=("required", "title")
    )


def test_tells_what_makes_no_difference() -> None:
    """Another way of writing the same is a PATCH; the same is nothing."""
    everything = True
    (change,) = part_changes(Schemas("s", "a", facts(everything), {}), everything, {})
    assert (PATCH, "Variable `a` is written in another way.") == (change.impact, change.sentence)
    assert [] == part_changes(Schemas("s", "a", {}, {}), {}, {})


def test_compares_as_json_does() -> None:
    """1 is 1.0, and neither of them is true; order counts in lists alone."""
    assert same({"a": 1, "b": 2}, {"b": 2.0, "a": 1})
    assert not same([1], [True])
    assert not same([1, 2], [2, 1])
