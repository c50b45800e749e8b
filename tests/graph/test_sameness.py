"""The one comparison of two executors' answers."""

from __future__ import annotations

from typing import Any

import pytest

from promptgraph.graph.sameness import same, where


@pytest.mark.parametrize(
    ("standard", "fast", "place"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "data.a.b[1]"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}, "data.a.b"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "data"),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, "data.a"),
        ({"a": 1}, {"a": 1.0}, "data.a"),
        ({"a": 1}, {"a": True}, "data.a"),
        ({"a": None}, {"a": {}}, "data.a"),
        ({"a": "\ud800"}, {"a": "x"}, "data.a"),
        (None, {"a": 1}, "data"),
    ],
    ids=["value", "length", "order", "key", "float", "boolean", "null", "half a character", "nothing"],
)
def test_tells_the_first_place_that_differs(standard: Any, fast: Any, place: str) -> None:
    """Whatever a client could tell apart: values, their kinds, the order of keys. It shows no values."""
    assert not same(standard, fast)
    assert place == where(standard, fast)


def test_the_same_is_the_same() -> None:
    """However it was made."""
    assert same({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})
    assert same(None, None)
