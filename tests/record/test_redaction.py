"""The operator's own redaction: what it gives is stored, and what it fails on is not."""

from __future__ import annotations

import logging
from functools import partial
from threading import Event
from typing import Any

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.record.redaction import LOST, Redactor, hook_of

patient = partial(Redactor, seconds=60.0)
"""However slow the machine is."""
CARD = "4929 1234 5678"
NAN = float("nan")


def starred(kind: str, value: Json) -> object:
    """A hook."""
    _ = kind
    return {**value, "card": "*"} if isinstance(value, dict) else value


async def slow(kind: str, value: Json) -> object:
    """No hook: nobody would wait for it."""
    return (kind, value)


def lonely(value: Json) -> object:
    """No hook: it is told no kind."""
    return value


def failing(kind: str, value: Json) -> object:
    """A hook that quotes what it fails on."""
    raise ValueError(f"{kind} {value}")


GIVEN: dict[str, tuple[str, object, object]] = {
    "another object": ("variables", {"a": 1}, {"a": 1}),
    "nothing": ("variables", None, None),
    "a text for an object": ("variables", "x", LOST),
    "a list for an object": ("metadata", [], LOST),
    "any value of an output": ("output", [1, "x"], [1, "x"]),
    "a value that JSON has not": ("output", {1, 2}, LOST),
    "no number": ("output", NAN, LOST),
    "too large a value": ("metadata", {"a": "x" * 17_000}, LOST),
    "a character that cannot be stored": ("output", "\0", LOST),
    "a message": ("errorMessage", "x", "x"),
    "no message": ("errorMessage", None, None),
    "an object for a message": ("errorMessage", {}, LOST),
    "too long a message": ("errorMessage", "x" * 4097, LOST),
}


@pytest.mark.parametrize(("kind", "gives", "expected"), GIVEN.values(), ids=GIVEN)
async def test_only_what_can_be_stored_is_taken(kind: str, gives: object, expected: object) -> None:
    """A hook's value keeps the form and the limits of what it stands for."""
    redactor = patient(lambda _kind, _value: gives)
    assert [expected] == await redactor.redacted([(kind, "x" if kind == "errorMessage" else {"a": 2})])
    assert (expected is LOST) == redactor.lost


async def test_a_hook_changes_only_its_copy() -> None:
    """What was sent stays as it was sent, for its hash is taken of that."""

    def emptying(_kind: str, value: Any) -> object:
        value["inner"].clear()
        return value

    sent: dict[str, Any] = {"inner": {"a": 1}}
    assert [{"inner": {}}] == await patient(emptying).redacted([("variables", sent)])
    assert {"inner": {"a": 1}} == sent


async def test_a_failure_is_counted_and_told_without_the_value(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of the value is in the log, whatever the hook raises; others of the request are not held up."""
    redactor = patient(failing)
    with caplog.at_level(logging.WARNING):
        found = await redactor.redacted([("variables", {"a": CARD}), ("output", CARD)])
    assert [LOST, LOST] == found
    assert 2 == redactor.lost
    assert "1 x ValueError in variables, 1 x ValueError in output" in caplog.text
    assert CARD not in caplog.text


async def test_a_hook_that_takes_too_long_loses_what_it_has() -> None:
    """A request ends, and others are not held up."""
    ended = Event()

    def waiting(_kind: str, value: Json) -> object:
        ended.wait()
        return value

    redactor = Redactor(waiting, seconds=0.05)
    assert [LOST] == await redactor.redacted([("output", "slow")])
    ended.set()
    assert 1 == redactor.lost


def test_a_hook_is_found_by_its_name() -> None:
    """A module and a function in it."""
    assert starred is hook_of(f"{__name__}:starred")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("promptgraph.no_such:f", "cannot be imported"),
        (f"{__name__}:no_such", "must be a function"),
        (f"{__name__}:CARD", "must be a function"),
        (f"{__name__}:slow", "not async"),
        (f"{__name__}:lonely", "of a kind and a value"),
    ],
    ids=["no module", "no function", "no callable", "async", "one argument"],
)
def test_what_is_no_hook_is_refused_at_start(name: str, sentence: str) -> None:
    """With a sentence that names it."""
    with pytest.raises(InvalidInputError) as refused:
        hook_of(name)
    assert name in str(refused.value)
    assert sentence in str(refused.value)
