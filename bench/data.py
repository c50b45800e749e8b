"""Data sets, made once, kept in `.bench/` for some days, and copied for each run. What is in them, says
bench/filling.py.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.filling import within
from bench.metrics import DAY
from bench.peers import HERE, ROOT
from promptgraph.app import publish
from promptgraph.store import migrate
from promptgraph.store.database import Database
from tests.children import end_with_us, surroundings
from tests.postgres import Cluster, server

FORM = 3
"""Goes up when the data set changes: what an earlier form left is made anew."""
KEPT_DAYS = 3
"""Older data no longer fills the last 30 days."""
FULL, EMPTY, CLUSTER = "calls", "empty", "postgresql"
POSTGRES = {
    # as a server has them, whose disk is real
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}
"""Beside the settings of the tests; autovacuum stays off, for it would run whenever it likes."""
FILLING = {
    # little is logged, for it would be copied with every run
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
}
UNHURRIED = 5
"""How much nicer than others the processes are that fill a database."""


@dataclass(frozen=True)
class Stocked:
    """Copies of a data set for one run: an SQLite file and a database of `cluster`, and twice the registry of
    `prompts/` without calls.
    """

    calls: int
    folder: Path
    cluster: Cluster

    @property
    def urls(self) -> dict[str, str]:
        return _urls(FULL, self.folder, self.cluster)

    @contextmanager
    def empty(self) -> Iterator[dict[str, str]]:
        """URLs of two databases that hold no calls, gone afterwards."""
        name = asyncio.run(self.cluster.create(EMPTY))
        shutil.copy(self.folder / f"{EMPTY}.db", self.folder / f"{name}.db")
        try:
            yield _urls(name, self.folder, self.cluster)
        finally:
            asyncio.run(self.cluster.drop(name))


def _urls(name: str, folder: Path, cluster: Cluster) -> dict[str, str]:
    return {"sqlite": f"sqlite:///{folder / name}.db", "postgresql": cluster.url(name)}


@contextmanager
def stocked(count: int) -> Iterator[Stocked]:
    """A copy of the data set of so many calls, with the tables of this release; gone afterwards."""
    source = kept(count)
    with tempfile.TemporaryDirectory(prefix="promptgraph-bench-") as folder:
        for name in (FULL, EMPTY):
            shutil.copy(source / f"{name}.db", folder)
        with server(source / CLUSTER, **POSTGRES) as running:
            found = Stocked(count, Path(folder), Cluster(running.dsn))
            for name in (FULL, EMPTY):
                for url in _urls(name, found.folder, found.cluster).values():
                    asyncio.run(within(url, migrate.upgrade))
            yield found


def kept(count: int) -> Path:
    """The folder of a data set that is whole, recent and of tables that this release knows. It is made if
    there is none, in some minutes per million.
    """
    folder, now = HERE / f"data-{FORM}-{count}", dt.datetime.now(dt.UTC)
    made = folder / "made"
    if not (made.is_file() and _is_good(made.read_text(), now)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder, count, now.replace(microsecond=0))
        made.write_text(f"{now.isoformat()} {migrate.head()}")
    return folder


def _is_good(made: str, now: dt.datetime) -> bool:
    at, revision = made.split()
    return now - dt.datetime.fromisoformat(at) < KEPT_DAYS * DAY and revision in migrate.revisions()


def make(folder: Path, count: int, end: dt.datetime) -> None:
    """A data set in an empty folder: SQLite files, and the data folder of a PostgreSQL that was stopped. Both
    are filled at once.

    raises  RuntimeError  one could not be filled; why was printed
    """
    with server(None, **FILLING) as running, asyncio.Runner() as runner:
        cluster = Cluster(running.dsn)
        for name in (FULL, EMPTY):
            runner.run(cluster.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        for url in _urls(EMPTY, folder, cluster).values():
            runner.run(within(url, only_prompts))
        filled(_urls(FULL, folder, cluster), count, end)
        for name in (FULL, EMPTY):  # what autovacuum does on a server
            runner.run(Cluster(cluster.url(name)).run("VACUUM ANALYZE"))
        running.stop()
        shutil.move(running.data, folder / CLUSTER)


def filled(urls: Mapping[str, str], count: int, end: dt.datetime) -> None:
    """Have each database filled by a process of its own."""
    with ExitStack() as stack:
        children = [stack.enter_context(filling(url, count, end)) for url in urls.values()]
        codes = [child.wait() for child in children]
    if any(codes):
        raise RuntimeError(f"The data of {count:,} calls could not be made.")


@contextmanager
def filling(url: str, count: int, end: dt.datetime) -> Iterator[subprocess.Popen[bytes]]:
    """A process that fills a database, and that is no more afterwards."""
    words = [sys.executable, "-m", "bench.filling", url, str(count), end.isoformat()]
    with subprocess.Popen(  # noqa: S603  # our own module
        words,
        cwd=ROOT,
        env=surroundings(),
        preexec_fn=_beside_others,  # noqa: PLW1509  # it makes two system calls
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _beside_others() -> None:
    end_with_us()
    os.nice(UNHURRIED)


async def only_prompts(db: Database) -> None:
    """The tables made, and the registry of `prompts/`."""
    await migrate.upgrade(db)
    await publish(db, ROOT / "prompts")
