"""Scalars: what they accept, how they write it back, what they refuse."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLError, parse_value
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.scalars import (
    SAFE_INTEGER,
    big_int,
    decimal,
    decimal_literal,
    decimal_text,
    instant,
    instant_text,
    json_literal,
    json_value,
    uuid,
)

UTC = dt.UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00Z", dt.datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", dt.datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T12:00:00+02:00", dt.datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.000001Z", dt.datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123456789-00:00", dt.datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_reads_rfc_3339(text: str, expected: dt.datetime) -> None:
    """A moment with a zone, to the microsecond, becomes UTC."""
    assert expected == instant(text)
    assert UTC is instant(text).tzinfo


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-11-22T10:00:00",
        "2026-11-22",
        "2026-11-22 10:00:00Z",
        "20261122T100000Z",
        "2026-W47-7T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T10:00:60Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-11-22T10:00:00Z",
        " 2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z\n",
        "",
        "now",
        1763805600,
        None,
        True,
        ["2026-11-22T10:00:00Z"],
    ],
)
def test_refuses_what_is_no_moment(wrong: Any) -> None:
    """No zone, another form, no such day: an error that shows what is expected."""
    with pytest.raises(GraphQLError) as caught:
        instant(wrong)
    assert isinstance(caught.value.original_error, InvalidInputError)


@settings(deadline=None)  # what is slow here is the machine
@given(st.datetimes(dt.datetime.min, dt.datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001, DTZ901  # hypothesis adds the zone
def test_moments_survive_the_round_trip(moment: dt.datetime) -> None:
    """What is written is read back exactly."""
    assert moment == instant(instant_text(moment))
    assert instant_text(moment).endswith("Z")


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, "text", "emoji 🙂", [], {}, {"a": [1, {"b": None}]}, SAFE_INTEGER, -SAFE_INTEGER],
)
def test_takes_any_json(value: Any) -> None:
    """Every kind of JSON value goes through unchanged."""
    assert value == json_value(value)


DEEP: Any = 1
for _ in range(11):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "wrong",
    [
        float("nan"),
        float("inf"),
        [float("-inf")],
        SAFE_INTEGER + 1,
        "a\x00",
        {"\ud800": 1},
        DEEP,
        "x" * 300_000,
    ],
    ids=["nan", "inf", "-inf", "large integer", "nul", "surrogate key", "deep", "large"],
)
def test_refuses_json_that_others_could_not_read(wrong: Any) -> None:
    """What cannot be stored, hashed, or read alike by every client."""
    with pytest.raises(GraphQLError) as caught:
        json_value(wrong)
    assert isinstance(caught.value.original_error, InvalidInputError)


@pytest.mark.parametrize(
    ("literal", "variables", "expected"),
    [
        ('{a: 1, b: [true, null, "x", 1.5], c: {}}', {}, {"a": 1, "b": [True, None, "x", 1.5], "c": {}}),
        ("{a: $x, b: $none, c: [$x, $none]}", {"x": 7}, {"a": 7, "c": [7, None]}),
        ("$x", {"x": {"k": 1}}, {"k": 1}),
    ],
)
def test_literals_are_json_too(literal: str, variables: dict[str, Any], expected: Any) -> None:
    """Written into the query, with variables inside; one that is not given is left out, or null in a list."""
    assert expected == json_literal(parse_value(literal), variables)


@pytest.mark.parametrize(
    "literal", ["1e999", "9" * 4500, "9" * 20, '"\\u0000"', "[" * 11 + "]" * 11, "WORD", "{a: [WORD]}"]
)
def test_literals_are_as_strict_as_values(literal: str) -> None:
    """A literal is refused where the same value would be."""
    with pytest.raises(GraphQLError):
        json_literal(parse_value(literal))


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None, SAFE_INTEGER + 1])
def test_big_ints_are_whole_numbers(wrong: Any) -> None:
    """Only integers that every JSON reader keeps exact."""
    assert 3_000_000_000 == big_int(3_000_000_000)
    with pytest.raises(GraphQLError):
        big_int(wrong)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("0.0125", "0.0125"),
        ("-1", "-1"),
        ("1e-9", "0.000000001"),
        ("1.50", "1.50"),
        (3, "3"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
    ],
)
def test_decimals_are_exact_text(given_: Any, expected: str) -> None:
    """A text keeps its digits, a number the fewest that stand for it; no exponent is written."""
    assert expected == decimal_text(decimal(given_))


@pytest.mark.parametrize(
    "wrong",
    [None, True, "", "1,5", " 1", "NaN", "Infinity", "1e999", "٣", float("nan"), float("inf"), "9" * 50, [1]],
)
def test_refuses_what_is_no_decimal(wrong: Any) -> None:
    """No infinity, no other script's digits, nothing absurdly long."""
    with pytest.raises(GraphQLError) as caught:
        decimal(wrong)
    assert isinstance(caught.value.original_error, InvalidInputError)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [("0.1000000000000000055", "0.1000000000000000055"), ('"2.50"', "2.50"), ("7", "7")],
)
def test_decimal_literals_keep_every_digit(literal: str, expected: str) -> None:
    """They are never a binary number in between."""
    assert Decimal(expected) == decimal_literal(parse_value(literal))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        1,
        "",
        "0199d2c47b1e7c3a9f523d1c0a6b8e90",
        "{0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90}",
        "urn:uuid:0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90",
        "0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e9",
        "0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90\n",
        "0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e9g",
    ],
)
def test_uuids_have_one_form(wrong: Any) -> None:
    """With hyphens, in either case; anything else is refused."""
    assert UUID("0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90") == uuid("0199D2C4-7b1e-7c3a-9f52-3d1c0a6b8e90")
    with pytest.raises(GraphQLError):
        uuid(wrong)
