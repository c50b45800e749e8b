"""`promptgraph legacy`: from the tables of old to a registry, and to files that sync as unchanged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from promptgraph.app import prepare
from promptgraph.config import Mode
from promptgraph.config import load as load_settings
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.store.legacy import UNCOUNTED, rebuild_is_due
from tests.cli.conftest import Answer, Command
from tests.keys import made
from tests.migrations.legacy_rows import fill
from tests.migrations.rails import dump, expected, load

CALLS = 200
ROWS = dump(CALLS)
WANTED = expected(ROWS)


async def prepared(url: str, *statements: str) -> None:
    """A database of old, changed by `statements`."""
    db = Database(url)
    await load(db, ROWS)
    if statements:
        async with db.migrating() as connection, connection.begin():
            for statement in statements:
                await connection.execute(text(statement))
    await db.close()


@pytest.fixture
def old_url(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The URL of a database without a table, on each engine; for commands, which run loops of their own."""
    if isinstance(template, Path):
        yield f"sqlite:///{tmp_path_factory.mktemp('old') / 'old.db'}"
        return
    running, _ = template
    name = asyncio.run(running.create())
    yield running.url(name)
    asyncio.run(running.drop(name))


def test_foresees_and_adopts(old_url: str, answer: Answer) -> None:
    """What inspect foresees is what adopt reports; the metrics count every call, and nothing drifts."""
    asyncio.run(prepared(old_url))
    at = ("--database-url", old_url)
    foreseen = answer("legacy", "inspect", *at)
    assert (None, False, []) == (foreseen["revision"], foreseen["adopted"], foreseen["problems"])
    assert CALLS == foreseen["rows"]["llm_calls"] == foreseen["counts"]["llm_calls"]
    assert WANTED.by_usage == foreseen["counts"]["linkedByUsage"]
    assert WANTED.by_text == foreseen["counts"]["linkedByText"]
    assert {"weird", "(none)"} == foreseen["unknownStatuses"].keys()
    done = answer("legacy", "adopt", *at)
    assert foreseen == done["before"]
    assert (migrate.head(), CALLS) == (done["revision"], done["figured"])
    assert len(WANTED.prompt_of) == done["rows"]["linked"]
    told = [note["note"] for note in done["notes"] if note["legacyId"] is None]
    assert foreseen["notes"] == told
    assert [] == answer("db", "check", *at)["findings"]
    again = answer("legacy", "adopt", *at)
    assert (True, done["rows"]) == (again["adopted"], again["rows"])


def test_inspect_changes_nothing(here: Path, cli: Command) -> None:
    """Not a byte of the file is written, and words say what to do next."""
    asyncio.run(prepared("sqlite:///old.db"))
    before = (here / "old.db").read_bytes()
    result = cli("legacy", "inspect", "--database-url", "sqlite:///old.db")
    assert before == (here / "old.db").read_bytes()
    assert f"Calls that point at the prompt of their first usage: {WANTED.by_usage}." in result.stdout
    assert "Next: promptgraph legacy adopt" in result.stderr


STRANGE = {
    "a column too few": ("ALTER TABLE llm_calls DROP COLUMN status", "The table llm_calls lacks status."),
    "a column too many": (
        "ALTER TABLE llm_calls ADD COLUMN temperature float",
        "The table llm_calls has columns that nobody expects, and their values would be lost: temperature.",
    ),
    "a table too few": ("DROP TABLE prompt_evaluations", "There is no table prompt_evaluations."),
    "another kind": (
        "ALTER TABLE prompt_usages DROP COLUMN agent_id;ALTER TABLE prompt_usages ADD COLUMN agent_id text",
        "The column prompt_usages.agent_id is TEXT(); it should be a whole number.",
    ),
    "a name taken": (
        "CREATE TABLE prompt_labels (id integer)",
        "There is a table prompt_labels, a name that the registry needs. Rename it.",
    ),
    "a reference": (
        "CREATE TABLE bills (id integer, call_id bigint REFERENCES llm_calls (id))",
        "The table bills refers to llm_calls, which goes. Drop that foreign key.",
    ),
    "a view": (
        "CREATE VIEW spent AS SELECT id FROM llm_calls",
        "The view spent reads tables that change. Drop it.",
    ),
}


@pytest.mark.parametrize(("statement", "sentence"), STRANGE.values(), ids=STRANGE.keys())
def test_refuses_what_is_not_as_expected(old_url: str, answer: Answer, statement: str, sentence: str) -> None:
    """Another shape is named, and nothing is changed: no table, no revision, no row."""
    asyncio.run(prepared(old_url, *statement.split(";")))
    at = ("--database-url", old_url)
    before = asyncio.run(everything(old_url))
    for command in ("inspect", "adopt"):
        assert [sentence] == [
            problem.replace(" Copy what matters, then drop them.", "")
            for problem in answer("legacy", command, *at, code=1)["problems"]
        ]
    assert before == asyncio.run(everything(old_url))


async def everything(url: str) -> dict[str, int]:
    """Every table and how many rows it has."""
    db = Database(url)
    tables = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    async with db.read() as session:
        names = sorted(await session.scalars(text(tables[db.dialect])))
        counts = {n: await session.scalar(text(f"SELECT count(*) FROM {n}")) for n in names}  # noqa: S608  # as above
    await db.close()
    return {name: int(count or 0) for name, count in counts.items()}


