"""The variables of one render."""

import time

import pytest

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Message, MessageRole, PromptContent
from promptgraph.template.values import Inputs, check_json

CONTENT = PromptContent(
    messages=(Message(MessageRole.USER, "…"), Message(placeholder="history")),
    input_schema={
        "type": "object",
        "required": ["ticket", "tone"],
        "additionalProperties": False,
        "properties": {
            "ticket": {"type": "string", "maxLength": 500_000},
            "tone": {"enum": ["kind", "firm"]},
            "count": {"type": "integer", "minimum": 1},
            "docs": {"type": "array", "items": {"type": "object", "required": ["title"]}},
            "token": {"type": "object", "x-sensitive": True, "additionalProperties": False},
            "any": {},
        },
    },
    input_default={"tone": "kind"},
)
INPUTS = Inputs.of(CONTENT)

FILLED: dict[str, tuple[JsonObject, JsonObject]] = {
    "defaults": ({"ticket": "t"}, {"history": [], "tone": "kind", "ticket": "t"}),
    "own values": ({"ticket": "t", "tone": "firm"}, {"history": [], "tone": "firm", "ticket": "t"}),
    "placeholder": (
        {"ticket": "t", "history": [{"role": "user", "content": "x"}]},
        {"history": [{"role": "user", "content": "x"}], "tone": "kind", "ticket": "t"},
    ),
}


@pytest.mark.parametrize(("given", "expected"), FILLED.values(), ids=FILLED.keys())
def test_fills_in_defaults(given: JsonObject, expected: JsonObject) -> None:
    """What is not sent gets its default; a placeholder is empty unless sent."""
    assert expected == INPUTS.filled(given)


def deep(depth: int) -> JsonObject:
    """Lists in lists, `depth` of them."""
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return {"any": value}  # type: ignore[dict-item]  # lists of lists are JSON


REFUSED: dict[str, tuple[JsonObject, str, str]] = {
    "unknown": (
        {"ticket": "t", "tonee": "kind"},
        "no variable `tonee`. Did you mean `tone`?",
        "variables.tonee",
    ),
    "unlike any": ({"zzzz": 1}, "It takes `any`, `count`, `docs`", "variables.zzzz"),
    "missing": ({}, "`ticket` is required: send a value.", "variables.ticket"),
    "type": ({"ticket": 5}, '`ticket` is not of type "string".', "variables.ticket"),
    "choice": ({"ticket": "t", "tone": "rude"}, '`tone` is not one of "kind" or "firm".', "variables.tone"),
    "part": ({"ticket": "t", "docs": [{}]}, '`docs[0]` "title" is a required', "variables.docs[0]"),
    "two": (
        {"ticket": 1, "count": 0},
        '`ticket` is not of type "string". `count` is less than the minimum of 1.',
        "variables.ticket",
    ),
    "key of a sensitive one": (
        {"ticket": "t", "token": {"hunter2": 1}},
        "`token` does not fit its schema: see `additionalProperties`.",
        "variables.token",
    ),
    "NUL": ({"ticket": "a\0"}, "`ticket` holds the character U+0000", "variables.ticket"),
    "surrogate": ({"any": {"k": ["\ud800"]}}, "`any` holds the character U+D800", "variables.any"),
    "control in a key": ({"any": {"\x01": 1}}, "`any` holds the character U+0001", "variables.any"),
    "not a number": ({"any": float("nan")}, "`any` holds a value that is not JSON", "variables.any"),
    "infinity": ({"any": [float("-inf")]}, "`any` holds a value that is not JSON", "variables.any"),
    "large number": ({"any": -(2**53)}, "`any` holds a whole number that is too large", "variables.any"),
    "object": ({"any": object()}, "`any` holds a value that is not JSON", "variables.any"),  # type: ignore[dict-item]  # that is the point
    "tuple": ({"any": (1, 2)}, "`any` holds a value that is not JSON", "variables.any"),  # type: ignore[dict-item]  # that is the point
    "key that is no text": ({"any": {1: 2}}, "`any` holds a key that is no text", "variables.any"),  # type: ignore[dict-item]  # that is the point
    "deep": (deep(10), "`any` is nested deeper than 10", "variables.any"),
    "very deep": (deep(50_000), "`any` is nested deeper than 10", "variables.any"),
    "large": ({"ticket": "x" * 262_145}, "larger than 256 KiB", "variables.ticket"),
    "large in bytes": ({"ticket": "ä" * 131_073}, "larger than 256 KiB", "variables.ticket"),
    "large in parts": ({"any": ["x" * 1_000] * 300}, "larger than 256 KiB", "variables.any"),
    "large together": (
        {"any": "x" * 200_000, "ticket": "x" * 200_000},
        "larger than 256 KiB",
        "variables.ticket",
    ),
}


@pytest.mark.parametrize(("given", "message", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(given: JsonObject, message: str, field: str) -> None:
    """A variable that is unknown, missing, large or wrong is named, with what to do, and never shown."""
    began = time.perf_counter()
    with pytest.raises(InvalidInputError) as caught:
        INPUTS.filled(given)
    assert message in str(caught.value)
    assert field == caught.value.field
    assert len(str(caught.value)) < 800
    assert time.perf_counter() - began < 1


def test_takes_ten_levels() -> None:
    """Ten levels are fine, of which the variables themselves are the first."""
    check_json(deep(9))


def test_counts_what_is_shared_each_time() -> None:
    """A value that stands in many places counts in each, so that a small object cannot be a huge one."""
    value: list[object] = ["x" * 100]
    for _ in range(6):
        value = [value] * 20
    with pytest.raises(InvalidInputError, match="larger than 256 KiB"):
        check_json({"any": value})  # type: ignore[dict-item]  # lists of lists are JSON


def test_names_every_missing_variable() -> None:
    """All that is missing is told at once."""
    inputs = Inputs.of(PromptContent(messages=(), input_schema={"required": ["a", "b"]}))
    with pytest.raises(InvalidInputError, match=r"^`a`, `b` are required: send a value\.$"):
        inputs.filled({})


def test_takes_nothing_without_a_schema() -> None:
    """A prompt that declares nothing takes nothing."""
    inputs = Inputs.of(PromptContent(messages=()))
    assert {} == inputs.filled({})
    with pytest.raises(InvalidInputError, match="has no variable `x`. It takes none."):
        inputs.filled({"x": 1})


def test_uses_the_schema_of_a_declared_placeholder() -> None:
    """A placeholder that the schema declares follows the schema: its bounds, and no default of its own."""
    content = PromptContent(
        messages=(Message(placeholder="history"),),
        input_schema={"required": ["history"], "properties": {"history": {"type": "array", "maxItems": 1}}},
    )
    with pytest.raises(InvalidInputError, match="`history` is required"):
        Inputs.of(content).filled({})
    with pytest.raises(InvalidInputError, match="`history` has more than 1 item"):
        Inputs.of(content).filled({"history": [{}, {}]})


def test_says_when_the_variables_as_a_whole_do_not_fit() -> None:
    """A rule about all variables together names no single one."""
    content = PromptContent(messages=(), input_schema={"properties": {"a": {}, "b": {}}, "minProperties": 1})
    with pytest.raises(InvalidInputError, match="^The variables: ") as caught:
        Inputs.of(content).filled({})
    assert "variables" == caught.value.field
