"""Circumstances, selectors, origins."""

from __future__ import annotations

import pytest

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import Selector
from promptgraph.domain.registry import Assignment, SyncOrigin


@pytest.mark.parametrize(
    ("when", "context", "holds"),
    [
        ({}, {}, True),
        ({"plan": "pro"}, {"plan": "pro", "more": 1}, True),
        ({"plan": "pro"}, {"plan": "free"}, False),
        ({"plan": "pro"}, {}, False),
        ({"plan": ["pro", "team"]}, {"plan": "team"}, True),
        ({"seats": 1}, {"seats": 1.0}, True),
        ({"seats": 1}, {"seats": True}, False),
        ({"seats": 1}, {"seats": "1"}, False),
        ({"area": None}, {}, False),
        ({"area": None}, {"area": None}, True),
        ({"area": {"a": 1, "b": 2}}, {"area": {"b": 2, "a": 1}}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_circumstances_hold_when_every_key_is_equal(
    when: JsonObject,
    context: JsonObject,
    holds: bool,  # noqa: FBT001  # a table's column
) -> None:
    """As JSON compares; a list means any of, and a key that is absent is not null."""
    made = Assignment(
        id=1, agent_id=1, agent_name="a", role="r", position=0, selector="p", prompt_id=None, when=when
    )
    assert holds is made.matches(context)


@pytest.mark.parametrize("text", ["a@02", "a@00", "a@latest", "a@", "a@-1", "A", "a@b@c", "a@99999999999"])
def test_selector_has_one_spelling(text: str) -> None:
    """Two spellings of one selector would be two assignments."""
    with pytest.raises(InvalidInputError):
        Selector.parse(text)


@pytest.mark.parametrize("source", ["", " ", "default ", "Default", "a\u200b", "x" * 65, "-a"])
def test_source_has_a_proper_name(source: str) -> None:
    """An unset variable in somebody's script must not sync as `default`."""
    with pytest.raises(InvalidInputError, match="A source is named"):
        SyncOrigin(source=source)


def test_sequence_counts() -> None:
    """Commits are not negative."""
    with pytest.raises(InvalidInputError, match="0 or more"):
        SyncOrigin(sequence=-1)
