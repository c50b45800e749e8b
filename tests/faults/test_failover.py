"""The primary dies, the standby takes over, and the old primary comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import or_skipped
from tests.faults.cluster import PATIENCE_S, Pair, pair, within
from tests.faults.conftest import Scale, Tell
from tests.faults.driver import CLIENTS, Load, loaded
from tests.faults.history import Verdict, judged
from tests.faults.sites import sites

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1800)]
CALLS = 50
CANCEL = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
MARK = "INSERT INTO marks VALUES (1)"


@contextmanager
def under_load(home: Path, *, synchronous: bool = True) -> Iterator[tuple[Pair, Load]]:
    """Two servers of a primary with its standby, and clients."""
    with (
        or_skipped(),
        pair(synchronous=synchronous) as both,
        sites(home, both.url, "", "") as at,
        loaded([site.url for site in at]) as load,
    ):
        yield both, load


def cut_off(both: Pair) -> None:
    """The standby falls behind for ever, and takes over all the same."""
    both.primary.kill()
    both.standby.kill()  # or it would still apply what lies in its socket
    both.standby.start()
    both.standby.promote()
    both.primary, both.standby = both.standby, both.primary


def test_failover_loses_and_doubles_nothing(tmp_path: Path, scale: Scale, tell: Tell) -> None:
    """kill -9 of the primary; its synchronous standby is promoted; the servers find it by themselves (R3)."""
    kills, took = max(1, scale.kills // 4), []
    with under_load(tmp_path) as (both, load):
        for number in range(kills):
            if number:
                both.mend()
            load.until(scale.calls // kills)
            took.append(both.fail_over())
            load.until(20)
        verdict = judged(load.finish(), both.primary.url)
    tell("R3  failover to the standby", verdict, kills=kills, promotion=f"{max(took):.2f} s")
    assert verdict.flawless
    assert verdict.retries > 0


def test_failover_to_a_standby_that_lags_loses(tmp_path: Path, tell: Tell) -> None:
    """The control: commits that do not wait for the standby are lost with the primary."""
    with under_load(tmp_path, synchronous=False) as (both, load):
        load.until(100)
        both.standby.freeze()
        load.until(100)
        cut_off(both)
        load.until(20)
        verdict = judged(load.finish(), both.primary.url)
    tell("    control: the standby is asynchronous, and frozen", verdict, kills=1)
    assert verdict.lost


def returned(home: Path, *, keeps_its_standby: bool) -> tuple[Verdict, int]:
    """The old primary comes back as it was, while the new one is away, so that the servers turn to it; then
    it is fenced, and the new one is back. What came of it, and how many calls the old one got meanwhile.
    """
    with under_load(home) as (both, load):
        load.until(CALLS)
        both.fail_over()
        load.until(CALLS)
        new, old = both.primary, both.standby
        new.kill()
        if not keeps_its_standby:
            old.forget_standby()
        old.start()
        before = old.calls()
        if keeps_its_standby:
            within(PATIENCE_S, lambda: old.in_wait() > 0, "nobody found the old primary")
            load.until_refused(2 * CLIENTS)
        else:
            load.until(CALLS)
        strays = old.calls() - before
        old.kill()
        new.start()
        both.mend()
        load.until(CALLS)
        return judged(load.finish(), new.url), strays


def test_old_primary_that_comes_back_acknowledges_nothing(tmp_path: Path, tell: Tell) -> None:
    """It waits for a standby that is none any more, so nothing that it is sent is acknowledged; once it is
    fenced, with pg_rewind, the same calls are recorded by the new one (R15).
    """
    verdict, strays = returned(tmp_path, keeps_its_standby=True)
    tell("R15 old primary comes back un-fenced", verdict, calls_on_the_old_one=strays)
    assert verdict.flawless
    assert verdict.retries > 0 and strays > 0


def test_old_primary_that_waits_for_nobody_acknowledges(tmp_path: Path, tell: Tell) -> None:
    """The control: without the setting that names its standby it takes calls, and the fence loses them."""
    verdict, strays = returned(tmp_path, keeps_its_standby=False)
    tell("    control: it waits for no standby", verdict, calls_on_the_old_one=strays)
    assert verdict.lost


def test_cancelled_wait_for_the_standby_is_no_success(tmp_path: Path, tell: Tell) -> None:
    """The standby is frozen, and what waits for it is cancelled again and again: nobody is told yes, not even
    who sends the same call again, which the primary has by then; after a failover nothing is missing (R16).
    """
    with under_load(tmp_path) as (both, load):
        load.until(CALLS)
        both.standby.freeze()
        before = load.history.acked
        cancelled = 0
        while load.history.whys()["UNAVAILABLE"] < 4 * CLIENTS:
            within(PATIENCE_S, lambda: both.primary.in_wait() > 0, "nobody waits for the standby")
            cancelled += int(both.primary.sql(CANCEL))
        after = load.history.acked
        cut_off(both)
        load.until(CALLS)
        verdict = judged(load.finish(), both.primary.url)
    tell("R16 wait for the standby cancelled", verdict, cancelled=cancelled, acked_meanwhile=after - before)
    assert verdict.flawless
    assert verdict.retries > 0 and cancelled > 0


def test_cancelled_wait_is_a_success_to_postgresql(tell: Tell) -> None:
    """The control: whoever does not listen to the warning is told that it is done, and after a failover it is
    gone.
    """
    with or_skipped(), pair() as both:
        both.primary.sql("CREATE TABLE marks (id int)")
        both.standby.freeze()
        with both.primary.telling(MARK) as answered:
            within(PATIENCE_S, lambda: both.primary.in_wait() > 0, "nobody waits for the standby")
            both.primary.sql(CANCEL)
            assert "INSERT 0 1" in answered()
        cut_off(both)
        rows = both.primary.sql("SELECT count(*) FROM marks")
    tell("    control: nobody listens to the warning", None, acked=1, rows=rows)
    assert "0" == rows
