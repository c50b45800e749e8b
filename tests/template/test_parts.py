"""Where templates stand in a message."""

from promptgraph.domain.prompt import Message, MessageRole
from promptgraph.template.parts import templates_of, with_templates

PARTS = Message(
    MessageRole.USER,
    parts=[
        {"type": "text", "text": "a", "n": 1},
        {"type": "image", "image": {"type": "{{ no }}", "urls": ["b", None, ["c"]]}, "flag": True},
    ],
)


def test_finds_the_content() -> None:
    """A message of text holds one template."""
    assert [(("content",), "x")] == list(templates_of(Message(MessageRole.USER, "x")))


def test_finds_every_text_in_the_parts() -> None:
    """Texts at any depth are templates, the values of `type` are not."""
    expected = [
        (("parts", 0, "text"), "a"),
        (("parts", 1, "image", "urls", 0), "b"),
        (("parts", 1, "image", "urls", 2, 0), "c"),
    ]
    assert expected == list(templates_of(PARTS))


def test_finds_none_in_a_placeholder() -> None:
    """A placeholder holds no template."""
    assert [] == list(templates_of(Message(placeholder="history")))


def test_changes_what_it_finds_and_nothing_else() -> None:
    """Every template is changed; types, numbers, flags and the original stay as they are."""
    changed = with_templates(PARTS, str.upper)
    assert [text.upper() for _, text in templates_of(PARTS)] == [text for _, text in templates_of(changed)]
    assert changed.parts is not None
    assert {"type": "text", "text": "A", "n": 1} == changed.parts[0]
    assert {"type": "{{ no }}", "urls": ["B", None, ["C"]]} == changed.parts[1]["image"]
    assert PARTS.parts is not None and "a" == PARTS.parts[0]["text"]


def test_changes_a_text_and_a_placeholder() -> None:
    """A message of text gets the changed text; a placeholder stays."""
    assert Message(MessageRole.USER, "X") == with_templates(Message(MessageRole.USER, "x"), str.upper)
    assert Message(placeholder="h") == with_templates(Message(placeholder="h"), str.upper)
