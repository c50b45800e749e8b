"""`promptgraph doctor`."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from promptgraph.cli.options import masked
from tests.cli.conftest import Answer, Command
from tests.cli.repository import commit


def statuses(found: Any) -> dict[str, str]:
    return {line["check"]: line["status"] for line in found["checks"]}


def test_finds_everything_in_order(prompts: Path, cli: Command, answer: Answer) -> None:
    """A synced checkout: no line fails."""
    commit(prompts.parent)
    cli("sync")
    found = statuses(answer("doctor"))
    assert {"python": "ok", "database": "ok", "prompts": "ok", "git": "ok", "variables": "ok"} == {
        check: status for check, status in found.items() if check != "sqlite"
    }


def test_says_what_to_do(here: Path, cli: Command, answer: Answer) -> None:
    """An empty folder: what is missing, and the command that makes it."""
    found = {line["check"]: line for line in answer("doctor", code=1)["checks"]}
    assert ("warn", "Run: promptgraph db upgrade") == (found["database"]["status"], found["database"]["todo"])
    assert ("fail", "warn") == (found["prompts"]["status"], found["git"]["status"])
    assert "promptgraph init prompts" in found["prompts"]["message"]
    assert not (here / ".promptgraph").exists()
    assert "Settings in force" in cli("doctor", code=1).stdout


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///x.db", "The database file is not an SQLite database."),
        ("postgresql://nobody:secret@127.0.0.1:9/x", "The database is out of reach; try again."),
        ("mysql://nobody:secret@localhost/x", "The database URL must look like"),
    ],
)
def test_looks_at_a_database_that_is_none(here: Path, answer: Answer, url: str, expected: str) -> None:
    """A line that fails, not a command that fails; no password is shown."""
    (here / "x.db").write_text("this is not a database, it is a text of some length" * 20)
    found = answer("doctor", "--database-url", url, code=1)
    (line,) = [line for line in found["checks"] if line["check"] == "database"]
    assert "fail" == line["status"]
    assert line["message"].startswith(expected)
    assert "secret" not in str(found)


def test_sees_an_old_schema_and_broken_files(prompts: Path, cli: Command, answer: Answer) -> None:
    """What db check and check would find is said in a line each."""
    cli("db", "upgrade")
    cli("db", "downgrade", "base")
    (prompts / "a.prompt.yaml").write_text("version: 1\n")
    found = {line["check"]: line for line in answer("doctor", code=1)["checks"]}
    assert ("fail", "Run: promptgraph db upgrade") == (found["database"]["status"], found["database"]["todo"])
    assert ("fail", "Run: promptgraph check") == (found["prompts"]["status"], found["prompts"]["todo"])


@pytest.mark.parametrize(
    ("statement", "words", "todo"),
    [
        ("DROP TABLE prompt_labels", "prompt_labels", "Run: promptgraph db check"),
        ("ALTER TABLE prompts ADD COLUMN extra TEXT", "prompts.extra", "Run: promptgraph db check"),
        ("UPDATE alembic_version SET version_num = 'of_tomorrow'", "a newer release has migrated it", None),
    ],
    ids=["missing table", "drift", "ahead"],
)
def test_sees_tables_that_are_not_as_they_should_be(
    here: Path, cli: Command, answer: Answer, statement: str, words: str, todo: str | None
) -> None:
    """What nobody's revision made fails here already, not at the first request."""
    cli("db", "upgrade")
    with sqlite3.connect(here / ".promptgraph/promptgraph.db") as db:
        db.execute(statement)
    db.close()
    (line,) = [line for line in answer("doctor", code=1)["checks"] if line["check"] == "database"]
    assert ("fail", todo) == (line["status"], line["todo"])
    assert words in line["message"]


def test_sees_a_misspelt_variable(prompts: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is set under a wrong name is a warning."""
    commit(prompts.parent)
    monkeypatch.setenv("PROMPTGRAPH_DATABSE_URL", "sqlite:///x.db")
    (line,) = [line for line in answer("doctor")["checks"] if line["check"] == "variables"]
    assert "warn" == line["status"]
    assert "did you mean PROMPTGRAPH_DATABASE_URL?" in line["message"]


@pytest.mark.usefixtures("prompts")
def test_shows_settings_without_secrets(
    cli: Command, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every setting with where it comes from; keys and passwords are stars."""
    monkeypatch.setenv("PROMPTGRAPH_API_KEY", "topsecret")
    monkeypatch.setenv("PROMPTGRAPH_PORT", "8100")
    url = "postgresql://me:topsecret@127.0.0.1:9/x"
    found = {one["name"]: one for one in answer("doctor", "--database-url", url, code=1)["settings"]}
    assert "topsecret" not in str(found)
    assert ("postgresql://me:***@127.0.0.1:9/x", "option") == (
        found["database_url"]["value"],
        found["database_url"]["source"],
    )
    assert ("8100", "PROMPTGRAPH_PORT") == (found["port"]["value"], found["port"]["source"])
    assert ("prompts", "default") == (found["prompts_dir"]["value"], found["prompts_dir"]["source"])
    assert "topsecret" not in cli("doctor", "--database-url", url, code=1).output


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        ("postgresql://me@host/x", "postgresql://me@host/x"),
        ("postgresql://me:pw@host:5432/x", "postgresql://me:***@host:5432/x"),
        ("postgresql://me:p%40:w/x@host/x", "postgresql://me:***@host/x"),
        ("postgresql://host/x?password=pw", "postgresql://host/x?***"),
    ],
)
def test_masks_passwords(url: str, expected: str) -> None:
    """An address is shown without what must not be seen."""
    assert expected == masked(url)
