"""Where a database stands, and what happens when it stands in an odd place."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from alembic.config import main
from sqlalchemy import text
from sqlalchemy.util import await_only

from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.store.registry import advance_revision

ROOT = Path(__file__).parents[2]


async def execute(db: Database, *statements: str) -> None:
    async with db.migrating() as connection, connection.begin():
        for statement in statements:
            await connection.execute(text(statement))


async def test_fresh_database_is_quick(empty_url: str) -> None:
    """All revisions together take far less than a second."""
    db = Database(empty_url)
    await migrate.current(db)
    began = time.process_time()
    await migrate.upgrade(db)
    assert time.process_time() - began < 1
    await migrate.require_head(db)
    await db.close()


async def test_upgrade_at_head_changes_nothing(db: Database) -> None:
    """A second upgrade is fine and keeps what is stored."""
    async with db.write() as session:
        await advance_revision(session)
    await migrate.upgrade(db)
    async with db.write() as session:
        assert 2 == await advance_revision(session)


async def test_two_may_upgrade_at_once(empty_url: str) -> None:
    """One of two that start together migrates, the other finds it done."""
    several = [Database(empty_url) for _ in range(3)]
    await asyncio.gather(*(migrate.upgrade(db) for db in several))
    for db in several:
        assert [] == await migrate.drift(db)
        await db.close()


async def test_a_migration_waits_for_another(url: str) -> None:
    """As long as that takes, and no longer: the patience of requests is not its own."""
    first, second, done = Database(url), Database(url, patience=0.1), asyncio.Event()
    running = asyncio.create_task(migrate.locked(first, lambda _: await_only(done.wait())))
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(migrate.upgrade(second))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    done.set()
    await running
    await waiting
    await first.close()
    await second.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_migration_holds_nobody_up(
    db: Database, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While somebody reads a table that it changes, it waits for short times, and others read meanwhile."""
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.05)
    caplog.set_level("INFO", "promptgraph.store")
    other, third = Database(url), Database(url)
    async with db.read() as session:
        await session.execute(text("SELECT count(*) FROM api_keys"))
        running = asyncio.create_task(migrate.downgrade(other, "retention"))
        while len(caplog.records) < 3:
            assert not running.done()
            async with third.read() as behind:
                await behind.execute(text("SELECT count(*) FROM api_keys"))
    await running
    assert {"A migration needs a table that others use; it tries again."} == set(caplog.messages)
    assert "retention" == await migrate.current(other)
    with pytest.raises(StoreUnavailableError, match="is at retention; this release needs"):
        await migrate.require_head(other)
    await other.close()
    await third.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_migration_that_waits_may_be_stopped(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever started it, or in the end by itself."""
    first, second = Database(url), Database(url, patience=0.1)
    async with first.write() as session:
        await advance_revision(session)
        waiting = asyncio.create_task(migrate.upgrade(second))
        await asyncio.sleep(0.3)
        waiting.cancel()
        done, _ = await asyncio.wait([waiting], timeout=2)
        assert {waiting} == done
        monkeypatch.setattr("promptgraph.store.database.MIGRATION_SECONDS", 0.2)
        with pytest.raises(StoreUnavailableError, match="busy"):
            await migrate.upgrade(second)
    await first.close()
    await second.close()


async def test_empty_database_needs_an_upgrade(empty_url: str) -> None:
    """Without tables the sentence names the command."""
    db = Database(empty_url)
    with pytest.raises(StoreUnavailableError) as caught:
        await migrate.require_head(db)
    needed = f"this release needs {migrate.head()}. Run: promptgraph db upgrade"
    assert f"The database has no tables yet; {needed}" == str(caught.value)
    with pytest.raises(StoreUnavailableError, match="no tables yet"):
        await migrate.drift(db)
    await migrate.upgrade(db, "legacy_baseline")
    with pytest.raises(StoreUnavailableError, match="is at legacy_baseline; this release needs"):
        await migrate.require_head(db)
    await db.close()


async def test_database_of_a_newer_release_is_left_alone(db: Database) -> None:
    """A revision that this release does not know is named, by every command, and nothing is changed."""
    await execute(db, "UPDATE alembic_version SET version_num = 'from_the_future'")
    for act in (
        migrate.require_head(db),
        migrate.drift(db),
        migrate.upgrade(db),
        migrate.downgrade(db, "base"),
    ):
        with pytest.raises(StoreUnavailableError, match=r"'from_the_future'.*newer release"):
            await act
    assert "from_the_future" == await migrate.current(db)


@pytest.mark.parametrize("revision", ["nonsense", "", "-99", "head+1", "../x", "'; DROP TABLE prompts"])
async def test_unknown_target_is_refused(db: Database, revision: str) -> None:
    """A revision that does not exist is the caller's mistake, and nothing is changed."""
    with pytest.raises(InvalidInputError) as caught:
        await migrate.downgrade(db, revision)
    assert "revision" == caught.value.field
    assert [] == await migrate.drift(db)


async def test_failing_revision_leaves_everything_as_it_was(empty_url: str) -> None:
    """All revisions of an upgrade are one transaction."""
    db = Database(empty_url)
    await migrate.upgrade(db, "legacy_baseline")
    await execute(db, "CREATE TABLE sync_runs (id INTEGER)")  # in the way of the next revision
    with pytest.raises(Exception, match="refused a statement"):
        await migrate.upgrade(db)
    assert "legacy_baseline" == await migrate.current(db)
    await execute(db, "DROP TABLE sync_runs")
    await migrate.upgrade(db)
    assert [] == await migrate.drift(db)
    await db.close()


OLD_TABLES = (
    "CREATE TABLE agents (id BIGINT PRIMARY KEY, name TEXT, created_at TIMESTAMP, updated_at TIMESTAMP)",
    "CREATE TABLE prompts (id BIGINT PRIMARY KEY, name VARCHAR(255), content TEXT, version INTEGER)",
    "ALTER TABLE prompts ADD COLUMN created_at TIMESTAMP",
    "ALTER TABLE prompts ADD COLUMN updated_at TIMESTAMP",
    "INSERT INTO prompts VALUES (5, 'Old One', 'Hi {{ you }}', 3, '2024-01-01 00:00:00', NULL)",
    "INSERT INTO agents VALUES (6, 'bot', '2024-01-01 00:00:00', NULL)",
)


async def test_database_of_the_old_application_is_adopted(empty_url: str) -> None:
    """Tables that no revision made are taken over where they are those of old, other tables let be."""
    db = Database(empty_url)
    await execute(db, *OLD_TABLES, "CREATE TABLE users (id INTEGER)")
    await migrate.upgrade(db)
    assert [] == await migrate.drift(db)
    async with db.read() as session:
        row = (await session.execute(text("SELECT id, name, version, engine FROM prompts"))).one()
        assert (5, "old-one", 3, "jinja") == tuple(row)
        assert 1 == len(await migrate.legacy_notes(session))
    await db.close()


async def test_table_that_only_has_the_name_is_not_adopted(empty_url: str) -> None:
    """Another program's `prompts` is refused by name, and left alone."""
    db = Database(empty_url)
    await execute(db, "CREATE TABLE prompts (id INTEGER, body TEXT)")
    with pytest.raises(InvalidInputError, match="lacks content, created_at, name, updated_at, version"):
        await migrate.upgrade(db)
    assert None is await migrate.current(db)
    await db.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_row_that_refers_to_nothing_stops_a_migration(db: Database) -> None:
    """Foreign keys are not watched while SQLite's tables are rebuilt, so they are checked at the end."""
    await execute(
        db,
        "INSERT INTO prompt_labels (id, family_id, label, prompt_id, managed_by_file, overridden, moved_at)"
        " VALUES (1, 99, 'production', 99, 0, 0, '2026-01-01 00:00:00')",
    )
    with pytest.raises(InvalidInputError, match="prompt_labels refers to a row of prompt"):
        await migrate.upgrade(db)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_odd_values_of_sqlite_are_read(empty_url: str) -> None:
    """SQLite lets columns hold anything: bytes that are no text, numbers for names, text for versions."""
    db = Database(empty_url)
    await execute(
        db,
        *OLD_TABLES,
        "INSERT INTO prompts VALUES (7, 12, x'ff00fe', 'three', 1717230600, 'soon')",
        "INSERT INTO prompts VALUES (8, x'ff', 3.5, 2.0, x'00', NULL)",
        "INSERT INTO prompts VALUES (-9, 'minus', 'below nought', 1, NULL, NULL)",
    )
    await migrate.upgrade(db)
    assert [] == await migrate.drift(db)
    async with db.read() as session:
        rows = (
            await session.execute(text("SELECT id, name, version, engine FROM prompts ORDER BY id"))
        ).all()
    assert [(-9, "minus", 1), (5, "old-one", 3), (7, "12", 1), (8, "prompt-8", 2)] == [
        tuple(row[:3]) for row in rows
    ]
    assert ["jinja", "jinja", "none", "jinja"] == [row[3] for row in rows]
    await db.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_row_without_a_usable_id_is_named(empty_url: str) -> None:
    """An id that is no whole number cannot be kept, so nothing is begun."""
    db = Database(empty_url)
    await execute(db, *OLD_TABLES, "INSERT INTO prompts VALUES ('seven', 'a', 'b', 1, NULL, NULL)")
    with pytest.raises(InvalidInputError, match="A row of prompts has the id 'seven'"):
        await migrate.upgrade(db)
    assert None is await migrate.current(db)
    await db.close()


def alembic(*arguments: str) -> bool:
    """Whether alembic's plain command line is content; it reads pyproject.toml where it is started."""
    try:
        main(argv=list(arguments))
    except SystemExit:
        return False
    return True


async def revision_of(url: str) -> str | None:
    db = Database(url)
    at = await migrate.current(db)
    await db.close()
    return at


def test_alembic_s_own_command_line_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our CLI: up, does it fit, down, up to a step."""
    url = f"sqlite:///{tmp_path}/promptgraph.db"
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PROMPTGRAPH_DATABASE_URL", url)
    assert alembic("upgrade", "head")
    assert alembic("check")
    assert alembic("downgrade", "base")
    assert not alembic("check")
    assert alembic("upgrade", "legacy_baseline")
    assert "legacy_baseline" == asyncio.run(revision_of(url))


def test_alembic_s_command_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a URL to guess nor SQL to print: a sentence instead."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PROMPTGRAPH_DATABASE_URL", raising=False)
    assert not alembic("current")
    assert not alembic("upgrade", "head", "--sql")
    said = "".join(capsys.readouterr())
    assert "Set PROMPTGRAPH_DATABASE_URL" in said
    assert "there is no SQL to print" in said


def test_package_carries_the_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no checkout around it, the package's own copy is used."""
    assert ROOT / "alembic" == migrate.alembic_folder()
    installed = tmp_path / "lib" / "site-packages" / "promptgraph" / "store" / "migrate.py"
    monkeypatch.setattr(migrate, "__file__", str(installed))
    assert installed.parents[1] / "_alembic" == migrate.alembic_folder()
