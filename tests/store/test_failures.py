"""When the database fails, the caller learns what to do, and nothing of the inside."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from promptgraph.domain.errors import InvalidInputError, PromptgraphError, StoreUnavailableError
from promptgraph.store import migrate
from promptgraph.store.agents import agents_by_name
from promptgraph.store.database import Database
from promptgraph.store.families import families_by_name
from promptgraph.store.postgresql import Pool
from promptgraph.store.registry import add_family, advance_revision, lock_registry, revision
from tests.postgres import Server, free_port
from tests.store.stock import NOW, stock

LEAKS = ("SELECT", "INSERT", "UPDATE", "sqlalche", "sqlite3", "asyncpg", "Traceback", "/", "$1", "prompt_fam")


def assert_plain(error: PromptgraphError) -> None:
    """The sentence says nothing of the inside."""
    said = str(error).replace("promptgraph db upgrade", "")
    assert [leak for leak in LEAKS if leak in said] == []


async def ask(db: Database) -> int:
    async with db.read() as session:
        return await revision(session)


async def tell(db: Database) -> int:
    async with db.write() as session:
        return await advance_revision(session)


async def refused(db: Database, *, writes: bool = False) -> StoreUnavailableError:
    """The error that a read, or a write, ends with."""
    with pytest.raises(StoreUnavailableError) as caught:
        await (tell(db) if writes else ask(db))
    assert_plain(caught.value)
    assert caught.value.retryable
    return caught.value


async def test_nobody_listens() -> None:
    """A closed port is said at once."""
    db = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    began = time.monotonic()
    assert "The database is out of reach; try again." == str(await refused(db))
    assert "The database is out of reach; try again." == str(await refused(db, writes=True))
    assert time.monotonic() - began < 2
    await db.close()


async def test_nobody_has_this_host() -> None:
    """A host name without an address is out of reach too."""
    db = Database("postgresql://postgres@no-such-host.invalid/postgres")
    assert "out of reach" in str(await refused(db))
    await db.close()


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("postgres@", "somebody:secret@", "refused the login"),
        ("/promptgraph_", "/no_promptgraph_", "no database of this name"),
    ],
    ids=["unknown user", "unknown database"],
)
async def test_server_turns_us_away(url: str, old: str, new: str, sentence: str) -> None:
    """Who we are or what we want is wrong: the sentence says which."""
    db = Database(url.replace(old, new))
    error = await refused(db)
    assert sentence in str(error)
    assert "secret" not in str(error)
    await db.close()


async def test_server_goes_away_and_comes_back(own_server: Server) -> None:
    """A server that stops between two reads is out of reach; once it is back, so are we."""
    db = Database(own_server.dsn)
    await migrate.upgrade(db)
    assert 0 == await ask(db)
    own_server.stop()
    await refused(db)
    await refused(db, writes=True)
    own_server.start()
    assert 1 == await tell(db)
    await db.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_session_is_ended_by_the_server(db: Database, url: str) -> None:
    """A connection that is cut inside a session fails that session alone."""

    async def be_cut() -> None:
        async with db.write() as session:
            await advance_revision(session)
            mine = await session.scalar(text("SELECT pg_backend_pid()"))
            other = Database(url)
            async with other.write() as second:
                await second.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            await other.close()
            await advance_revision(session)

    with pytest.raises(StoreUnavailableError) as caught:
        await be_cut()
    assert_plain(caught.value)
    assert 1 == await tell(db)


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("idle", [0, 1_000], ids=["idle", "control: just used"])
async def test_connection_is_cut_between_sessions(url: str, idle: float) -> None:
    """One that was idle is asked first, and replaced; one that was just used is not: it fails once."""
    db = Database(url, pool=Pool(idle=idle))
    async with db.read() as session:
        mine = await session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(url)
    async with other.write() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
    await other.close()
    if idle:
        await refused(db)
    assert 0 == await ask(db)
    await db.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_statement_takes_too_long(url: str) -> None:
    """A statement that does not end is given up after the patience."""
    db = Database(url, patience=0.3)
    began = time.monotonic()

    async def sleep() -> None:
        async with db.read() as session:
            await session.execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(StoreUnavailableError) as caught:
        await sleep()
    assert_plain(caught.value)
    assert time.monotonic() - began < 5
    assert 0 == await ask(db)
    await db.close()


async def test_writer_waits_no_longer_than_its_patience(url: str, engine: str) -> None:
    """While another process holds the write lock, a writer ends with `busy` and a reader is served."""
    holder, db = Database(url), Database(url, patience=0.3)

    async def wait() -> None:
        async with db.write() as session:
            if engine == "postgres":
                await session.execute(text("SELECT revision FROM registry FOR UPDATE"))
            await advance_revision(session)

    async with holder.write() as session:
        await advance_revision(session)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError) as caught:
            await wait()
        assert_plain(caught.value)
        assert time.monotonic() - began < 3
        assert 0 == await ask(db)
    assert 2 == await tell(db)
    await holder.close()
    await db.close()


async def test_a_registry_that_is_locked_is_busy(url: str) -> None:
    """Not out of reach: somebody else writes, and will be done."""
    holder, db = Database(url), Database(url, patience=0.3)

    async def wait() -> None:
        async with db.write() as session:
            await lock_registry(session)

    async with holder.write() as session:
        await lock_registry(session)
        with pytest.raises(StoreUnavailableError) as caught:
            await wait()
    assert str(caught.value).startswith("The database is busy")
    assert 1 == await tell(db)
    await holder.close()
    await db.close()


async def test_a_server_that_never_answers_is_out_of_reach() -> None:
    """A connection that is not made in time is no busy database."""
    closing: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, writer: closing.append(writer), "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        db = Database(f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&connect_timeout=1")
        assert "The database is out of reach; try again." == str(await refused(db))
        await db.close()
        for writer in closing:
            writer.close()


async def test_pool_is_exhausted(url: str) -> None:
    """One session too many waits for a while, then is told that others wait too."""
    db = Database(url, patience=0.2, pool=Pool(seconds=0.2))

    async def hold() -> None:
        async with db.read() as session:
            await revision(session)
            await done.wait()

    done = asyncio.Event()
    holding = [asyncio.create_task(hold()) for _ in range(10)]
    await asyncio.sleep(0.1)
    answers = await asyncio.gather(refused(db), return_exceptions=True)
    done.set()
    await asyncio.gather(*holding, return_exceptions=True)
    assert ["Too many requests wait for the database; try again."] == [str(answer) for answer in answers]
    assert 0 == await ask(db)
    await db.close()


async def test_database_is_empty(empty_url: str) -> None:
    """Without tables the sentence says which command makes them."""
    db = Database(empty_url)
    assert "promptgraph db upgrade" in str(await refused(db))
    assert "promptgraph db upgrade" in str(await refused(db, writes=True))
    await db.close()


async def test_file_is_no_database(tmp_path: Path) -> None:
    """Any other file is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("Not a database, but long enough to look at. " * 30)
    before = path.read_bytes()
    db = Database(f"sqlite:///{path}")
    assert "The database file is not an SQLite database." == str(await refused(db))
    assert "The database file is not an SQLite database." == str(await refused(db, writes=True))
    with pytest.raises(StoreUnavailableError, match="not an SQLite database"):
        await migrate.upgrade(db)
    await db.close()
    assert before == path.read_bytes()


