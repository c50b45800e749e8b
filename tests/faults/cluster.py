"""PostgreSQL servers that die, freeze, come back and take over: a primary and its standby."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs

from tests.conftest import migrated
from tests.postgres import (
    AS_ROOT,
    SETTINGS,
    Server,
    apart,
    configure,
    free_port,
    initialise,
    programs,
    reachable,
)

PATIENCE_S = 90.0
DATABASE = "promptgraph"
DURABLE = SETTINGS | {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "wal_log_hints": "on",  # pg_rewind wants it
    "wal_keep_size": "256MB",
    "wal_retrieve_retry_interval": "200ms",  # or a standby looks for its primary every 5 s
    "wal_receiver_status_interval": "1s",
    "wal_sender_timeout": "5s",
}


def within(seconds: float, done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@dataclass
class Node(Server):
    """One PostgreSQL; its data folder is `NAME/data`."""

    @property
    def name(self) -> str:
        return self.data.parent.name

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    def tool(self, program: str, *words: str) -> str:
        """What one of PostgreSQL's programs prints."""
        done = subprocess.run(
            [str(self.programs / program), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **apart(),
        )
        said = str(done.stdout)
        assert 0 == done.returncode, said[-2000:]
        return said.strip()

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """What the statements give, each in a transaction of its own."""
        words = ("-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port))
        each = [word for statement in statements for word in ("-c", statement)]
        return self.tool("psql", *words, "-U", "postgres", "-d", database, *each)

    @contextmanager
    def telling(self, statement: str) -> Iterator[Callable[[], str]]:
        """Inside, somebody waits for the end of a statement; the function gives what he is told."""
        words = ("-X", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", statement)
        command = [str(self.programs / "psql"), *words]
        process = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **apart()
        )
        try:
            yield lambda: str(process.communicate(timeout=PATIENCE_S)[0])
        finally:
            process.kill()
            process.communicate()

    def configured(self, **settings: str) -> None:
        """Change settings while it runs."""
        self.sql(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()))
        self.sql("SELECT pg_reload_conf()")

    def signal_all(self, number: signal.Signals) -> None:
        """To each process of its tree: a child of PostgreSQL's is in no process group but its own."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            for process in (top, *top.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def freeze(self) -> None:
        self.signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9 of all its processes at once."""
        assert self.process is not None
        self.freeze()  # or one of them acts on the death of another
        self.signal_all(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def in_wait(self) -> int:
        """How many sessions wait for the standby."""
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))

    def calls(self) -> int:
        """How many calls it holds, standby or not."""
        return int(self.sql("SELECT count(*) FROM llm_calls", database=DATABASE))

    def promote(self) -> None:
        self.configured(synchronous_standby_names="")
        assert "t" == self.sql("SELECT pg_promote(true, 60)")

    def forget_standby(self) -> None:
        """Wait for none after the next start."""
        configure(self, {"synchronous_standby_names": ""})

    def follow(self, primary: Node) -> None:
        """Be made a copy of `primary`, and start as its standby."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        words = ("-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.tool("pg_basebackup", "-D", str(self.data), "-d", source, *words)
        self.start()

    def rejoin(self, primary: Node) -> None:
        """The fence: a node that was primary is rewound to the new one, and only then starts, a standby."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        source = f"host=127.0.0.1 port={primary.port} user=postgres dbname=postgres"
        self.tool("pg_rewind", "-D", str(self.data), "-R", f"--source-server={source}")
        following = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        configure(self, {"primary_conninfo": following, "synchronous_standby_names": ""})
        self.start()

    def needs(self, standby: Node) -> None:
        """Acknowledge no commit from now on that `standby` has not written, too."""
        self.configured(synchronous_standby_names=f"FIRST 1 ({standby.name})")
        states = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        within(PATIENCE_S, lambda: self.sql(states) == "1", "the standby did not become synchronous")


@dataclass
class Pair:
    """A primary, and a standby that may take over from it."""

    primary: Node
    standby: Node

    @property
    def url(self) -> str:
        """For clients that look for the primary themselves."""
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in (self.primary, self.standby))
        return f"postgresql://postgres@/{DATABASE}?{hosts}"

    def fail_over(self) -> float:
        """Kill the primary, promote the standby, exchange the roles; how many seconds the promotion took."""
        self.primary.kill()
        began = time.monotonic()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        return time.monotonic() - began

    def mend(self) -> None:
        """Bring the node that was killed back, fenced, as the standby that commits wait for."""
        self.standby.rejoin(self.primary)
        self.primary.needs(self.standby)


@contextmanager
def nodes(*names: str) -> Iterator[tuple[Node, ...]]:
    """PostgreSQL servers that are not made yet, ended and deleted afterwards.

    raises  NoPostgresError  there is no PostgreSQL
    """
    found = programs()
    top = Path(tempfile.mkdtemp(prefix="promptgraph-faults-"))
    made: tuple[Node, ...] = ()
    try:
        for folder in (top, *(top / name for name in names)):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
            if AS_ROOT:
                shutil.chown(folder, "nobody")
        usable = reachable(found, top)
        made = tuple(Node(usable, top / name / "data", free_port()) for name in names)
        yield made
    finally:
        for node in made:
            node.close()
        shutil.rmtree(top, ignore_errors=True)


def prepare(node: Node, **settings: str) -> None:
    """Make its data folder."""
    initialise(node)
    configure(node, DURABLE | settings)


def set_up(node: Node, tablespace: str = "pg_default") -> None:
    """Give it, once it runs, a database with our tables."""
    node.sql(f"CREATE DATABASE {DATABASE} TABLESPACE {tablespace}")
    asyncio.run(migrated(node.url))


@contextmanager
def single(**settings: str) -> Iterator[Node]:
    """A PostgreSQL that keeps what it commits."""
    with nodes("alone") as (node,):
        prepare(node, **settings)
        node.start()
        set_up(node)
        yield node


@contextmanager
def pair(*, synchronous: bool = True) -> Iterator[Pair]:
    """A primary and a standby; no commit is acknowledged that is not on both, if they are `synchronous`."""
    with nodes("one", "two") as (one, two):
        prepare(one)
        one.start()
        set_up(one)
        two.follow(one)
        if synchronous:
            one.needs(two)
        yield Pair(one, two)
