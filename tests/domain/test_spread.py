"""Counts by bounds."""

from __future__ import annotations

from promptgraph.domain.spread import Spread


def test_a_bound_holds_what_is_as_large_as_it() -> None:
    """Each value is counted once, by the least bound that it does not pass; the sum is of all."""
    spread = Spread((1, 10))
    for value in (0, 1, 2, 10, 11):
        spread.add(value)
    assert [2, 2, 1, 24] == spread.figures()