async def test_file_is_a_folder(tmp_path: Path) -> None:
    """A folder cannot be opened as a database."""
    db = Database(f"sqlite:///{tmp_path}")
    assert "cannot be opened" in str(await refused(db))
    assert "cannot be opened" in str(await refused(db, writes=True))
    await db.close()


async def test_folder_cannot_be_made(tmp_path: Path) -> None:
    """A file where a folder should be is said in the system's words."""
    (tmp_path / "file").touch()
    db = Database(f"sqlite:///{tmp_path}/file/promptgraph.db")
    assert "The database file cannot be made: File exists." == str(await refused(db, writes=True))
    await db.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_disk_is_full(db: Database) -> None:
    """A full disk refuses the write that does not fit, loses nothing, and mends without a restart."""

    async def fill() -> None:
        for number in range(500):
            async with db.write() as session:
                await stock(session, f"name-{number}", description="long " * 400)

    async with db.write() as session:
        await stock(session, "kept")
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count={pages + 20}"))
    with pytest.raises(StoreUnavailableError, match="disk of the database is full") as caught:
        await fill()
    assert_plain(caught.value)
    async with db.read() as session:
        assert [True, True] == [bool(f) for f in await families_by_name(session, ["kept", "name-0"])]
    async with db.write() as session:
        await session.execute(text("PRAGMA max_page_count=1073741823"))
    async with db.write() as session:
        await stock(session, "more", description="long " * 400)


