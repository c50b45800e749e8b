"""Ids that we make ourselves."""

from __future__ import annotations

import time
from uuid import RFC_4122

from promptgraph.domain.call_ids import new_call_id


def test_is_of_version_7() -> None:
    """Version, variant, and the milliseconds of now."""
    before = time.time_ns() // 1_000_000
    made = new_call_id()
    assert (7, RFC_4122) == (made.version, made.variant)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_is_another_each_time() -> None:
    """Also within a millisecond."""
    assert 10_000 == len({new_call_id() for _ in range(10_000)})


def test_sorts_by_time() -> None:
    """A later millisecond sorts later, by bytes."""
    first = new_call_id()
    time.sleep(0.002)
    assert first.bytes < new_call_id().bytes
