"""`promptgraph diff`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, commit, edit


@pytest.fixture
def edited(prompts: Path) -> Path:
    """The starter's prompts, committed, then edited."""
    commit(prompts.parent)
    edit(prompts / ANSWER, "You answer", "You always answer")
    return prompts


@pytest.mark.usefixtures("edited")
def test_shows_what_an_edit_changed(cli: Command, answer: Answer) -> None:
    """The file beside git's HEAD: sentences with their impact, and the words that came and went."""
    found = answer("diff", "support/answer")
    assert ("MINOR", "git's HEAD", "files") == (found["impact"], found["from"]["from"], found["to"]["from"])
    assert ["messages[0].content"] == [change["path"] for change in found["changes"]]
    assert "You{+ always+} answer" in cli("diff", "support/answer").stdout


def test_compares_versions_and_labels(prompts: Path, cli: Command, answer: Answer) -> None:
    """Of the files and of the registry, which is also what stands in for git."""
    cli("sync")
    edit(prompts / ANSWER, "You answer", "You always answer")
    cli("bump", "support/answer")
    cli("sync")
    found = answer("diff", "support/answer", "production", "2")
    assert (1, 2) == (found["from"]["version"], found["to"]["version"])
    assert (2, 1) == tuple(
        answer("diff", "support/answer", "2", "1")[side]["version"] for side in ("from", "to")
    )
    assert [] == answer("diff", "support/answer")["changes"]
    assert "registry" == answer("diff", "support/answer")["from"]["from"]


@pytest.mark.usefixtures("edited")
def test_tells_scripts_by_its_exit_code(cli: Command) -> None:
    """As git's: 1 for a difference when asked for, else 0."""
    cli("diff", "support/answer", "--exit-code", code=1)
    cli("diff", "support/answer", "1", "1", "--exit-code")
    cli("diff", "support/answer")


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("support/answer", "9" * 5000), "version"),
        (("support/answer", "0"), "version"),
        (("support/answer", "Not-a-label"), "A label is made of"),
    ],
    ids=["digits", "zero", "label"],
)
def test_refuses_what_is_no_version(cli: Command, words: tuple[str, ...], expected: str) -> None:
    """In a sentence, as wrong usage."""
    assert expected in cli("diff", *words, code=2).stderr


@pytest.mark.usefixtures("edited")
def test_says_that_there_is_no_such_prompt(cli: Command) -> None:
    """With the name that was perhaps meant."""
    assert (
        "There is no prompt support/answr. Did you mean `support/answer`?"
        in cli("diff", "support/answr", code=1).stderr
    )


@pytest.mark.usefixtures("prompts")
def test_has_nothing_to_compare_a_first_file_with(cli: Command) -> None:
    """Without git and registry there is only the file."""
    said = cli("diff", "support/answer", code=1).stderr
    assert "there is nothing to compare its file with: name two versions." in said


def test_shows_no_escape_sequences(edited: Path, cli: Command) -> None:
    """Text of a prompt does not drive the terminal."""
    edit(edited / ANSWER, "You always answer", "You \u202e answer")
    assert "\u202e" not in cli("diff", "support/answer").stdout
