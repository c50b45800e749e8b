"""Which characters a text may hold, and how large a value may be."""

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import (
    checked_json,
    checked_text,
    cleaned_text,
    forbidden_character,
    invisible_character,
    is_normal,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("plain ä 😀\t\r\n", None),
        ("a\0b", "U+0000"),
        ("\x1b[31m", "U+001B"),
        ("\x0b", "U+000B"),
        ("\x7f", "U+007F"),
        ("\ud800", "U+D800"),
        ("x\udfff", "U+DFFF"),
        ("\u202e", None),
        ("\x85\u2028", None),
    ],
    ids=ascii,
)
def test_finds_forbidden_characters(text: str, found: str | None) -> None:
    """Controls but tab and line ends, and lone surrogates, are named; the rest may stay."""
    assert found == forbidden_character(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", None),
        ("a\u200bb", "U+200B"),
        ("\u202etxt", "U+202E"),
        ("\u2066", "U+2066"),
        ("\ufeff", "U+FEFF"),
        ("\u00ad", "U+00AD"),
    ],
    ids=ascii,
)
def test_finds_invisible_characters(text: str, found: str | None) -> None:
    """What a reviewer cannot see is named."""
    assert found == invisible_character(text)


def test_knows_the_normal_form() -> None:
    """Composed is normal, decomposed is not."""
    assert is_normal("\u00e9")
    assert not is_normal("e\u0301")


def test_checks_texts() -> None:
    """A text that is short and clean comes back; a long or unclean one is an error that names the field."""
    assert "abc" == checked_text("abc", field="reason", limit=3)
    with pytest.raises(InvalidInputError, match="reason may hold at most 3 characters") as caught:
        checked_text("abcd", field="reason", limit=3)
    assert "reason" == caught.value.field
    with pytest.raises(InvalidInputError, match=r"reason holds the character U\+0000"):
        checked_text("a\0", field="reason", limit=3)


def nested(depth: int) -> Json:
    """Lists in lists, `depth` of them."""
    value: Json = []
    for _ in range(depth - 1):
        value = [value]
    return value


ACCEPTED: dict[str, Json] = {
    "null": None,
    "object": {"a": [1, 2.5, True, None, "x\n"]},
    "deep": nested(10),
    "large": "x" * 998,
}


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_takes_json(value: Json) -> None:
    """JSON within the limits comes back as it is."""
    assert value is checked_json(value, field="metadata", limit=1_000)


REFUSED: dict[str, tuple[Json, str]] = {
    "control": ({"a": ["\x01"]}, r"metadata holds the character U\+0001"),
    "control in a key": ({"a": {"\x01": 1}}, r"metadata holds the character U\+0001"),
    "surrogate": (["\ud800"], r"metadata holds the character U\+D800"),
    "deep": (nested(11), "metadata is nested deeper than 10"),
    "very deep": ({"a": nested(100_000)}, "metadata is nested deeper than 10"),
    "large": ("x" * 999, "metadata may hold at most 1000 bytes"),
    "large in bytes": ("ä" * 500, "metadata may hold at most 1000 bytes"),
    "not a number": ([float("nan")], "metadata: "),
    "inexact": (2**53, "metadata: "),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_json(value: Json, message: str) -> None:
    """What is too deep, too large or cannot be stored is an error that names the field."""
    with pytest.raises(InvalidInputError, match=message) as caught:
        checked_json(value, field="metadata", limit=1_000)
    assert "metadata" == caught.value.field


def test_cleaned_text_may_be_stored() -> None:
    """What no text may hold is replaced, and what is too long cut."""
    assert "a?[31m\n? " == cleaned_text("a\x1b[31m\n\ud800 b", 9)
