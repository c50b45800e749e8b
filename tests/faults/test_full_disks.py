"""The disk of the database is full: callers are to try again, and once there is room nothing is missing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import migrated, or_skipped
from tests.faults.cluster import PATIENCE_S, Node, nodes, prepare, set_up, within
from tests.faults.conftest import Tell
from tests.faults.disks import SmallDisk, small_disk
from tests.faults.driver import loaded
from tests.faults.history import History, Verdict, judged
from tests.faults.sites import sites
from tests.postgres import AS_ROOT

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]
CALLS = 100
IDS = ("tables", "sqlite", "log")


class Place(NamedTuple):
    """A database, and the small disk that it is on; `logs`: the PostgreSQL that has its log alone there."""

    url: str
    disk: SmallDisk
    logs: Node | None = None


@contextmanager
def sqlite_on_a_small_disk() -> Iterator[Place]:
    with small_disk() as disk:
        url = f"sqlite:///{disk.path}/promptgraph.db"
        asyncio.run(migrated(url))
        yield Place(url, disk)


@contextmanager
def postgres_on_a_small_disk() -> Iterator[Place]:
    """Its tables alone; the log is elsewhere."""
    with small_disk() as disk, or_skipped(), nodes("alone") as (node,):
        prepare(node)
        node.start()
        node.sql(f"CREATE TABLESPACE small LOCATION '{disk.path}'")
        set_up(node, "small")
        yield Place(node.url, disk)


@contextmanager
def log_on_a_small_disk() -> Iterator[Place]:
    """PostgreSQL's log alone; the tables are elsewhere."""
    with small_disk() as disk, or_skipped(), nodes("alone") as (node,):
        prepare(node, min_wal_size="32MB", max_wal_size="40MB")
        log = node.data / "pg_wal"
        shutil.move(log, disk.path / "pg_wal")
        log.symlink_to(disk.path / "pg_wal")
        if AS_ROOT:
            for path in (disk.path / "pg_wal", *(disk.path / "pg_wal").rglob("*")):
                shutil.chown(path, "nobody")
        node.start()
        set_up(node)
        yield Place(node.url, disk, node)


PLACES = {
    "R5  disk full under the tables of PostgreSQL": postgres_on_a_small_disk,
    "R5  disk full under SQLite": sqlite_on_a_small_disk,
    "R6  disk full under the log of PostgreSQL": log_on_a_small_disk,
}


def ended(node: Node) -> bool:
    """Whether a PostgreSQL that asks for one more file of its log has ended for want of room."""
    assert node.process is not None
    with suppress(AssertionError):
        node.sql("SELECT pg_switch_wal()")
    return node.process.poll() is not None


def filled(place: Place, home: Path, *, fault: str = "") -> tuple[Verdict, History]:
    """Fill the disk under load, and free it once clients were turned away, or should have been."""
    with sites(home, place.url, fault) as (site,), loaded([site.url]) as load:
        load.until(CALLS)
        place.disk.fill()
        if (logs := place.logs) is not None:
            within(PATIENCE_S, lambda: ended(logs), "PostgreSQL runs on without room for its log")
        load.until(3 * CALLS) if fault and logs is None else load.until_refused()
        place.disk.free()
        if place.logs is not None:
            place.logs.start()
        load.until(CALLS)
        history = load.finish()
        assert 0 == site.stop()
        return judged(history, place.url), history


@pytest.mark.parametrize("place", PLACES, ids=IDS)
def test_full_disk_is_said_and_loses_nothing(place: str, tmp_path: Path, tell: Tell) -> None:
    """A typed error that asks for another try; once there is room nothing is missing; no server is restarted,
    and of databases only the one without a log, which ends by itself.
    """
    with PLACES[place]() as found:
        verdict, history = filled(found, tmp_path)
    tell(place, verdict, **history.whys())
    assert verdict.flawless
    assert history.whys()["UNAVAILABLE"] > 0 == verdict.interrupted, history.said()
    assert found.logs or any("disk" in sentence for sentence in history.said())


@pytest.mark.parametrize("place", PLACES, ids=IDS)
def test_full_disk_takes_what_was_answered_too_early(place: str, tmp_path: Path, tell: Tell) -> None:
    """The control: a server that answers before it commits acknowledges what the full disk refuses."""
    with PLACES[place]() as found:
        verdict, _ = filled(found, tmp_path, fault="hasty")
    tell("    control: answered before the commit", verdict)
    assert verdict.lost
