"""How often somebody may fail."""

from __future__ import annotations

from promptgraph.web.budget import ROOM, WINDOW_SECONDS, Budget


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_listens_until_the_budget_is_spent() -> None:
    """So many failures, then nobody listens for the rest of the minute, and says for how long."""
    clock = Clock()
    budget = Budget(3, clock)
    for _ in range(3):
        assert 0 == budget.wait("a")
        budget.fail("a")
    clock.at += 10
    assert WINDOW_SECONDS - 10 == budget.wait("a")
    assert 0 == budget.wait("b")


def test_listens_again_when_the_minute_is_over() -> None:
    """Failures are forgotten with their minute, and a new one counts from the start."""
    clock = Clock()
    budget = Budget(1, clock)
    budget.fail("a")
    clock.at += WINDOW_SECONDS
    assert 0 == budget.wait("a")
    budget.fail("a")
    assert WINDOW_SECONDS == budget.wait("a")


def test_knows_no_more_than_there_is_room_for() -> None:
    """Whoever comes from many places fills no memory."""
    budget = Budget(1, Clock())
    for number in range(ROOM + 10):
        budget.fail(str(number))
    assert 0 == budget.wait("0")
    assert WINDOW_SECONDS == budget.wait(str(ROOM + 9))
