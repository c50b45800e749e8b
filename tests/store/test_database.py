"""Sessions: what they see, what they leave behind, and how each database is set up."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError
from promptgraph.store.database import Database, sqlite_is_mended, warn_of_old_sqlite
from promptgraph.store.registry import advance_revision, lock_registry, revision
from tests.children import PACKAGES, surroundings
from tests.store.stock import stock


async def test_write_commits_on_leaving(db: Database) -> None:
    """What a write session did is there for the next reader."""
    async with db.write() as session:
        await advance_revision(session)
    async with db.read() as session:
        assert 1 == await revision(session)


async def test_write_leaves_nothing_behind_when_its_body_raises(db: Database) -> None:
    """An error in the body rolls everything back and comes out as it is."""

    async def fail() -> None:
        async with db.write() as session:
            await stock(session, "a", (1, 2))
            await advance_revision(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.read() as session:
        assert 0 == await revision(session)


async def test_write_leaves_nothing_behind_when_it_is_cancelled(db: Database) -> None:
    """A task that is cancelled in the middle rolls back, and the next writer is not kept waiting."""

    async def write_and_hang() -> None:
        async with db.write() as session:
            await advance_revision(session)
            hanging.set()
            await asyncio.sleep(60)

    hanging = asyncio.Event()
    task = asyncio.create_task(write_and_hang())
    await hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.write() as session:
        assert 1 == await advance_revision(session)


async def test_read_sees_one_state(db: Database) -> None:
    """What others commit meanwhile is not seen before the next read session."""
    async with db.read() as session:
        before = await revision(session)
        async with db.write() as other:
            await advance_revision(other)
        assert before == await revision(session)
    async with db.read() as session:
        assert before + 1 == await revision(session)


async def test_read_cannot_write(db: Database) -> None:
    """A read session refuses to change anything."""
    with pytest.raises(StoreUnavailableError, match="can only be read"):
        async with db.read() as session:
            await advance_revision(session)


async def test_writers_wait_for_each_other(db: Database) -> None:
    """Twenty at once that read, then write, lose no update."""

    async def advance() -> None:
        async with db.write() as session:
            await lock_registry(session)
            seen = await revision(session)
            await asyncio.sleep(0)
            assert seen + 1 == await advance_revision(session)

    await asyncio.gather(*(advance() for _ in range(20)))
    async with db.read() as session:
        assert 20 == await revision(session)


async def test_sessions_may_run_at_once(db: Database) -> None:
    """More readers than connections are all served."""

    async def ask() -> int:
        async with db.read() as session:
            return await revision(session)

    assert [0] * 40 == await asyncio.gather(*(ask() for _ in range(40)))


async def test_says_which_database_it_is(db: Database, engine: str) -> None:
    """Product and version, without the build's details."""
    name, _, version = (await db.describe()).partition(" ")
    assert {"sqlite": "SQLite", "postgres": "PostgreSQL"}[engine] == name
    assert {"sqlite": "sqlite", "postgres": "postgresql"}[engine] == db.dialect
    assert all(part.isdigit() for part in version.split("."))


@pytest.mark.parametrize("engine", ["postgres"])
async def test_options_of_the_url_reach_the_server(url: str) -> None:
    """`sslmode` and `target_session_attrs` are taken as other programs spell them."""
    db = Database(f"{url}?sslmode=disable&target_session_attrs=read-write")
    async with db.read() as session:
        assert 0 == await revision(session)
    await db.close()


async def test_closing_is_no_end(db: Database) -> None:
    """A closed database opens again on the next session."""
    await db.close()
    async with db.read() as session:
        assert 0 == await revision(session)


async def pragma(db: Database, name: str, *, writes: bool) -> object:
    async with db.write() if writes else db.read() as session:
        return await session.scalar(text(f"PRAGMA {name}"))


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_sqlite_is_set_up_for_safety(db: Database) -> None:
    """Commits reach the disk, foreign keys hold, and only the one writer checkpoints."""
    names = (
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "busy_timeout",
        "query_only",
        "wal_autocheckpoint",
    )
    assert ["wal", 2, 1, 5000, 0, 1000] == [await pragma(db, name, writes=True) for name in names]
    assert ["wal", 2, 1, 5000, 1, 0] == [await pragma(db, name, writes=False) for name in names]


async def test_makes_the_file_and_its_folder_for_the_owner_alone(tmp_path: Path) -> None:
    """A new SQLite file is readable by its owner only, whatever the umask; reading never makes one."""
    path = tmp_path / "new" / "folder" / "p%20q?.db"
    db = Database(f"sqlite:///{tmp_path}/new/folder/p%2520q%3F.db")
    assert db.missing
    with pytest.raises(StoreUnavailableError, match="promptgraph db upgrade"):
        async with db.read() as session:
            await revision(session)
    assert not path.parent.exists()
    async with db.write() as session:
        await session.execute(text("CREATE TABLE t (id INTEGER)"))
    await db.close()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert not db.missing


@pytest.mark.parametrize("engine", ["postgres"])
async def test_postgres_reads_and_writes_in_utc(db: Database) -> None:
    """Sessions speak UTC, whatever the server's zone, and say who they are."""
    async with db.read() as session:
        assert "UTC" == await session.scalar(text("SHOW timezone"))
        assert "promptgraph" == await session.scalar(text("SHOW application_name"))
        assert "repeatable read" == await session.scalar(text("SHOW transaction_isolation"))
        assert "on" == await session.scalar(text("SHOW transaction_read_only"))
    async with db.write() as session:
        assert "read committed" == await session.scalar(text("SHOW transaction_isolation"))
        assert "off" == await session.scalar(text("SHOW transaction_read_only"))


BUGGY = [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)]
MENDED = [(3, 6, 23), (3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 4)]


def test_knows_which_sqlite_may_lose_commits() -> None:
    """The versions with the WAL-reset bug, and those around them without it."""
    assert BUGGY == [version for version in sorted((*BUGGY, *MENDED)) if not sqlite_is_mended(version)]


def test_warns_once_of_an_sqlite_that_may_lose_commits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says it once per process, however many databases are opened."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    warn_of_old_sqlite.cache_clear()
    with caplog.at_level(logging.WARNING, "promptgraph.store"):
        for _ in range(2):
            Database(f"sqlite:///{tmp_path}/promptgraph.db")
    assert 1 == caplog.text.count("promptgraph[sqlite]")


async def test_a_mistake_in_a_statement_shows_no_sql(db: Database) -> None:
    """What the database refuses for our mistake is an error of ours that says nothing of the inside."""
    with pytest.raises(PromptgraphError) as caught:
        async with db.read() as session:
            await session.execute(text("SELEC secret"))
    assert "The database refused a statement." == str(caught.value)


BUNDLED = """
from sqlite3 import *
from sqlite3 import dbapi2
sqlite_version = "9.9.9"
"""


def test_bundled_sqlite_takes_the_place_of_python_s(tmp_path: Path) -> None:
    """Where the extra is installed, its SQLite is the one that the drivers find."""
    (tmp_path / "pysqlite3.py").write_text(BUNDLED)
    code = "import promptgraph.store.database, aiosqlite; print(aiosqlite.core.sqlite3.sqlite_version)"
    command = [sys.executable, "-c", code]
    environment = surroundings(PYTHONPATH=f"{tmp_path}{os.pathsep}{PACKAGES}")
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "9.9.9" == said.stdout.strip()
