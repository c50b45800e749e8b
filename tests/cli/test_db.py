"""`promptgraph db`."""

import sqlite3
from pathlib import Path

import pytest

from promptgraph.store.migrate import head, revisions
from tests.cli.conftest import Answer, Command

OLD = """
CREATE TABLE prompts (id BIGINT PRIMARY KEY, name TEXT, content TEXT, version INTEGER, created_at TIMESTAMP,
updated_at TIMESTAMP);
INSERT INTO prompts VALUES (1, 'Old Name!', 'Hi', 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00');
"""
"""What somebody had before there was a registry."""


def test_makes_a_database(here: Path, answer: Answer) -> None:
    """A new database goes through every revision, and is as it should be."""
    assert {"before": None, "revision": head(), "notes": [], "rebuildDue": False} == answer("db", "upgrade")
    assert (here / ".promptgraph/promptgraph.db").is_file()
    assert {"revision": head(), "head": head(), "isHead": True} == answer("db", "current")
    assert {"findings": [], "notes": 0, "isHead": True} == answer("db", "check")


def test_upgrades_twice(cli: Command) -> None:
    """The second time there is nothing to do."""
    cli("db", "upgrade")
    assert f"Already at {head()}.\n" == cli("db", "upgrade").stdout


def test_goes_down_and_up_again(answer: Answer, cli: Command) -> None:
    """Down to nothing, up to this release."""
    cli("db", "upgrade")
    assert {"before": head(), "revision": None, "notes": [], "rebuildDue": False} == answer(
        "db", "downgrade", "base"
    )
    said = f"At nothing; this release needs {head()}. Run: promptgraph db upgrade\n"
    assert said == cli("db", "check", code=1).stdout
    assert {"before": None, "revision": head(), "notes": [], "rebuildDue": False} == answer("db", "upgrade")


def test_looks_without_making_anything(here: Path, answer: Answer) -> None:
    """To ask is not to make: no file, no folder."""
    assert {"revision": None, "head": head(), "isHead": False} == answer("db", "current")
    assert not (here / ".promptgraph").exists()


def test_finds_tables_that_are_not_as_they_should_be(here: Path, cli: Command, answer: Answer) -> None:
    """A column that nobody's revision made is a finding."""
    cli("db", "upgrade")
    with sqlite3.connect(here / ".promptgraph/promptgraph.db") as db:
        db.execute("ALTER TABLE prompts ADD COLUMN extra TEXT")
    db.close()
    (finding,) = answer("db", "check", code=1)["findings"]
    assert "prompts.extra" in finding


def test_refuses_an_unknown_revision(cli: Command) -> None:
    """A revision that does not exist is wrong usage, and those that do are named."""
    said = cli("db", "downgrade", "nosuch", code=2).stderr
    assert f"error: There is no revision 'nosuch'; there are base, {', '.join(revisions())}.\n" == said


def ahead(database: Path) -> None:
    """What a newer release would leave."""
    with sqlite3.connect(database) as db:
        db.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    db.close()


def test_says_that_a_newer_release_was_here(here: Path, cli: Command) -> None:
    """A database ahead of this code is not to be upgraded by it."""
    cli("db", "upgrade")
    ahead(here / ".promptgraph/promptgraph.db")
    said = cli("db", "check", code=1).stdout
    assert "At of_tomorrow, which this release does not know: a newer release has migrated it." in said
    assert "db upgrade" not in said


def test_tells_what_an_old_database_became(here: Path, cli: Command, answer: Answer) -> None:
    """What the migration changed in old rows is printed once, and counted afterwards."""
    with sqlite3.connect(here / "old.db") as db:
        db.executescript(OLD)
    db.close()
    url = ("--database-url", "sqlite:///old.db")
    said = cli("db", "upgrade", *url).stdout.splitlines()
    assert said[0].startswith("Migrated from nothing to ")
    assert any(line.startswith("  prompt 1: ") for line in said)
    assert answer("db", "check", *url)["notes"] >= 1
    assert "of the migration of an old database." in cli("db", "check", *url).stdout


@pytest.mark.parametrize(
    "words", [["upgrade"], ["current"], ["check"], ["downgrade", "base"]], ids=lambda w: w[0]
)
def test_says_that_a_file_is_no_database(here: Path, cli: Command, words: list[str]) -> None:
    """A text file in the place of the database is named for what it is, not overwritten."""
    (here / "x.db").write_text("this is not a database, it is a text of some length" * 20)
    result = cli("db", *words, "--database-url", "sqlite:///x.db", code=75)
    assert "error: The database file is not an SQLite database.\n" == result.stderr
    assert (here / "x.db").read_text().startswith("this is not")


def test_needs_no_lock_where_nothing_is_due(here: Path, cli: Command) -> None:
    """Somebody else writes, and the database is up to date: nobody waits."""
    cli("db", "upgrade")
    with sqlite3.connect(here / ".promptgraph/promptgraph.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        assert f"Already at {head()}.\n" == cli("db", "upgrade").stdout
    db.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://nobody:secret@127.0.0.1:9/none", 75),
        ("mysql://root:secret@localhost/x", 2),
        ("sqlite:///", 2),
        ("secret", 2),
        ("sqlite:///file/x.db", 75),
    ],
)
def test_says_why_a_database_is_out_of_reach(here: Path, cli: Command, url: str, code: int) -> None:
    """A wrong URL is wrong usage, an absent server is unavailable; no password is repeated."""
    (here / "file").write_text("x")
    result = cli("db", "upgrade", "--database-url", url, code=code)
    assert result.stderr.startswith("error: ")
    assert "secret" not in result.output
