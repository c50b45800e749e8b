"""What is told of two versions of a schema: what breaks clients, what may, and what is only new."""

from __future__ import annotations

import pytest
from graphql import build_schema

from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.evolution import changes_since, deprecations
from promptgraph.graph.schema import sdl

VERSION = '  """The version that it should point to."""\n  version: Int!\n'
COUNT = '  """The prompts that are not retired, by name."""\n  promptCount: Int!\n'
SOURCE = 'source: String = "x"'
LEGACY = ' @deprecated(reason: "Legacy rows only. Use `prompt` and `renderedPrompt`. Deprecated since 0.1.")'


def earlier(now: str, then: str) -> str:
    """The SDL as it would have been with `then` in the place of `now`."""
    assert now in sdl()
    return sdl().replace(now, then, 1)


@pytest.mark.parametrize(
    ("now", "then", "gravity", "kind", "named"),
    [
        ("type ServerInfo {", "type ServerInfo { gone: Int", "breaking", "FIELD_REMOVED", "ServerInfo.gone"),
        ("promptCount: Int!", "promptCount: ID!", "breaking", "FIELD_CHANGED_KIND", "from ID! to Int!"),
        ("role: String!", "role: String", "breaking", "ARG_CHANGED_KIND", "Agent.prompt(role:)"),
        (VERSION, "", "breaking", "REQUIRED_INPUT_FIELD_ADDED", "SetPromptLabelInput.version"),
        ("enum Direction {", "enum Direction { UP", "breaking", "VALUE_REMOVED_FROM_ENUM", "Direction.UP"),
        ('source: String = "api"', "source: String", "additive", "INPUT_FIELD_DEFAULT_VALUE_ADDED", "api"),
        ('source: String = "api"', SOURCE, "dangerous", "INPUT_FIELD_DEFAULT_VALUE_CHANGE", "source"),
        ("PromptLabel implements Node", "PromptLabel", "dangerous", "IMPLEMENTED_INTERFACE_ADDED", "Node"),
        ("enum Direction {", "enum Other { A }\nenum Direction {", "breaking", "TYPE_REMOVED", "Other"),
        ("promptCount: Int!", "promptCount: Int", "additive", "FIELD_CHANGED_KIND_SAFE", "promptCount"),
        (COUNT, "", "additive", "FIELD_ADDED", "ServerInfo.promptCount"),
        (LEGACY, "", "additive", "DEPRECATED", "LlmCall.promptText is deprecated: Legacy rows only. Use"),
    ],
)  # fmt: skip
def test_judges_a_change(now: str, then: str, gravity: str, kind: str, named: str) -> None:
    """By what a client that knows the earlier schema would notice; the sentence names the place."""
    changes = changes_since(earlier(now, then), "then")
    [(found, (change,))] = [each for each in changes._asdict().items() if each[1]]
    assert (gravity, kind) == (found, change.kind)
    assert named in change.sentence


def test_words_are_no_change() -> None:
    """A description may be mended at any time, and the same schema has no changes."""
    assert ((), (), ()) == changes_since(earlier("A named caller of prompts.", "Somebody."), "then")
    assert ((), (), ()) == changes_since(sdl(), "now")


def test_finds_whatever_is_deprecated() -> None:
    """Fields, arguments, inputs' fields and values, each by its coordinate."""
    text = """type Query { a(b: Int @deprecated(reason: "1")): E @deprecated c(d: I): Int }
    enum E { F @deprecated(reason: "2") } input I { g: Int @deprecated(reason: "3") h: Int }"""
    expected = {"Query.a": "No longer supported", "Query.a(b:)": "1", "E.F": "2", "I.g": "3"}
    assert expected == deprecations(build_schema(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.graphql is no GraphQL schema: Syntax Error: Unexpected <EOF>. (line 1, column 1)"),
        ("type Query {\n  a: }", "x.graphql is no GraphQL schema: Syntax Error: Expected Name, found '}'."),
        ("type Query { a: B }", "x.graphql is no GraphQL schema: Unknown type 'B'."),
        ("{ prompts { nodes { id } } }", "x.graphql is no schema of an API: it has no type Query."),
        ("type A { b: Int }", "x.graphql is no schema of an API: it has no type Query."),
        (f"type Query {{ a: {'[' * 5000}Int{']' * 5000} }}", "x.graphql is no GraphQL schema: "),
        (f"type Query {{ {'a: Int ' * 20_000} }}", "x.graphql is no GraphQL schema: Syntax Error: Document"),
        ("\x00", "x.graphql is no GraphQL schema: Syntax Error: Unexpected character: U+0000."),
    ],
    ids=["empty", "syntax", "unknown", "operation", "no query", "deep", "long", "control"],
)
def test_refuses_what_is_no_schema(text: str, expected: str) -> None:
    """With its name, in one line, and where in it."""
    with pytest.raises(InvalidInputError) as refusal:
        changes_since(text, "x.graphql")
    assert str(refusal.value).startswith(expected)
    assert "\n" not in str(refusal.value)
