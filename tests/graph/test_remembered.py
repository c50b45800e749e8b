"""What is remembered: the bound, and what goes first."""

from __future__ import annotations

from promptgraph.graph.remembered import Remembered


def test_forgets_what_nobody_asked_for_longest() -> None:
    """To ask for something is to keep it."""
    known: Remembered[str, int] = Remembered(30)
    for number, key in enumerate("abc"):
        known.put(key, number, 10)
    assert 0 == known.get("a")
    known.put("d", 3, 10)
    assert [0, None, 2, 3] == [known.get(key) for key in "abcd"]


def test_counts_what_each_takes() -> None:
    """In the place of what was there, and as it grows."""
    known: Remembered[str, int] = Remembered(30)
    known.put("a", 0, 10)
    known.put("a", 1, 20)
    assert (1, 20) == (len(known), known.taken)
    known.put("b", 2, 5)
    known.grow("a", 3)
    assert 28 == known.taken
    known.grow("b", 20)
    assert (None, 2, 25) == (known.get("a"), known.get("b"), known.taken)
    known.grow("a", 5)
    known.drop("b")
    assert (0, 0) == (len(known), known.taken)


def test_what_is_larger_than_the_room_is_not_kept() -> None:
    """Nor does it leave anything behind."""
    known: Remembered[str, int] = Remembered(30)
    known.put("a", 0, 31)
    assert (None, 0) == (known.get("a"), known.taken)
