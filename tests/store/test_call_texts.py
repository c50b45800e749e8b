"""Columns of calls as text: what the scalars of the API would write."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from promptgraph.store.call_texts import ids, instants, lists, point_of

ID = UUID("0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90")


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("2026-11-22 10:00:00.000000", "2026-11-22T10:00:00Z"),
        ("2026-11-22 10:00:00.000001", "2026-11-22T10:00:00.000001Z"),
        ("2026-11-22 10:00:00.120000", "2026-11-22T10:00:00.120000Z"),
        ("0001-01-01 00:00:00.000000", "0001-01-01T00:00:00Z"),
    ],
)
def test_instants_are_rfc_3339(stored: str, told: str) -> None:
    """In UTC, microseconds only where there are any, for one and for many."""
    at = dt.datetime.fromisoformat(f"{stored}+00:00")
    assert told == at.isoformat().replace("+00:00", "Z")
    assert [told] == list(instants([stored]))
    assert ["2026-01-01T00:00:00Z", told] == list(instants(["2026-01-01 00:00:00.000000", stored]))


def test_nothing_makes_nothing() -> None:
    """A column without rows has no text."""
    assert [] == [*instants([]), *ids([]), *lists([])]


def test_ids_have_hyphens() -> None:
    """As bytes and as text."""
    assert [str(ID), str(ID)] == list(ids([ID.bytes, str(ID)]))


def test_point_is_exact() -> None:
    """An aware instant in UTC, and the id."""
    at = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    for id_ in (ID.bytes, str(ID)):
        assert (at, ID) == point_of("2026-01-02 03:04:05.000006", id_)


def test_lists_are_read() -> None:
    """They come as they are stored."""
    assert [["stop"], [], ["é"]] == lists(['["stop"]', "[]", '["é"]'])
