"""JSON files of operators: read whole, or refused with what is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.json_file import read_json

LIMIT = 100


def test_numbers_are_read_as_it_is_said(tmp_path: Path) -> None:
    """As decimals, where every digit counts; a file of just the limit is read."""
    file = tmp_path / "some.json"
    file.write_text('{"a": [0.1]}'.ljust(LIMIT))
    assert {"a": [Decimal("0.1")]} == read_json(file, LIMIT, parse_float=Decimal)
    assert {"a": [0.1]} == read_json(file, LIMIT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b" " * (LIMIT + 1), "it may hold at most 100 bytes.", id="too large"),
        pytest.param(b"{", "it is no JSON: Expecting", id="cut off"),
        pytest.param(b"\xff", "it is no JSON: 'utf-8'", id="not UTF-8"),
        pytest.param(b"[" * LIMIT, "it is no JSON: ", id="deep"),
        pytest.param(b'{"a": {"b": 1, "b": 1}}', "it is no JSON: the key 'b' comes twice.", id="a key twice"),
    ],
)
def test_what_is_wrong_is_said_without_the_name(tmp_path: Path, content: bytes, words: str) -> None:
    """Who asked for the file says which one it is."""
    file = tmp_path / "some.json"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        read_json(file, LIMIT)
    assert str(caught.value).startswith(words)
    assert "some.json" not in str(caught.value)


def test_what_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    """A folder neither."""
    for place, words in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidInputError, match=f"it cannot be read: {words}"):
            read_json(place, LIMIT)
