"""A log in which each subject has its turn once in a while."""

from __future__ import annotations

import logging

import pytest

from promptgraph.graph.counters import QUIET_SECONDS, Murmur


def test_says_the_same_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """Each subject by itself."""
    now = 0.0
    murmur = Murmur(logging.getLogger("promptgraph.graph"), now=lambda: now)
    with caplog.at_level(logging.INFO, "promptgraph.graph"):
        for now, subject in (
            (0.0, "a"),
            (1.0, "a"),
            (2.0, "b"),
            (QUIET_SECONDS, "a"),
            (QUIET_SECONDS + 1, "b"),
        ):
            murmur.say(logging.INFO, subject, "%s at %g", subject, now)
    assert ["a at 0", "b at 2", "a at 60"] == [record.getMessage() for record in caplog.records]
