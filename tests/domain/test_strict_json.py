"""Strict JSON: what one reader takes for another thing than the next is refused."""

import json

import pytest

from promptgraph.domain.strict_json import strict_json


@pytest.mark.parametrize(
    "text", ['{"a":{"a":1},"b":[{"a":2}]}', "1e300", "9" * 30, '"\\ud800"', "[null,true,-0.5]"]
)
def test_plain_json_is_read(text: str) -> None:
    """As the standard library reads it."""
    assert json.loads(text) == strict_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a":1,"b":2,"a":1}', "the key 'a' comes twice"),
        ("NaN", "JSON knows no NaN"),
        ("-Infinity", "JSON knows no -Infinity"),
        ("9" * 31, "an integer has more than 30 digits"),
        ("1e400", "the number 1e400 is too large"),
    ],
)
def test_what_readers_differ_in_is_refused(text: str, words: str) -> None:
    """In words that may follow a colon."""
    with pytest.raises(ValueError, match=f"^{words}$"):
        strict_json(text)