def test_refuses_ids_that_are_no_numbers(here: Path, cli: Command, answer: Answer) -> None:
    """SQLite lets a column hold anything: such a row is named, and nothing is changed."""
    asyncio.run(prepared("sqlite:///old.db"))
    with sqlite3.connect(here / "old.db") as db:
        db.execute("ALTER TABLE llm_calls RENAME TO moved")
        db.execute(
            "CREATE TABLE llm_calls (id bigint, agent_id bigint, prompt text, response text, model varchar,"
            " input_tokens int, output_tokens int, latency_ms int, status text, created_at datetime,"
            " updated_at datetime)"
        )
        db.execute("INSERT INTO llm_calls SELECT * FROM moved")
        db.execute("UPDATE llm_calls SET id = 'five' WHERE id = 5")
        db.execute("DROP TABLE moved")
    db.close()
    sentence = "A row of llm_calls has the id 'five', which is no whole number."
    before = asyncio.run(everything("sqlite:///old.db"))
    assert [sentence] == answer("legacy", "inspect", "--database-url", "sqlite:///old.db", code=1)["problems"]
    assert sentence in cli("legacy", "adopt", "--database-url", "sqlite:///old.db", code=2).stderr
    assert before == asyncio.run(everything("sqlite:///old.db"))


def test_says_that_nothing_is_there(here: Path, cli: Command, answer: Answer) -> None:
    """A missing file is unavailable and is not made; another program's database is refused."""
    cli("legacy", "inspect", code=75)
    assert not (here / ".promptgraph").exists()
    with sqlite3.connect(here / "x.db") as db:
        db.execute("CREATE TABLE users (id INTEGER)")
    db.close()
    (problem,) = answer("legacy", "adopt", "--database-url", "sqlite:///x.db", code=1)["problems"][:1]
    assert "This database holds none of the tables of old" in problem


@pytest.mark.parametrize("words", [("inspect",), ("adopt",), ("export", "new")], ids=" ".join)
def test_leaves_the_database_of_a_newer_release_alone(
    here: Path, cli: Command, words: tuple[str, ...]
) -> None:
    """Nobody knows what its tables mean: that is said, and nothing is written."""
    cli("db", "upgrade", "--database-url", "sqlite:///new.db")
    with sqlite3.connect(here / "new.db") as db:
        db.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    db.close()
    result = cli("legacy", *words, "--database-url", "sqlite:///new.db", code=75)
    assert "a newer release has migrated it" in result.stderr
    assert not (here / "new").exists()


def test_exports_what_syncs_as_unchanged(old_url: str, here: Path, answer: Answer) -> None:
    """Every adopted version is a file, the older ones with their number, and a sync has nothing to do."""
    asyncio.run(prepared(old_url))
    at = ("--database-url", old_url)
    answer("legacy", "adopt", *at)
    written = answer("legacy", "export", "prompts", *at)["written"]
    assert [f"area/p{n}{kept}.prompt.yaml" for n in range(1, 5) for kept in ("@1", "")] == written
    plan = answer("sync", "--dry-run", *at)
    assert {"unchanged"} == {step["action"].lower() for step in plan["steps"]}
    assert 8 == len(plan["steps"])
    assert None is plan["error"]
    assert answer("sync", *at)["applied"]
    assert not (here / "prompts" / "labels.yaml").exists()


async def filled(url: str) -> None:
    db = Database(url)
    await migrate.upgrade(db, "legacy_baseline")
    await fill(db)
    await db.close()


@pytest.mark.usefixtures("here")
def test_leaves_out_what_no_file_can_say(old_url: str, cli: Command, answer: Answer) -> None:
    """Prompts without a text are named and left out, which is no failure; all others sync as unchanged."""
    asyncio.run(filled(old_url))
    at = ("--database-url", old_url)
    cli("legacy", "adopt", *at)
    files = answer("legacy", "export", "prompts", *at)
    assert {"empty.prompt.yaml": "warning", "missing.prompt.yaml": "warning"} == {
        one["path"]: one["severity"] for one in files["problems"]
    }
    steps = answer("sync", "--dry-run", *at)["steps"]
    assert {"unchanged": 23, "retire": 2} == Counter(step["action"].lower() for step in steps)


def test_writes_into_an_empty_folder_alone(here: Path, cli: Command) -> None:
    """A folder that holds something is left alone."""
    cli("db", "upgrade")
    (here / "full").mkdir()
    (here / "full" / "x").write_text("x")
    assert "full is not empty" in cli("legacy", "export", "full", code=2).stderr
    assert ["x"] == [path.name for path in (here / "full").iterdir()]


@pytest.mark.usefixtures("here")
def test_upgrade_says_that_figures_are_due(cli: Command) -> None:
    """Who upgrades without adopt is told what the metrics lack, again and again, until they count all."""
    asyncio.run(prepared("sqlite:///old.db"))
    at = ("--database-url", "sqlite:///old.db")
    for _ in range(2):
        assert "Run: promptgraph rollup rebuild" in cli("db", "upgrade", *at).stderr
    assert UNCOUNTED in cli("db", "check", *at, code=1).stdout
    for words in (("doctor",), ("legacy", "inspect"), ("legacy", "adopt")):
        assert "Run: promptgraph rollup rebuild" in cli(*words, *at, code=words == ("doctor",)).stdout
    cli("rollup", "rebuild", *at)
    assert "" == cli("db", "upgrade", *at).stderr
    cli("db", "check", *at)


async def test_server_tells_or_counts_what_is_due(
    here: Path, empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Production says at its start what the metrics lack; development, which migrates, counts it."""
    db = Database(empty_url)
    await load(db, ROWS)
    await migrate.upgrade(db)
    await made(db)
    settings = load_settings(database_url=empty_url, prompts_dir=here)
    await prepare(db, settings.model_copy(update={"mode": Mode.PRODUCTION}))
    assert UNCOUNTED in caplog.text
    assert await rebuild_is_due(db)
    await prepare(db, settings)
    assert not await rebuild_is_due(db)
    await db.close()
