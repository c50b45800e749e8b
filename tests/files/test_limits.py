"""How much one file may hold, and what a part of a message must."""

from __future__ import annotations

import pytest

from tests.sync.trees import tree


@pytest.mark.parametrize("part", ["{type: text}", "{type: text, text: [1]}", "{type: text, text: 1}"])
def test_text_part_needs_its_text(part: str) -> None:
    """A part that no model could read is told at its line."""
    text = f"version: 1\nmessages:\n  - role: user\n    parts: [{part}]\n"
    (problem,) = tree({"a.prompt.yaml": text}).problems
    assert (4, "`messages[0].parts[0].text` must be text.") == (problem.place.line, problem.message)


@pytest.mark.parametrize(
    "part", ['{type: text, text: "1"}', "{type: image, url: x}", "{type: text, text: hi}"]
)
def test_other_parts_are_their_providers_business(part: str) -> None:
    """Only text has a known shape."""
    text = f"version: 1\nmessages:\n  - role: user\n    parts: [{part}]\n"
    assert tree({"a.prompt.yaml": text}).problems == ()


def test_agent_has_a_hundred_roles_at_most() -> None:
    """More is a mistake, and would make every sentence about it endless."""
    roles = "".join(f"  r{number}: a\n" for number in range(101))
    (problem,) = tree({"agents/b.agent.yaml": f"prompts:\n{roles}"}).problems
    assert problem.message == "`prompts` may hold at most 100 items."


def test_partial_for_a_loop_may_use_the_loop() -> None:
    """A partial is checked by itself as if a loop were around it; where none is, its includer is told."""
    schema = "input: {schema: {type: object, required: [items], properties: {items: {type: array}}}}"
    head = f"version: 1\n{schema}\nmessages:\n  - role: user\n    content: |\n"
    loop = '      {% for item in items %}{% include "item.j2" %}{% endfor %}\n'
    partial = {"_partials/item.j2": "{{ loop.index }}. {{ item }}\n"}
    assert tree(partial | {"a.prompt.yaml": head + loop}).problems == ()
    (problem,) = tree(
        partial | {"a.prompt.yaml": head + '      {{ items|length }}{% include "item.j2" %}\n'}
    ).errors
    assert "loop" in problem.message
    assert problem.place.path == "a.prompt.yaml"


def test_key_named_like_a_mark_of_the_checker_is_a_key() -> None:
    """`[key]` is an unknown key like any other."""
    problems = tree({"a.prompt.yaml": "'[key]': 1\n"}).problems
    assert any("`[key]` is not known" in problem.message for problem in problems)
