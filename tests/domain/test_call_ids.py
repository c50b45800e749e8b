"""Ids that we make ourselves."""

from __future__ import annotations

import datetime as dt
import time
from uuid import RFC_4122, UUID, uuid4

from promptgraph.domain.call_ids import made_at, new_call_id


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


def test_says_when_it_was_made() -> None:
    """To the millisecond; an id of another kind does not, nor one of a year that no date has."""
    made = made_at(new_call_id())
    assert made is not None
    assert dt.timedelta() <= dt.datetime.now(dt.UTC) - made < dt.timedelta(minutes=1)
    assert dt.datetime(2022, 2, 22, 19, 22, 22, tzinfo=dt.UTC) == made_at(
        UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    )
    strange = (uuid4(), UUID(int=1), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"))
    assert [None] * 3 == [made_at(id_) for id_ in strange]
