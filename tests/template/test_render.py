"""A prompt and its variables become messages."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.canonical import Json, JsonObject, content_hash
from promptgraph.domain.errors import InvalidInputError, TemplateError
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent
from promptgraph.domain.text import forbidden_character
from promptgraph.template.render import Rendered, RenderedMessage, render

SYSTEM, USER, ASSISTANT = MessageRole.SYSTEM, MessageRole.USER, MessageRole.ASSISTANT


def prompt(*messages: Message, default: JsonObject | None = None, **properties: Json) -> PromptContent:
    """A prompt that requires whatever `properties` declares without a default."""
    return PromptContent(
        messages=messages,
        input_schema={"type": "object", "properties": properties, "required": list(properties)},
        input_default=default or {},
    )


TRIAGE = prompt(
    Message(SYSTEM, "Be {{ tone }}.\n"),
    Message(USER, "{{ ticket }}"),
    ticket={"type": "string"},
    tone={"type": "string"},
    default={"tone": "kind"},
)


def test_puts_the_variables_in_place() -> None:
    """Each message is rendered, defaults filled in; the variables are told as used."""
    rendered = render(TRIAGE, {"ticket": "My card was declined"})
    expected = Rendered(
        (RenderedMessage(SYSTEM, "Be kind.\n"), RenderedMessage(USER, "My card was declined")),
        {"tone": "kind", "ticket": "My card was declined"},
    )
    assert expected == rendered


def test_joins_the_texts() -> None:
    """The text is all contents, a blank line between."""
    assert "Be kind.\n\n\nhi" == render(TRIAGE, {"ticket": "hi"}).text


def test_hashes_the_messages() -> None:
    """The hash covers roles and contents, and nothing else."""
    messages: Json = [{"role": "system", "content": "Be kind.\n"}, {"role": "user", "content": "hi"}]
    assert content_hash(messages) == render(TRIAGE, {"ticket": "hi"}).hash


def test_hashes_parts() -> None:
    """Parts are hashed as they are sent."""
    content = prompt(Message(USER, parts=[{"type": "text", "text": "{{ a }}"}]), a={})
    messages: Json = [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]
    assert content_hash(messages) == render(content, {"a": "x"}).hash


def test_renders_every_text_of_the_parts() -> None:
    """Texts in parts are templates at any depth, the values of `type` are not; the prompt stays as it is."""
    part: JsonObject = {"type": "image", "image": {"url": "https://x/{{ a }}", "type": "{{ a }}"}, "n": 1}
    content = prompt(Message(USER, parts=[part]), a={"type": "string"})
    (message,) = render(content, {"a": "b"}).messages
    assert [{"type": "image", "image": {"url": "https://x/b", "type": "{{ a }}"}, "n": 1}] == message.parts
    assert {"url": "https://x/{{ a }}", "type": "{{ a }}"} == part["image"]


def test_leaves_messages_of_parts_out_of_the_text() -> None:
    """Parts have no text of their own."""
    content = PromptContent(messages=(Message(USER, "a"), Message(USER, parts=[{"type": "x"}])))
    assert "a" == render(content, {}).text


def test_keeps_a_text_verbatim() -> None:
    """With the engine `none` nothing is rendered, and nothing is taken."""
    content = PromptContent(
        messages=(Message(USER, "{{ not_jinja \0"), Message(USER, parts=[{"type": "{{"}])), engine=Engine.NONE
    )
    rendered = render(content, {})
    assert "{{ not_jinja \0" == rendered.text
    assert [{"type": "{{"}] == rendered.messages[1].parts
    with pytest.raises(InvalidInputError, match="kept verbatim") as caught:
        render(content, {"x": 1})
    assert "variables.x" == caught.value.field


HISTORY = PromptContent(
    messages=(Message(SYSTEM, "Be kind."), Message(placeholder="history"), Message(USER, "{{ q }}")),
    input_schema={"properties": {"q": {"type": "string"}}, "required": ["q"]},
)


def test_splices_the_conversation_in() -> None:
    """The messages of a placeholder stand where it stands, their texts verbatim."""
    history: list[Json] = [
        {"role": "user", "content": "{{ 7*7 }}"},
        {"role": "assistant", "parts": [{"type": "text", "text": "{{ x }}", "more": [1, None]}]},
    ]
    rendered = render(HISTORY, {"q": "?", "history": history})
    expected = (
        RenderedMessage(SYSTEM, "Be kind."),
        RenderedMessage(USER, "{{ 7*7 }}"),
        RenderedMessage(ASSISTANT, None, [{"type": "text", "text": "{{ x }}", "more": [1, None]}]),
        RenderedMessage(USER, "?"),
    )
    assert expected == rendered.messages


def test_takes_no_conversation() -> None:
    """A placeholder that is not sent is empty."""
    assert 2 == len(render(HISTORY, {"q": "?"}).messages)


WRONG_HISTORY: dict[str, tuple[Json, str, str]] = {
    "text": ("hi", "`history` must be a list of messages.", "variables.history"),
    "mapping": ({}, "`history` must be a list of messages.", "variables.history"),
    "list of texts": (["hi"], "`history[0]` must be a message", "variables.history[0]"),
    "no role": ([{"content": "x"}], "`history[0]` needs a role: system, developer", "variables.history[0]"),
    "other role": ([{"role": "bot", "content": "x"}], "needs a role", "variables.history[0]"),
    "role that is no text": ([{"role": ["user"], "content": "x"}], "needs a role", "variables.history[0]"),
    "other key": (
        [{"role": "user", "content": "x", "name": "n"}],
        "must be a message",
        "variables.history[0]",
    ),
    "no content": (
        [{"role": "user", "content": "x"}, {"role": "user"}],
        "`history[1]` needs either",
        "variables.history[1]",
    ),
    "both": ([{"role": "user", "content": "x", "parts": []}], "needs either", "variables.history[0]"),
    "number": ([{"role": "user", "content": 5}], "needs either", "variables.history[0]"),
    "no parts": ([{"role": "user", "parts": []}], "needs either", "variables.history[0]"),
    "part of text": ([{"role": "user", "parts": ["x"]}], "has a part", "variables.history[0]"),
    "part without type": ([{"role": "user", "parts": [{"text": "x"}]}], "has a part", "variables.history[0]"),
}


@pytest.mark.parametrize(("history", "message", "field"), WRONG_HISTORY.values(), ids=WRONG_HISTORY.keys())
def test_refuses_what_is_no_conversation(history: Json, message: str, field: str) -> None:
    """A placeholder takes messages only; which one is wrong is told, and not what it holds."""
    with pytest.raises(InvalidInputError) as caught:
        render(HISTORY, {"q": "?", "history": history})
    assert message in str(caught.value)
    assert field == caught.value.field


_KEYS = st.sampled_from(["role", "content", "parts", "type"])
_LEAVES = st.none() | st.integers() | st.sampled_from(["user", "text"]) | st.text(max_size=5)


@given(st.recursive(_LEAVES, lambda value: st.lists(value) | st.dictionaries(_KEYS, value), max_leaves=20))
@settings(deadline=None)
def test_answers_any_conversation(history: Json) -> None:
    """Whatever stands in for a conversation, it is spliced in or refused in words."""
    try:
        messages = render(HISTORY, {"q": "?", "history": history}).messages
    except InvalidInputError as error:
        field = str(error.field)
    else:
        field = "variables.history"
        assert isinstance(history, list) and 2 + len(history) == len(messages)
    assert field.startswith("variables.history")


def test_names_the_message_and_the_line() -> None:
    """What fails while rendering is told with its message and line."""
    content = PromptContent(
        messages=(Message(SYSTEM, "fine"), Message(USER, "one\n{{ d.nope }}")),
        input_schema={"properties": {"d": {"type": "object"}}, "required": ["d"]},
    )
    with pytest.raises(TemplateError, match=r"^messages\[1\], line 2: There is no key `nope`") as caught:
        render(content, {"d": {"other": "secret"}})
    assert (2, "messages[1]") == (caught.value.line, caught.value.field)


def test_needs_what_is_used_and_optional() -> None:
    """An optional variable without a default may be missing only where the template allows for it."""
    schema: JsonObject = {"properties": {"a": {"type": "string"}}}
    guarded = PromptContent(messages=(Message(USER, "{{ a|default('-') }}"),), input_schema=schema)
    bare = PromptContent(messages=(Message(USER, "{{ a }}"),), input_schema=schema)
    assert "-" == render(guarded, {}).text
    with pytest.raises(TemplateError, match="`a` has no value: send it"):
        render(bare, {})


def test_shows_no_value_in_any_error() -> None:
    """No error shows what a variable holds."""
    secret = "hunter2-" * 20
    content = prompt(Message(USER, "{{ a + 1 }}{{ b|int }}"), a={}, b={"maxLength": 3})
    wrong: list[JsonObject] = [{"a": secret, "b": ""}, {"a": 1, "b": secret}, {"a": {"k": secret}, "b": ""}]
    for variables in wrong:
        with pytest.raises(InvalidInputError) as caught:
            render(content, variables)
        assert "hunter2" not in str(caught.value)


def test_caps_the_output_of_all_messages() -> None:
    """What all messages print, conversations included, is at most 1 MiB."""
    messages = (*(Message(USER, "{{ q }}") for _ in range(4)), Message(placeholder="history"))
    content = PromptContent(messages=messages, input_schema={"properties": {"q": {}}})
    big = "x" * 250_000
    assert 4 == len(render(content, {"q": big}).messages)
    many = PromptContent(messages=messages + messages[:4], input_schema={"properties": {"q": {}}})
    with pytest.raises(TemplateError, match=r"^messages\[5\]: The rendered messages are larger") as caught:
        render(many, {"q": big})
    assert "messages[5]" == caught.value.field


def test_caps_a_conversation() -> None:
    """The last straw may be a message of the caller's."""
    content = PromptContent(
        messages=(*(Message(USER, "{{ q }}") for _ in range(5)), Message(placeholder="history")),
        input_schema={"properties": {"q": {}}},
    )
    history: list[Json] = [{"role": "user", "content": "x" * 55_000}]
    with pytest.raises(TemplateError, match=r"^messages\[5\]"):
        render(content, {"q": "x" * 200_000, "history": history})


def test_remembers_the_object_and_not_its_place_in_memory() -> None:
    """Prompts that come and go never get each other's inputs."""
    for number in range(2_000):
        name = f"v{number % 7}"
        properties: JsonObject = {name: {"type": "integer"}}
        message = Message(USER, "{{ " + name + " }}")
        content = PromptContent(messages=(message,), input_schema={"properties": properties})
        assert str(number) == render(content, {name: number}).text


def test_renders_in_threads() -> None:
    """Many threads render one prompt, each with its own variables."""
    found: dict[int, str] = {}

    def work(number: int) -> None:
        for _ in range(100):
            found[number] = render(TRIAGE, {"ticket": str(number), "tone": "t"}).text

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: f"Be t.\n\n\n{number}" for number in range(8)} == found


@given(st.text(max_size=200))
@settings(deadline=None)
def test_never_renders_a_value(value: str) -> None:
    """Whatever a value holds, it is printed as it is, or refused for its characters."""
    content = prompt(Message(USER, "{{ a }}"), a={})
    if forbidden_character(value):
        with pytest.raises(InvalidInputError, match="holds the character"):
            render(content, {"a": value})
    else:
        assert value == render(content, {"a": value}).text