@pytest.fixture
def powerless() -> Iterator[Callable[[], None]]:
    """A function that gives up the rights of root, whom no file mode stops, until the test ends."""
    root = os.geteuid() == 0
    yield lambda: os.seteuid(pwd.getpwnam("nobody").pw_uid) if root else None
    if root:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may write into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


async def test_file_is_read_only(
    sqlite_template: Path, open_folder: Path, powerless: Callable[[], None]
) -> None:
    """A file that we may not write refuses writes, says why, and may still be read."""
    path = Path(shutil.copy(sqlite_template, open_folder / "promptgraph.db"))
    db = Database(f"sqlite:///{path}")
    assert 1 == await tell(db)
    await db.close()
    os.chmod(path, 0o444)  # noqa: PTH101  # nothing else runs
    powerless()
    assert "can only be read here" in str(await refused(db, writes=True))
    assert 1 == await ask(db)
    await db.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_file_is_damaged(db: Database, tmp_path: Path) -> None:
    """A torn file is called damaged, not served."""
    async with db.write() as session:
        for number in range(50):
            await stock(session, f"name-{number}", description="long " * 200)
    await db.close()
    path = tmp_path / "promptgraph.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StoreUnavailableError, match="damaged") as caught:
        await agents_and_families(db)
    assert_plain(caught.value)


async def agents_and_families(db: Database) -> None:
    async with db.read() as session:
        await agents_by_name(session, ["a"])
        await families_by_name(session, [f"name-{number}" for number in range(50)])


@pytest.mark.parametrize(
    ("engine", "text_"),
    [("postgres", "NUL \0 inside"), ("postgres", "half \ud800 inside"), ("sqlite", "half \ud800 inside")],
    ids=["NUL on postgres", "surrogate on postgres", "surrogate on sqlite"],
)
async def test_text_that_cannot_be_stored(db: Database, text_: str) -> None:
    """Text that slipped through every door is refused without a word of SQL, read or written."""

    async def write() -> None:
        async with db.write() as session:
            await stock(session, "a", description=text_)

    async def read() -> None:
        async with db.read() as session:
            await families_by_name(session, [text_])

    for act in (write, read):
        with pytest.raises(InvalidInputError, match="cannot hold one of these values") as caught:
            await act()
        assert_plain(caught.value)
    assert 1 == await tell(db)


UNSTORABLE: dict[str, dict[str, Any]] = {
    "a huge number": {"latest_version": 2**70},
    "half a character in JSON": {"metadata": {"a": "half \ud800"}},
    "half a character in a key": {"metadata": {"half \ud800": 1}},
    "a huge number in JSON": {"metadata": {"a": 2**70}},
    "no JSON": {"metadata": {"a": object()}},
}


@pytest.mark.parametrize("values", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_value_that_cannot_be_stored(db: Database, values: dict[str, Any]) -> None:
    """What no column can hold is refused the same way."""
    usual: dict[str, Any] = {"name": "a", "former_names": (), "description": None, "tags": ()}
    usual |= {"metadata": {}, "source": "default", "latest_version": 1, "at": NOW}

    async def write() -> None:
        async with db.write() as session:
            await add_family(
                session, **usual | {"source": "default", "latest_version": 1, "at": NOW} | values
            )

    with pytest.raises(InvalidInputError, match="cannot hold one of these values") as caught:
        await write()
    assert_plain(caught.value)


async def test_broken_rule_is_our_mistake(db: Database) -> None:
    """What breaks a constraint is no fault of the caller's: an internal error, the constraint left unsaid."""

    async def write() -> None:
        async with db.write() as session:
            await stock(session, "a")
            await stock(session, "a")

    with pytest.raises(PromptgraphError) as caught:
        await write()
    assert "INTERNAL" == caught.value.code
    assert_plain(caught.value)


def test_sqlite_knows_its_error_codes() -> None:
    """The codes that sentences are looked up by are SQLite's own."""
    assert (5, 13, 26) == (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOTADB)
