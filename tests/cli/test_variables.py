"""Variables from the command line."""

from pathlib import Path

import pytest

from promptgraph.cli.variables import variables_from
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Variable

DECLARED = (
    Variable(name="text", required=True, schema={"type": "string"}),
    Variable(name="bare", required=False, schema={}),
    Variable(name="number", required=False, schema={"type": "integer"}),
    Variable(name="list", required=False, schema={"type": "array"}),
)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("text=007", "007"),
        ("text=true", "true"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ("bare=3", "3"),
        ("number=3", 3),
        ("number=three", "three"),
        ("number=NaN", "NaN"),
        ('list=["a", 1]', ["a", 1]),
        ("unknown=1", "1"),
        ("text=grün 🙂", "grün 🙂"),
    ],
)
def test_reads_values_by_the_schema(pair: str, expected: Json) -> None:
    """Text stays text; what is declared as anything else is read as JSON where it is JSON."""
    assert {pair.partition("=")[0]: expected} == variables_from(None, [pair], DECLARED)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["text"], "--var takes NAME=VALUE, not 'text'."),
        (["=x"], "--var takes NAME=VALUE, not '=x'."),
        (["text=a", "text=b"], "--var text is given twice."),
    ],
)
def test_refuses_what_is_no_pair(pairs: list[str], words: str) -> None:
    """A pair is a name and a value, once."""
    with pytest.raises(InvalidInputError) as caught:
        variables_from(None, pairs, DECLARED)
    assert words == str(caught.value)


def test_puts_pairs_over_the_file(tmp_path: Path) -> None:
    """--var wins over --vars-file."""
    file = tmp_path / "v.json"
    file.write_text('{"text": "file", "number": 1}')
    expected: JsonObject = {"text": "pair", "number": 1}
    assert expected == variables_from(file, ["text=pair"], DECLARED)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is not valid JSON: Expecting value"),
        (b"{", "is not valid JSON"),
        (b"[1]", "must hold an object"),
        (b'{"a": NaN}', "JSON knows no NaN"),
        (b'{"a": 1, "a": 2}', "the key 'a' comes twice"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not UTF-8 text"),
        (b'\xef\xbb\xbf{"a": 1}', "begins with a byte order mark; save it as UTF-8 without one."),
        (b"[" * 100_000, "is nested too deeply; 10 levels are allowed."),
        (b'{"a": ' + b"1" * 5000 + b"}", "is not valid JSON: an integer has more than 30 digits."),
        (b'{"a": 1e999}', "is not valid JSON: the number 1e999 is too large."),
        (b'{"a": }', "is not valid JSON: Expecting value at line 1, column 7."),
        (b'"' + b"x" * 300_000 + b'"', "holds more than 256 KiB"),
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "NaN",
        "key twice",
        "binary",
        "BOM",
        "deep",
        "long number",
        "huge number",
        "no value",
        "large",
    ],
)
def test_refuses_a_file_that_is_no_json_object(tmp_path: Path, raw: bytes, words: str) -> None:
    """Whatever the file holds, the sentence names it and says what is wrong."""
    file = tmp_path / "v.json"
    file.write_bytes(raw)
    with pytest.raises(InvalidInputError) as caught:
        variables_from(file, [], DECLARED)
    assert str(caught.value).startswith(str(file))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["none.json", "."])
def test_says_that_there_is_no_file(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is wrong usage."""
    with pytest.raises(InvalidInputError, match="cannot be read: .*. Name a JSON file."):
        variables_from(tmp_path / name, [], DECLARED)
