"""Where a key may stand in a request."""

from __future__ import annotations

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.key_form import NO_KEY, make_key, presented
from promptgraph.web.bearer import key_in, key_of, key_told

TEXT = make_key().text


@pytest.mark.parametrize("value", [f"Bearer {TEXT}", f"bearer {TEXT}", f"BEARER  {TEXT}", f" Bearer {TEXT} "])
def test_a_key_is_a_bearers(value: str) -> None:
    """Whatever the case of the scheme, and the blanks around."""
    assert presented(TEXT) == key_in([value])


@pytest.mark.parametrize(
    "values",
    [
        [], [""], [TEXT], ["Bearer"], ["Bearer "], [f"Basic {TEXT}"], [f"Bearer{TEXT}"], [f"Bearer {TEXT},"],
        [f"Bearer {TEXT} {TEXT}"], [f"Bearer {TEXT}", f"Bearer {TEXT}"], [f"Bearer {TEXT}", ""],
    ],
    ids=repr,
)  # fmt: skip
def test_anything_else_is_no_key(values: list[str]) -> None:
    """Two headers, too, though they hold the same."""
    assert key_in(values) is NO_KEY


def test_reads_the_header_alone() -> None:
    """The headers of a request or a handshake, as a server hands them on."""
    scope = {"headers": [(b"host", b"x"), (b"authorization", f"Bearer {TEXT}".encode())], "query_string": b""}
    assert presented(TEXT) == key_of(scope)
    assert key_of({"headers": [(b"x", b"\xff")], "query_string": f"authorization={TEXT}".encode()}) is NO_KEY


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, None),
        ({}, None),
        ({"token": TEXT}, None),
        ({"authorization": f"Bearer {TEXT}"}, presented(TEXT)),
        ({"Authorization": f"Bearer {TEXT}"}, presented(TEXT)),
        ({"authorization": TEXT}, NO_KEY),
        ({"authorization": None}, NO_KEY),
        ({"authorization": ["x"]}, NO_KEY),
        ({"authorization": f"Bearer {TEXT}", "Authorization": "x"}, NO_KEY),
    ],
    ids=str,
)
def test_a_browser_tells_it_in_the_first_message(payload: Json, expected: object) -> None:
    """It cannot send headers with a handshake; what is told there wrongly is no key."""
    assert expected == key_told(payload)
