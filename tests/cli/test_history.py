"""`promptgraph log` and `at`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, commit, edit, git


@pytest.fixture
def told(prompts: Path, cli: Command) -> Path:
    """Two versions of a prompt, committed and synced; production stays at the first."""
    commit(prompts.parent)
    cli("sync")
    edit(prompts / ANSWER, "You answer", "You always answer")
    cli("bump", "--changed")
    git(prompts.parent, "add", "--all")
    git(prompts.parent, "commit", "--quiet", "--message", "second")
    cli("sync")
    return prompts


@pytest.mark.usefixtures("told")
def test_tells_who_wrote_each_version(cli: Command, answer: Answer) -> None:
    """Newest first, with commit, author, time and the labels that serve it now."""
    second, first = answer("log", "support/answer")["versions"]
    assert (2, 1) == (second["version"], first["version"])
    assert ([], ["production"]) == (second["labels"], first["labels"])
    assert "a@example.com <a@example.com>" == second["author"]
    assert second["commitSha"] != first["commitSha"]
    assert second["commitSha"][:10] in cli("log", "support/answer").stdout


def test_tells_what_was_live(told: Path, cli: Command, answer: Answer) -> None:
    """Before the first sync nothing; then the first version; after the label moved, the second."""
    between = dt.datetime.now(dt.UTC).isoformat()
    cli("label", "set", "support/answer", "production", "2")
    cli("sync")
    served = [{"name": "support/answer", "label": "production", "version": 1}]
    assert served == answer("at", between)["labels"]
    assert 2 == answer("at", dt.datetime.now(dt.UTC).isoformat(), "support/answer")["labels"][0]["version"]
    assert [] == answer("at", "2020-01-01")["labels"]
    assert "No label served anything at 2020-01-01 00:00:00Z." in cli("at", "2020-01-01").stdout
    assert told.is_dir()


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("log", "nobody"), 1, "The registry has no prompt nobody."),
        (("log", "support/answr"), 1, "Did you mean `support/answer`?"),
        (("at", "2026-11-22", "nobody"), 1, "The registry has no prompt nobody."),
        (("at", "yesterday"), 2, "'yesterday' is no date and no time with a zone"),
        (("at", "2026-11-22T14:05"), 2, "is no date and no time with a zone"),
    ],
)
def test_says_what_it_cannot_tell(cli: Command, words: tuple[str, ...], code: int, expected: str) -> None:
    """A name that is none, a time that could be any."""
    assert expected in cli(*words, code=code).stderr


@pytest.mark.usefixtures("prompts")
def test_needs_a_registry(cli: Command) -> None:
    """What was live only the registry knows."""
    assert "There is no database yet" in cli("log", "support/answer", code=75).stderr
