"""The line of revisions, walked up and down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.store.tables import METADATA
from tests.migrations.legacy_rows import fill

LEGACY = {"legacy_llm_calls", "prompt_usages", "prompt_evaluations"}
VERSIONS = sorted((migrate.alembic_folder() / "versions").glob("*.py"))


def test_history_is_one_line() -> None:
    """One first revision, one head, each with one predecessor."""
    scripts = list(ScriptDirectory(str(migrate.alembic_folder())).walk_revisions())[::-1]
    assert [None, *(script.revision for script in scripts[:-1])] == [s.down_revision for s in scripts]
    assert migrate.revisions() == [script.revision for script in scripts]
    assert migrate.head() == scripts[-1].revision


async def test_every_step_goes_up_down_and_up(empty_url: str) -> None:
    """Each revision can be undone and done again with rows in place, and the last fits this release."""
    db = Database(empty_url)
    assert None is await migrate.current(db)
    steps = [*migrate.revisions()]
    for before, step in zip(["base", *steps], steps, strict=False):
        await migrate.upgrade(db, step)
        if step == steps[0]:
            await fill(db)
        else:
            await migrate.downgrade(db, before)
            assert before == await migrate.current(db)
            await migrate.upgrade(db, step)
        assert step == await migrate.current(db)
    assert [] == await migrate.drift(db)
    await migrate.downgrade(db, "base")
    assert None is await migrate.current(db)
    await migrate.upgrade(db)
    assert [] == await migrate.drift(db)
    await db.close()


async def test_down_to_base_leaves_no_table(empty_url: str) -> None:
    """What the revisions made, they take away."""
    db = Database(empty_url)
    await migrate.upgrade(db)
    assert {*METADATA.tables, "alembic_version"} == await tables(db)
    await migrate.downgrade(db, "base")
    assert {"alembic_version"} == await tables(db)
    await db.close()


async def tables(db: Database) -> set[str]:
    async with db.read() as session:
        connection = await session.connection()
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_every_constraint_and_index_has_the_name_that_the_convention_gives(db: Database) -> None:
    """The database has, by name, exactly the keys, constraints and indexes that the tables declare."""
    async with db.read() as session:
        connection = await session.connection()
        found = await connection.run_sync(
            lambda sync: {name for t in METADATA.tables for name in names(sync, t)}
        )
    declared: set[str] = set()
    for table in METADATA.tables.values():
        declared |= {str(constraint.name) for constraint in table.constraints}
        declared |= {str(index.name) for index in table.indexes}
    assert declared == found
    assert all(re.match(r"(pk|fk|uq|ix|ck)_[a-z_]+$", name) for name in found)


def names(connection: object, table: str) -> set[str]:
    look = inspect(connection)
    found = [look.get_pk_constraint(table), *look.get_foreign_keys(table), *look.get_check_constraints(table)]
    unique = look.get_unique_constraints(table)
    indexes = [index for index in look.get_indexes(table) if not index.get("duplicates_constraint")]
    return {str(each["name"]) for each in (*found, *unique, *indexes)}


async def test_drift_is_named(db: Database) -> None:
    """A column too many, an index and a table too few are listed; tables of other programs are not."""
    async with db.migrating() as connection, connection.begin():
        await connection.exec_driver_sql("ALTER TABLE agents ADD COLUMN colour TEXT")
        await connection.exec_driver_sql("DROP INDEX ix_prompts_created_at_id")
        await connection.exec_driver_sql("DROP TABLE legacy_notes")
        await connection.exec_driver_sql("CREATE TABLE users (id INTEGER)")
    assert [
        "add_index prompts.ix_prompts_created_at_id",
        "add_table legacy_notes",
        "remove_column agents agents.colour",
    ] == await migrate.drift(db)


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_revision_keeps_the_house_rules(path: Path) -> None:
    """A dated name, the checklist answered, nothing of promptgraph imported."""
    source = path.read_text()
    assert re.fullmatch(r"20\d{6}_[a-z_]+\.py", path.name)
    for heading in ("What:", "Why:", "Locks:", "The previous release:", "Down:"):
        assert f"\n{heading}" in source
    assert "import promptgraph" not in source
    assert "from promptgraph" not in source


FOREIGN_PARTS = {
    "sequences": "SELECT count(*) FROM pg_class WHERE relkind = 'S'",
    "triggers": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
    "deferrable constraints": "SELECT count(*) FROM pg_constraint WHERE condeferrable",
    "exclusion constraints": "SELECT count(*) FROM pg_constraint WHERE contype = 'x'",
    "functions": "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
}


@pytest.mark.parametrize("engine", ["postgres"])
async def test_postgres_schema_stays_in_the_common_subset(db: Database) -> None:
    """Nothing that other databases of the way up lack."""
    async with db.read() as session:
        found = {name: await session.scalar(text(count)) for name, count in FOREIGN_PARTS.items()}
    assert dict.fromkeys(FOREIGN_PARTS, 0) == found


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_sqlite_schema_stays_in_the_common_subset(db: Database) -> None:
    """Nothing that other databases of the way up lack."""
    async with db.read() as session:
        stored = await session.scalars(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        schema = "\n".join(stored).upper()
    assert "CREATE TABLE" in schema
    assert [part for part in ("AUTOINCREMENT", "CREATE TRIGGER", "DEFERRABLE") if part in schema] == []
