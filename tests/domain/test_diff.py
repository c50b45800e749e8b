"""What changed between two contents, and what it means for callers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.diff import Change, ChangeKind, Impact, changes_between, impact_of
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent

SYSTEM, USER = MessageRole.SYSTEM, MessageRole.USER
MAJOR, MINOR, PATCH = Impact.MAJOR, Impact.MINOR, Impact.PATCH


def prompt(**facts: Any) -> PromptContent:
    """Two messages and whatever else is given."""
    messages = (Message(SYSTEM, "Be {{ tone }}."), Message(USER, "{{ ticket }}"))
    return PromptContent(**{"messages": messages, **facts})


def inputs(
    properties: JsonObject, *required: str, default: JsonObject | None = None, **more: Json
) -> PromptContent:
    """A prompt with these variables."""
    schema: JsonObject = {"type": "object", "properties": properties, **more}
    if required:
        schema["required"] = list(required)
    return prompt(input_schema=schema, input_default=default or {})


def outputs(schema: Json) -> PromptContent:
    """A prompt with this output."""
    return prompt(output_schema=schema)


def told(before: PromptContent, after: PromptContent) -> list[tuple[str, ChangeKind, Impact]]:
    """Paths, kinds and impacts of the changes."""
    return [(change.path, change.kind, change.impact) for change in changes_between(before, after)]


ADDED, REMOVED, CHANGED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED
TEXT: JsonObject = {"type": "string"}
NONE = inputs({"a": TEXT})
P, R, D = "input.schema.properties.", "input.schema.required.", "input.default."
HISTORY = Message(placeholder="history")
Told = list[tuple[str, ChangeKind, Impact]]

INPUTS: dict[str, tuple[PromptContent, PromptContent, Told]] = {
    "new required": (NONE, inputs({"a": TEXT, "b": TEXT}, "b"), [(P + "b", ADDED, MAJOR)]),
    "new optional": (NONE, inputs({"a": TEXT, "b": TEXT}), [(P + "b", ADDED, MINOR)]),
    "new with a default": (
        NONE,
        inputs({"a": TEXT, "b": TEXT}, "b", default={"b": "x"}),
        [(P + "b", ADDED, MINOR)],
    ),
    "gone": (inputs({"a": TEXT, "b": TEXT}, "b"), NONE, [(P + "b", REMOVED, MAJOR)]),
    "gone with its default": (
        inputs({"a": TEXT, "b": TEXT}, default={"b": "x"}),
        NONE,
        [(P + "b", REMOVED, MAJOR)],
    ),
    "required now": (NONE, inputs({"a": TEXT}, "a"), [(R + "a", CHANGED, MAJOR)]),
    "required, covered by a default": (
        inputs({"a": TEXT}, default={"a": "x"}),
        inputs({"a": TEXT}, "a", default={"a": "x"}),
        [(R + "a", CHANGED, MINOR)],
    ),
    "optional now": (inputs({"a": TEXT}, "a"), NONE, [(R + "a", CHANGED, MINOR)]),
    "default is new": (NONE, inputs({"a": TEXT}, default={"a": "x"}), [(D + "a", ADDED, MINOR)]),
    "default changed": (
        inputs({"a": TEXT}, default={"a": "x"}),
        inputs({"a": TEXT}, default={"a": "y"}),
        [(D + "a", CHANGED, MINOR)],
    ),
    "default is null now": (
        inputs({"a": {}}, default={"a": 1}),
        inputs({"a": {}}, default={"a": None}),
        [(D + "a", CHANGED, MINOR)],
    ),
    "default of an optional is gone": (
        inputs({"a": TEXT}, default={"a": "x"}),
        NONE,
        [(D + "a", REMOVED, MINOR)],
    ),
    "default of a required is gone": (
        inputs({"a": TEXT}, "a", default={"a": "x"}),
        inputs({"a": TEXT}, "a"),
        [(D + "a", REMOVED, MAJOR)],
    ),
    "required in place of its default": (
        inputs({"a": TEXT}, default={"a": "x"}),
        inputs({"a": TEXT}, "a"),
        [(D + "a", REMOVED, MAJOR), (R + "a", CHANGED, MAJOR)],
    ),
    "order of required": (
        inputs({"a": TEXT, "b": TEXT}, "a", "b"),
        inputs({"a": TEXT, "b": TEXT}, "b", "a"),
        [("input", CHANGED, PATCH)],
    ),
    "no more variables": (
        inputs({}, additionalProperties=False),
        inputs({}),
        [("input.schema.additionalProperties", REMOVED, MINOR)],
    ),
    "rule about all": (
        inputs({}),
        inputs({}, minProperties=1),
        [("input.schema.minProperties", ADDED, MAJOR)],
    ),
    "part of a list": (
        inputs({"d": {"type": "array", "items": {"properties": {"t": TEXT}}}}),
        inputs({"d": {"type": "array", "items": {"properties": {"t": TEXT, "u": TEXT}, "required": ["u"]}}}),
        [
            (P + "d.items.properties.u", ADDED, MINOR),
            (P + "d.items.required.u", CHANGED, MAJOR),
        ],
    ),
    "part is gone": (
        inputs({"d": {"properties": {"t": TEXT}}}),
        inputs({"d": {"properties": {}}}),
        [(P + "d.properties.t", REMOVED, MAJOR)],
    ),
    "anything to nothing": (inputs({"a": True}), inputs({"a": False}), [(P + "a.not", ADDED, MAJOR)]),
    "anything, in other words": (inputs({"a": True}), inputs({"a": {}}), [(P + "a", CHANGED, PATCH)]),
    "definition": (
        prompt(input_schema={"properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": TEXT}}),
        prompt(
            input_schema={
                "properties": {"a": {"$ref": "#/$defs/d"}},
                "$defs": {"d": {"type": "integer"}, "e": {}},
            }
        ),
        [("input.schema.$defs.d.type", CHANGED, MAJOR), ("input.schema.$defs.e", ADDED, MINOR)],
    ),
    "placeholder": (
        prompt(),
        prompt(messages=(*prompt().messages, HISTORY)),
        [("messages[2]", ADDED, MINOR)],
    ),
    "placeholder is gone": (
        prompt(messages=(*prompt().messages, HISTORY)),
        prompt(),
        [("messages[2]", REMOVED, MAJOR)],
    ),
    "placeholder has another name": (
        prompt(messages=(HISTORY,)),
        prompt(messages=(Message(placeholder="chat"),)),
        [("messages[0].placeholder", REMOVED, MAJOR), ("messages[0].placeholder", ADDED, MINOR)],
    ),
    "placeholder moved": (
        prompt(messages=(HISTORY, Message(USER, "x"))),
        prompt(messages=(Message(USER, "x"), HISTORY)),
        [("messages[0]", ADDED, MINOR), ("messages[1]", REMOVED, MINOR)],
    ),
    "one of two placeholders": (
        prompt(messages=(HISTORY, Message(USER, "x"), HISTORY)),
        prompt(messages=(HISTORY, Message(USER, "x"))),
        [("messages[2]", REMOVED, MINOR)],
    ),
    "placeholder is declared": (
        prompt(messages=(HISTORY,)),
        prompt(
            messages=(HISTORY,), input_schema={"properties": {"history": {"type": "array", "maxItems": 5}}}
        ),
        [(P + "history.items", REMOVED, MINOR), (P + "history.maxItems", ADDED, MAJOR)],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), INPUTS.values(), ids=INPUTS.keys())
def test_judges_inputs(before: PromptContent, after: PromptContent, expected: Told) -> None:
    """A change of the inputs is MAJOR where callers of the old version may be refused by the new."""
    assert expected == told(before, after)


OTHERS: dict[str, tuple[PromptContent, PromptContent, Told]] = {
    "text": (
        prompt(),
        prompt(messages=(Message(SYSTEM, "Be firm."), Message(USER, "{{ ticket }}"))),
        [("messages[0].content", CHANGED, MINOR)],
    ),
    "white space": (
        prompt(messages=(Message(USER, "a b\n"),)),
        prompt(messages=(Message(USER, "a  b"),)),
        [("messages[0].content", CHANGED, PATCH)],
    ),
    "no white space": (
        prompt(messages=(Message(USER, "a b"),)),
        prompt(messages=(Message(USER, "ab"),)),
        [("messages[0].content", CHANGED, MINOR)],
    ),
    "role": (
        prompt(messages=(Message(SYSTEM, "a"),)),
        prompt(messages=(Message(USER, "a"),)),
        [("messages[0].role", CHANGED, MINOR)],
    ),
    "new message before": (
        prompt(messages=(Message(USER, "a"),)),
        prompt(messages=(Message(SYSTEM, "s"), Message(USER, "a"))),
        [("messages[0]", ADDED, MINOR)],
    ),
    "message is gone": (
        prompt(messages=(Message(SYSTEM, "s"), Message(USER, "a"))),
        prompt(messages=(Message(USER, "a"),)),
        [("messages[0]", REMOVED, MINOR)],
    ),
    "eleventh message": (
        prompt(messages=tuple(Message(USER, str(n)) for n in range(12))),
        prompt(messages=tuple(Message(USER, f"{n}{'!' if n in (2, 10) else ''}") for n in range(12))),
        [("messages[2].content", CHANGED, MINOR), ("messages[10].content", CHANGED, MINOR)],
    ),
    "parts": (
        prompt(messages=(Message(USER, parts=[{"type": "text", "text": "a"}]),)),
        prompt(messages=(Message(USER, parts=[{"type": "text", "text": "b"}]),)),
        [("messages[0].parts", CHANGED, MINOR)],
    ),
    "parts for a text": (
        prompt(messages=(Message(USER, "a"),)),
        prompt(messages=(Message(USER, parts=[{"type": "text", "text": "a"}]),)),
        [("messages[0].content", REMOVED, MINOR), ("messages[0].parts", ADDED, MINOR)],
    ),
    "text for a placeholder": (
        prompt(messages=(HISTORY,)),
        prompt(messages=(Message(USER, "a"),)),
        [("messages[0]", ADDED, MINOR), ("messages[0].placeholder", REMOVED, MAJOR)],
    ),
    "model": (prompt(model="a"), prompt(model="b"), [("model", CHANGED, MINOR)]),
    "model is new": (prompt(), prompt(model="b"), [("model", ADDED, MINOR)]),
    "model is gone": (prompt(model="a"), prompt(), [("model", REMOVED, MINOR)]),
    "config": (
        prompt(config={"temperature": 0, "a": {"b": 1, "c": 2}, "old": 1}),
        prompt(config={"temperature": 1, "a": {"b": 1, "c": 3}, "new": None}),
        [
            ("config.a.c", CHANGED, MINOR),
            ("config.new", ADDED, MINOR),
            ("config.old", REMOVED, MINOR),
            ("config.temperature", CHANGED, MINOR),
        ],
    ),
    "one is not true": (prompt(config={"a": 1}), prompt(config={"a": True}), [("config.a", CHANGED, MINOR)]),
    "list": (prompt(config={"stop": ["a"]}), prompt(config={"stop": []}), [("config.stop", CHANGED, MINOR)]),
    "tools": (
        prompt(tools=[{"name": "a", "x": 1}, {"function": {"name": "b", "d": "e"}}, {"name": "old"}]),
        prompt(tools=[{"function": {"name": "b", "d": "f"}}, {"name": "new"}, {"name": "a", "x": 1}]),
        [
            ("tools[b].function.d", CHANGED, MINOR),
            ("tools[new]", ADDED, MINOR),
            ("tools[old]", REMOVED, MINOR),
        ],
    ),
    "order of tools": (
        prompt(tools=[{"name": "a"}, {"name": "b"}]),
        prompt(tools=[{"name": "b"}, {"name": "a"}]),
        [("tools", CHANGED, MINOR)],
    ),
    "tools without names": (
        prompt(tools=["x", {"name": "a"}, {"name": "a"}, {"name": 5}]),
        prompt(tools=["y", {"name": "a"}, {"name": "a", "more": 1}, {"name": 5}]),
        [("tools[0]", CHANGED, MINOR), ("tools[2].more", ADDED, MINOR)],
    ),
    "first tool": (prompt(), prompt(tools=[{"name": "a"}]), [("tools[a]", ADDED, MINOR)]),
    "engine": (prompt(), prompt(engine=Engine.NONE), [("engine", CHANGED, MINOR)]),
    "engine back": (prompt(engine=Engine.NONE), prompt(), [("engine", CHANGED, MINOR)]),
    "output is new": (prompt(), outputs({}), [("output.schema", ADDED, MINOR)]),
    "output is gone": (outputs({}), prompt(), [("output.schema", REMOVED, MAJOR)]),
    "output part is new": (
        outputs({"properties": {}}),
        outputs({"properties": {"queue": TEXT}}),
        [("output.schema.properties.queue", ADDED, MINOR)],
    ),
    "output part is gone": (
        outputs({"properties": {"queue": TEXT}, "required": ["queue"]}),
        outputs({"properties": {}}),
        [
            ("output.schema.properties.queue", REMOVED, MAJOR),
            ("output.schema.required.queue", CHANGED, MINOR),
        ],
    ),
    "output part may be missing": (
        outputs({"properties": {"queue": TEXT}, "required": ["queue"]}),
        outputs({"properties": {"queue": TEXT}}),
        [("output.schema.required.queue", CHANGED, MAJOR)],
    ),
    "output part is always there": (
        outputs({"properties": {"queue": TEXT}}),
        outputs({"properties": {"queue": TEXT}, "required": ["queue"]}),
        [("output.schema.required.queue", CHANGED, MINOR)],
    ),
    "output type": (
        outputs({"properties": {"queue": TEXT}}),
        outputs({"properties": {"queue": {"type": "integer"}}}),
        [("output.schema.properties.queue.type", CHANGED, MAJOR)],
    ),
    "output in other words": (
        outputs({"enum": [1, 2]}),
        outputs({"enum": [2, 1]}),
        [("output.schema.enum", CHANGED, PATCH)],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_judges_the_rest(before: PromptContent, after: PromptContent, expected: Told) -> None:
    """Texts, models and tools are MINOR, white space PATCH; outputs that code cannot read any more MAJOR."""
    assert expected == told(before, after)


SENTENCES: dict[str, tuple[PromptContent, PromptContent, str]] = {
    "new required": (
        NONE,
        inputs({"a": TEXT, "tone": TEXT}, "tone"),
        "New required variable `tone`: callers must send it.",
    ),
    "new optional": (NONE, inputs({"a": TEXT, "b": TEXT}), "New optional variable `b`: callers may send it."),
    "gone": (NONE, inputs({}), "Variable `a` is gone: callers must stop sending it."),
    "placeholder gone": (
        prompt(messages=(HISTORY,)),
        prompt(messages=()),
        "Variable `history` is gone: callers must stop sending it.",
    ),
    "required": (NONE, inputs({"a": TEXT}, "a"), "Variable `a` is required now: callers must send it."),
    "type": (
        NONE,
        inputs({"a": {"type": ["integer", "null"]}}),
        "Variable `a` takes another type: callers must send integer or null.",
    ),
    "output": (
        outputs({"properties": {"queue": TEXT}}),
        outputs({"properties": {}}),
        "Output `queue` is gone: code that reads it breaks.",
    ),
    "role": (
        prompt(messages=(Message(SYSTEM, "a"),)),
        prompt(messages=(Message(USER, "a"),)),
        "The system message is a user message now.",
    ),
    "model": (prompt(), prompt(model="m"), "The model is m instead of not set."),
    "engine": (prompt(), prompt(engine=Engine.NONE), "The text is kept verbatim now."),
}


@pytest.mark.parametrize(("before", "after", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_says_it_in_a_sentence(before: PromptContent, after: PromptContent, sentence: str) -> None:
    """Each change is a sentence that says what callers have to do."""
    assert [sentence] == [change.sentence for change in changes_between(before, after)]


def test_carries_both_values() -> None:
    """A change holds what was and what is."""
    (change,) = changes_between(prompt(config={"t": 0}), prompt(config={"t": 1}))
    assert Change("config.t", CHANGED, 0, 1, MINOR, "`config.t` changed.") == change


def test_is_as_grave_as_its_gravest_change() -> None:
    """The impact of several changes is that of the worst; of none it is NONE."""
    assert Impact.NONE is impact_of([])
    assert MAJOR is impact_of(changes_between(prompt(model="x"), inputs({"a": TEXT}, "a")))
    assert [Impact.NONE, PATCH, MINOR, MAJOR] == sorted(Impact, key=lambda impact: impact.weight)


KEYS = st.sampled_from(
    [
        *("a", "b", "name", "function", "type", "enum", "const", "properties", "required", "items"),
        *("maxLength", "minimum", "title", "$defs", "additionalProperties", "x-sensitive", "anyOf"),
    ]
)


def objects(value: st.SearchStrategy[Json]) -> st.SearchStrategy[JsonObject]:
    """Objects with keys that schemas and tools use."""
    return st.dictionaries(KEYS, value, max_size=4)


LEAVES: st.SearchStrategy[Json] = st.sampled_from(
    [None, True, False, -1, 0, 1, 1.0, 0.5, "", "a", "string", "integer"]
)
JSON = st.recursive(LEAVES, lambda value: st.lists(value, max_size=3) | objects(value), max_leaves=8)
OBJECTS = objects(JSON)
MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(MessageRole), st.sampled_from(["", "a", "a ", "b {{ a }}"])),
    st.builds(Message, st.sampled_from(MessageRole), st.none(), st.lists(OBJECTS, max_size=2)),
    st.builds(Message, placeholder=st.sampled_from(["a", "b"])),
)
# what the file reader lets through: names in `required`
REQUIRED: st.SearchStrategy[JsonObject] = st.lists(KEYS, unique=True, max_size=3).map(
    lambda names: {"required": [*names]}
)
CONTENTS = st.builds(
    PromptContent,
    messages=st.lists(MESSAGES, max_size=4).map(tuple),
    engine=st.sampled_from(Engine),
    model=st.none() | st.sampled_from(["a", "b"]),
    config=OBJECTS,
    tools=st.lists(JSON, max_size=3),
    input_schema=st.builds(lambda schema, required: schema | required, OBJECTS, REQUIRED),
    input_default=OBJECTS,
    output_schema=JSON,
)
FIELDS = st.sampled_from(list(PromptContent.__dataclass_fields__))


@given(CONTENTS, CONTENTS, FIELDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_tells_every_difference(before: PromptContent, other: PromptContent, field: str) -> None:
    """Contents with different hashes have changes, those with one hash have none."""
    for after in (other, replace(before, **{field: getattr(other, field)})):
        changes = changes_between(before, after)
        assert (before.digest() == after.digest()) is (changes == [])
        assert all(change.sentence.endswith(".") and change.path for change in changes)


@given(CONTENTS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_tells_nothing_of_equals(content: PromptContent) -> None:
    """A content does not differ from itself."""
    assert [] == changes_between(content, replace(content))
