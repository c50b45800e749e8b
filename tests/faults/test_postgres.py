"""PostgreSQL dies, comes back as it was, or runs out of room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import or_skipped
from tests.faults.cluster import single
from tests.faults.conftest import Scale, Tell
from tests.faults.driver import loaded
from tests.faults.history import Verdict, judged
from tests.faults.sites import sites

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1800)]


def crashed(home: Path, calls: int, kills: int, **settings: str) -> Verdict:
    """kill -9 of PostgreSQL under load, and a start in place, so many times."""
    with (
        or_skipped(),
        single(**settings) as node,
        sites(home, node.url, "", "") as at,
        loaded([site.url for site in at]) as load,
    ):
        load.until(20)
        node.sql("CHECKPOINT")  # whatever is set: the prompts and the agents that calls name are there
        for _ in range(kills):
            load.until(calls // kills)
            node.kill()
            node.start()
            load.until(20)
        return judged(load.finish(), node.url)


def test_crash_of_the_database_loses_and_doubles_nothing(tmp_path: Path, scale: Scale, tell: Tell) -> None:
    """kill -9 of PostgreSQL, and a start in place; the servers go on by themselves (R4)."""
    kills = max(2, scale.kills // 2)
    verdict = crashed(tmp_path, scale.calls, kills)
    tell("R4  kill -9 of PostgreSQL", verdict, kills=kills)
    assert verdict.flawless
    assert verdict.retries > 0


def test_database_that_commits_before_it_writes_loses(tmp_path: Path, tell: Tell) -> None:
    """The control: with synchronous_commit=off the same crash loses calls."""
    verdict = crashed(tmp_path, 200, 1, synchronous_commit="off", wal_writer_delay="10000ms")
    tell("    control: synchronous_commit=off", verdict, kills=1)
    assert verdict.lost
