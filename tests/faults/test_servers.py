"""Servers die under load: what was acknowledged is stored once, and counted once."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.conftest import Scale, Tell
from tests.faults.driver import loaded
from tests.faults.history import History, Verdict, judged
from tests.faults.sites import Site, sites

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1800)]
MOMENTS = random.Random(11)  # noqa: S311  # moments, no secrets


def killed(at: Sequence[Site], calls: int, kills: int) -> History:
    """What clients lived through: so many calls altogether, and as many deaths of the first server."""
    with loaded([site.url for site in at]) as load:
        for _ in range(kills):
            load.until(calls // kills)
            time.sleep(MOMENTS.uniform(0, 0.05))
            at[0].kill()
            at[0].start()
        load.until(20)
        return load.finish()


@pytest.mark.parametrize("engine", ["postgres"])
def test_killed_server_loses_and_doubles_nothing(url: str, tmp_path: Path, scale: Scale, tell: Tell) -> None:
    """kill -9 of one of two servers, again and again, at any moment (R1)."""
    with sites(tmp_path, url, "", "") as both:
        verdict = judged(killed(both, scale.calls, scale.kills), url)
    tell("R1  kill -9 of a server", verdict, kills=scale.kills)
    assert verdict.flawless
    assert verdict.retries > 0 and verdict.interrupted > 0


@pytest.mark.parametrize("engine", ["sqlite"])
def test_killed_writer_of_sqlite_loses_and_doubles_nothing(
    url: str, tmp_path: Path, scale: Scale, tell: Tell
) -> None:
    """kill -9 of the only server of an SQLite file (R11)."""
    with sites(tmp_path, url, "") as one:
        verdict = judged(killed(one, scale.calls, scale.kills), url)
    tell("R11 kill -9 of SQLite's writer", verdict, kills=scale.kills)
    assert verdict.flawless
    assert verdict.retries > 0 and verdict.interrupted > 0


def test_server_that_answers_before_it_commits_loses(url: str, tmp_path: Path, tell: Tell) -> None:
    """The control of both, on both databases: the same deaths lose what such a server acknowledged."""
    with sites(tmp_path, url, "hasty") as one:
        history = killed(one, 150, 3)  # a death may come just between two commits
        one[0].stop()  # so that nothing but a death can have lost anything
        verdict = judged(history, url)
    tell("    control: answered before the commit", verdict, kills=3)
    assert verdict.lost


def died(site: Site, calls: int, deaths: int, *, keyed: bool) -> Verdict:
    """Let a server that kills itself do so, so many times."""
    with loaded([site.url], keyed=keyed) as load:
        for left in range(deaths)[::-1]:
            site.bury()
            site.fault = dying() if left else ""
            site.start()
        load.until(max(20, calls - load.history.acked))
        return judged(load.finish(), site.database, keyed=keyed)


def dying() -> str:
    """The fault of a server that dies after 3 % of its commits."""
    return f"dies 0.03 {MOMENTS.random()}"


def test_death_between_commit_and_answer_doubles_nothing(
    url: str, tmp_path: Path, scale: Scale, tell: Tell
) -> None:
    """A call that was stored though nobody was told is a duplicate when it comes again (R2)."""
    deaths = max(2, scale.kills // 2)
    with sites(tmp_path, url, dying()) as (one,):
        verdict = died(one, scale.calls, deaths, keyed=True)
    tell("R2  death between COMMIT and answer", verdict, kills=deaths)
    assert verdict.flawless
    assert verdict.interrupted >= deaths


def test_without_ids_the_same_death_doubles(url: str, tmp_path: Path, tell: Tell) -> None:
    """The control: a call without an id of its caller's is stored again."""
    with sites(tmp_path, url, dying()) as (one,):
        verdict = died(one, 50, 1, keyed=False)
    tell("    control: calls without ids", verdict, kills=1)
    assert verdict.doubled and not verdict.lost


@pytest.mark.parametrize("engine", ["postgres"])
def test_rolling_restart_fails_no_call(url: str, tmp_path: Path, scale: Scale, tell: Tell) -> None:
    """SIGTERM, one server after the other: what is under way is answered, new calls go elsewhere (R10).
    Its control is R1, where the same restart by kill -9 interrupts calls.
    """
    restarts = max(3, scale.kills)
    with sites(tmp_path, url, "", "") as at, loaded([site.url for site in at]) as load:
        for number in range(restarts):
            load.until(scale.calls // restarts)
            assert 0 == at[number % 2].stop()
            at[number % 2].start()
        load.until(20)
        verdict = judged(load.finish(), url)
    tell("R10 rolling restart by SIGTERM", verdict, restarts=restarts, **load.history.whys())
    assert verdict.flawless
    assert 0 == verdict.interrupted
    assert verdict.retries > 0
