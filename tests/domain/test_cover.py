"""Windows and the cells that make them up, where there are no calls any more."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from promptgraph.domain.cover import snapped
from promptgraph.domain.window import Window

BEFORE = dt.datetime(2026, 5, 10, tzinfo=dt.UTC)


def at(day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 5, day, hour, minute, tzinfo=dt.UTC)


Edges = list[dt.datetime | None]
CASES: dict[str, tuple[Edges, bool, Edges]] = {
    "ends of hours": ([at(1, 5, 10), at(2, 7, 20)], True, [at(1, 5), at(2, 8)]),
    "ends of days": ([at(1, 5), at(2, 7)], False, [at(1), at(3)]),
    "edges of cells": ([at(1, 5), at(2)], True, [at(1, 5), at(2)]),
    "within one cell": ([at(1, 5, 10), at(1, 5, 20)], True, [at(1, 5), at(1, 6)]),
    "the last hour": ([at(9, 23, 59), at(10, 0, 1)], True, [at(9, 23), at(10, 0, 1)]),
    "after it": ([at(10, 0, 1), at(11, 0, 1)], True, [at(10, 0, 1), at(11, 0, 1)]),
    "no ends": ([None, None], True, [None, None]),
    "no beginning": ([None, at(1, 5, 10)], True, [None, at(1, 6)]),
    "no end": ([at(1, 5, 10), None], True, [at(1, 5), None]),
    "half hours": ([at(1, 18, 30), at(2, 18, 30), at(3, 18, 30)], True, [at(1, 18), at(2, 18), at(3, 19)]),
    "hours, of days": ([at(1, 22), at(1, 23), at(2), at(2, 1)], False, [at(1), at(2), at(3)]),
    "across it": ([at(9, 22), at(9, 23), at(10), at(10, 1)], False, [at(9), at(10), at(10, 1)]),
}


@pytest.mark.parametrize(("edges", "hours", "expected"), CASES.values(), ids=CASES)
def test_edges_move_to_where_cells_begin(edges: Edges, hours: bool, expected: Edges) -> None:  # noqa: FBT001  # a column of the table
    """Outwards at both ends, backwards between; what follows each other still does, and none is empty."""
    windows = [Window(*pair) for pair in pairwise(edges)]
    moved = snapped(windows, BEFORE, hours=hours)
    assert expected == [moved[0].since, *(window.until for window in moved)]
    assert all(one.until == other.since for one, other in pairwise(moved))
