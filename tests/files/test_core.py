"""The core schema: what free-form values mean, and that what is written reads back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.files.core import MAX_WHOLE, core, dump
from promptgraph.files.node import YamlRefusedError
from promptgraph.files.yaml import load
from tests.files.samples import KEYS, VALUES_OF_ANY_KIND


def read(text: str) -> Json:
    """The free-form value of a file."""
    return core(load(text.encode()))


VALUES: dict[str, Json] = {
    "true": True,
    "True": True,
    "FALSE": False,
    "null": None,
    "~": None,
    "": None,
    "0": 0,
    "-12": -12,
    "+7": 7,
    "010": 10,
    "9007199254740991": MAX_WHOLE,
    "-9007199254740991": -MAX_WHOLE,
    "1.10": 1.1,
    "1.": 1.0,
    ".5": 0.5,
    "-1e-3": -0.001,
    "1E5": 100000.0,
    # text: what only YAML 1.1 takes for something else, and what looks like a number
    "no": "no",
    "on": "on",
    "Yes": "Yes",
    "y": "y",
    "tRue": "tRue",
    "12:30:45": "12:30:45",
    "2026-01-01": "2026-01-01",
    "2026-13-45": "2026-13-45",
    "0x1F": "0x1F",
    "0o17": "0o17",
    "1_000": "1_000",
    "1.2.3": "1.2.3",
    "1e": "1e",
    "+": "+",
    ".": ".",
    "٣": "٣",
    "gpt-5": "gpt-5",
    "'1'": "1",
    '"true"': "true",
    "''": "",
    '"null"': "null",
    "|\n  1\n": "1\n",
}


@pytest.mark.parametrize(("text", "expected"), VALUES.items(), ids=[repr(text) for text in VALUES])
def test_reads_a_value(text: str, expected: Json) -> None:
    """Plain words and decimal numbers are what they say, all else is text; types are exact."""
    value = read(f"v: {text}")
    assert isinstance(value, dict)
    assert (type(expected), expected) == (type(value["v"]), value["v"])


def test_gives_plain_python_values() -> None:
    """Nothing of the reader is left in keys and texts, however deep."""
    value = read("a: [{b: c}]")
    assert isinstance(value, dict)
    (key, items), *_ = value.items()
    assert isinstance(items, list) and isinstance(items[0], dict)
    inner = next(iter(items[0].items()))
    assert {str} == {type(part) for part in (key, *inner)}


UNWRITABLE = {
    "9007199254740992": "The number `9007199254740992` is beyond 2**53 - 1.",
    "-9007199254740992": "The number `-9007199254740992` is beyond 2**53 - 1.",
    "9" * 5000: f"The number `{'9' * 60}…` is beyond 2**53 - 1.",
    ".inf": "The number `.inf` is not a finite number.",
    "-.Inf": "The number `-.Inf` is not a finite number.",
    ".nan": "The number `.nan` is not a finite number.",
    "1e999": "The number `1e999` is beyond the range of numbers.",
}


@pytest.mark.parametrize(("text", "expected"), UNWRITABLE.items(), ids=[text[:20] for text in UNWRITABLE])
def test_refuses_numbers_that_json_cannot_write(text: str, expected: str) -> None:
    """A number without an exact JSON form is refused at its line."""
    with pytest.raises(YamlRefusedError) as caught:
        read(f"a: 1\nv: [x, {text}]\n")
    (found,) = caught.value.findings
    assert (expected, 2, 8) == (found.message, found.line, found.column)


def test_tells_every_unwritable_number() -> None:
    """All of them in one run."""
    with pytest.raises(YamlRefusedError) as caught:
        read("a: .inf\nb: {c: .nan}\nd: [99999999999999999999]\n")
    assert [1, 2, 3] == [found.line for found in caught.value.findings]


WRITTEN: dict[str, tuple[JsonObject, str]] = {
    "plain": ({"a": "x y", "b": 1, "c": None, "d": True}, "a: x y\nb: 1\nc: null\nd: true\n"),
    "order kept": ({"b": 1, "a": 2}, "b: 1\na: 2\n"),
    "quoted": (
        {"a": "no", "b": "010", "c": "x: y", "d": "", "e": "null", "1": " x"},
        'a: "no"\nb: "010"\nc: "x: y"\nd: ""\ne: "null"\n"1": " x"\n',
    ),
    "empty": ({"a": {}, "b": []}, "a: {}\nb: []\n"),
    "nothing": ({}, "{}\n"),
    "nested": (
        {"a": {"b": [1, {"c": 2, "d": 3}, [4, [5]]]}},
        "a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n    - - 4\n      - - 5\n",
    ),
    "literal": (
        {"a": "x\ny\n", "b": ["x\n\ny"], "c": {"d": "x\n\n"}},
        "a: |\n  x\n  y\nb:\n  - |-\n    x\n\n    y\nc:\n  d: |+\n    x\n\n",
    ),
    "literal that begins with space": ({"a": "  x\ny"}, "a: |2-\n    x\n  y\n"),
    "numbers": (
        {"a": 1.0, "b": 0.1, "c": 1e21, "d": 2.0**60},
        "a: 1\nb: 0.1\nc: 1e+21\nd: 1152921504606847000.0\n",
    ),
    "invisible": ({"a": "x\u202ey\nz"}, 'a: "x\\u202ey\\nz"\n'),
}


@pytest.mark.parametrize(("value", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_writes(value: JsonObject, expected: str) -> None:
    """Block style, literal blocks for lines, quotes where a reader could be misled."""
    assert expected == dump(value)
    assert value == read(expected)


@given(st.dictionaries(KEYS, VALUES_OF_ANY_KIND, max_size=3))
def test_reads_back_what_it_writes(value: JsonObject) -> None:
    """Whatever may stand in a file survives being written and read."""
    assert value == read(dump(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_writes_a_number_without_loss(number: float) -> None:
    """The number read back is the very same."""
    value = read(dump({"n": number}))
    assert isinstance(value, dict) and isinstance(value["n"], int | float)
    assert math.isclose(number, value["n"], rel_tol=0, abs_tol=0)
