"""JSON as requests may bring it: one meaning for every reader."""

from __future__ import annotations

import json

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.graph.answer import Kind, RequestRefusedError
from promptgraph.graph.wire import decoded, encoded


@pytest.mark.parametrize(
    "value",
    [{}, [], "x", 0, -1, 1.5, True, {"a": [1, {"b": None}]}, "ü\U0001f600", 10**20, -(10**28), "a\u2028"],
    ids=repr,
)
@pytest.mark.parametrize("spaces", [None, (",", ":"), (" , ", " : ")], ids=["usual", "none", "many"])
def test_reads_what_anybody_writes(value: Json, spaces: tuple[str, str] | None) -> None:
    """However it is spaced, and whichever of two readers it takes."""
    for escaped in (True, False):
        text = json.dumps(value, ensure_ascii=escaped, separators=spaces)
        found = decoded(text.encode())
        assert (value, type(value)) == (found, type(found))


def test_reads_null() -> None:
    """It is a value like any other."""
    assert decoded(b"null") is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a":1,"a":1}', "the key 'a' comes twice"),
        (b'{"a":{"b":1,"b":2}}', "the key 'b' comes twice"),
        (b'{"a":1,"\\u0061":2}', "the key 'a' comes twice"),
        (b"1" * 31, "more than 30 digits"),
        (b"1e400", "too large"),
        (b"NaN", "knows no NaN"),
        (b"-Infinity", "knows no -Infinity"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        (b'"\xff"', "byte 1 is wrong"),
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b'{"a":1} x', "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=[
        "twice",
        "below",
        "by escape",
        "digits",
        "float",
        "NaN",
        "infinity",
        "mark",
        "UTF-8",
        "half",
        "nothing",
        "more",
        "deep",
    ],
)
def test_refuses_what_readers_take_in_two_ways(body: bytes, words: str) -> None:
    """Whatever the quick reader thinks of it."""
    with pytest.raises(RequestRefusedError, match=words) as caught:
        decoded(body)
    assert Kind.MALFORMED is caught.value.kind


@pytest.mark.parametrize(
    "text", ["1e20", "-0", "1.0", "100000000000000000000", "18446744073709551616", "1E5"]
)
def test_numbers_are_what_they_are_everywhere(text: str) -> None:
    """A whole number stays whole, however long; a float is the nearest."""
    found, expected = decoded(text.encode()), json.loads(text)
    assert (expected, type(expected)) == (found, type(found))


def test_halves_of_characters_are_read_and_written() -> None:
    """Who checks texts finds them; who is told of them can be told."""
    value = decoded(b'{"a":"\\ud800"}')
    assert {"a": "\ud800"} == value == json.loads(encoded({"a": "\ud800"}))
