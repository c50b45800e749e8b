"""`promptgraph db`."""

import sqlite3
from pathlib import Path

import pytest

from promptgraph.store.migrate import head
from tests.cli.conftest import Answer, Command


def test_makes_a_database(here: Path, answer: Answer) -> None:
    """A new database goes through every revision, and is as it should be."""
    assert {"before": None, "revision": head()} == answer("db", "upgrade")
    assert (here / ".promptgraph/promptgraph.db").is_file()
    assert {"revision": head(), "head": head(), "isHead": True} == answer("db", "current")
    assert {"findings": []} == answer("db", "check")


def test_upgrades_twice(cli: Command) -> None:
    """The second time there is nothing to do."""
    cli("db", "upgrade")
    assert f"Already at {head()}.\n" == cli("db", "upgrade").stdout


def test_goes_down_and_up_again(answer: Answer, cli: Command) -> None:
    """Down to nothing, up to this release."""
    cli("db", "upgrade")
    assert {"before": head(), "revision": None} == answer("db", "downgrade", "base")
    assert "is at nothing" in cli("db", "check", code=1).stdout
    assert {"before": None, "revision": head()} == answer("db", "upgrade")


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
    """A revision that does not exist is wrong usage."""
    cli("db", "upgrade")
    assert "nosuch" in cli("db", "downgrade", "nosuch", code=2).stderr


@pytest.mark.parametrize(
    "words", [["upgrade"], ["current"], ["check"], ["downgrade", "base"]], ids=lambda w: w[0]
)
def test_says_that_a_file_is_no_database(here: Path, cli: Command, words: list[str]) -> None:
    """A text file in the place of the database is named for what it is, not overwritten."""
    (here / "x.db").write_text("this is not a database, it is a text of some length" * 20)
    result = cli("db", *words, "--database-url", "sqlite:///x.db", code=75)
    assert "error: The database file is not an SQLite database.\n" == result.stderr
    assert (here / "x.db").read_text().startswith("this is not")


def test_waits_for_a_locked_database_and_says_so(here: Path, cli: Command) -> None:
    """Somebody else writes: exit code 75, try again."""
    cli("db", "upgrade")
    with sqlite3.connect(here / ".promptgraph/promptgraph.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        result = cli("db", "upgrade", code=75)
    db.close()
    assert "error: The database is busy; try again.\n" == result.stderr


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
