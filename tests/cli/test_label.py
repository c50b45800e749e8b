"""`promptgraph label`."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, edit

NAME = "support/answer"


def test_sets_a_label_and_keeps_comments(prompts: Path, answer: Answer) -> None:
    """The file gains one line; the registry follows with the next sync."""
    expected = {
        "name": NAME,
        "label": "staging",
        "version": 1,
        "before": None,
        "path": "labels.yaml",
        "kept": [],
        "notes": [],
    }
    before = (prompts / "labels.yaml").read_text()
    assert expected == answer("label", "set", NAME, "staging", "1")
    assert (prompts / "labels.yaml").read_text().startswith(before)
    assert 2 == answer("check")["labels"]


def test_makes_the_file(prompts: Path, cli: Command, answer: Answer) -> None:
    """Without a labels.yaml there is one afterwards."""
    (prompts / "labels.yaml").unlink()
    assert "support/answer" in cli("label", "set", NAME, "production", "1").stdout
    assert 0 == answer("check")["errors"]


def test_changes_nothing_twice(prompts: Path, cli: Command) -> None:
    """A label that is there already stays, byte for byte."""
    before = (prompts / "labels.yaml").read_bytes()
    assert "is at version 1 already" in cli("label", "set", NAME, "production", "1").stdout
    assert before == (prompts / "labels.yaml").read_bytes()


def test_keeps_the_older_version_that_it_names(prompts: Path, cli: Command, answer: Answer) -> None:
    """A label on an older version brings its text back into the tree."""
    cli("sync")
    edit(prompts / "labels.yaml", "answer: 1", "answer: 2")
    edit(prompts / ANSWER, "version: 1 ", "version: 2 ")
    cli("sync")
    found = answer("label", "set", NAME, "stable", "1")
    assert ([f"{NAME}@1.prompt.yaml"], []) == (found["kept"], found["notes"])
    assert (0, 0) == tuple(answer("check")[key] for key in ("errors", "warnings"))


def test_says_what_it_cannot_keep(prompts: Path, cli: Command) -> None:
    """Where nobody can be asked, the label is set and what remains to do is said."""
    edit(prompts / ANSWER, "version: 1 ", "version: 2 ")
    edit(prompts / "labels.yaml", "answer: 1", "answer: 2")
    assert "Bring it back as support/answer@1.prompt.yaml" in cli("label", "set", NAME, "old", "1").stderr


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (
            ["support/answr", "production", "1"],
            1,
            "There is no prompt support/answr. Did you mean `support/answer`?",
        ),
        ([NAME, "production", "4"], 1, "There is no version 4 of support/answer: its file has version 1."),
        ([NAME, "Production", "1"], 2, "A label is made of lower-case letters"),
        ([NAME, "latest", "1"], 2, "`latest` is reserved"),
        ([NAME, "production", "0"], 2, "A version is a whole number from 1"),
        ([NAME, "production", "-1"], 2, "No such option"),
        ([NAME, "production", "99999999999"], 2, "A version is a whole number from 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_refuses_what_names_nothing(
    prompts: Path, cli: Command, words: list[str], code: int, expected: str
) -> None:
    """A wrong name, label or version is said, and the file stays."""
    before = (prompts / "labels.yaml").read_bytes()
    assert expected in cli("label", "set", *words, code=code).stderr
    assert before == (prompts / "labels.yaml").read_bytes()


def test_refuses_to_edit_a_broken_file(prompts: Path, cli: Command) -> None:
    """A labels.yaml that is no YAML stays as it is."""
    (prompts / "labels.yaml").write_text("production: [\n")
    assert cli("label", "set", NAME, "staging", "1", code=2).stderr.startswith("error: ")
    assert "production: [\n" == (prompts / "labels.yaml").read_text()


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder"])
def test_edits_a_regular_file_alone(here: Path, prompts: Path, cli: Command, kind: str) -> None:
    """What is no regular file is neither followed nor waited for nor replaced; labels.yaml is named."""
    file, elsewhere = prompts / "labels.yaml", here / "elsewhere.yaml"
    file.rename(elsewhere)
    before = elsewhere.read_bytes()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to(elsewhere if kind == "link" else here / "nothing")
    mode = file.lstat().st_mode
    assert cli("label", "set", NAME, "staging", "1", code=2).stderr.startswith(
        "error: prompts/labels.yaml: This "
    )
    assert (mode, before) == (file.lstat().st_mode, elsewhere.read_bytes())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_names_the_file_that_it_cannot_write(prompts: Path, cli: Command) -> None:
    """Not the draft beside it."""
    prompts.chmod(0o500)
    said = cli("label", "set", NAME, "staging", "1", code=1).stderr
    prompts.chmod(0o700)
    assert "error: prompts/labels.yaml: Permission denied.\n" == said


@pytest.mark.usefixtures("prompts")
def test_lists_files_and_registry_side_by_side(cli: Command, answer: Answer) -> None:
    """What the file says and what is served, and where they differ."""
    cli("sync")
    cli("label", "set", NAME, "staging", "1")
    found = answer("label", "list")
    assert found["registry"] is True
    rows = {(row["label"], row["file"], row["registry"], row["state"]) for row in found["labels"]}
    assert {("production", 1, 1, "same"), ("staging", 1, None, "not synced")} == rows
    assert "not synced" in cli("label", "list", NAME).stdout


@pytest.mark.usefixtures("prompts")
def test_lists_without_a_registry(cli: Command, answer: Answer) -> None:
    """The files can be seen alone; that the registry is missing is said."""
    found = answer("label", "list")
    assert (False, "unknown") == (found["registry"], found["labels"][0]["state"])
    assert "The registry could not be asked: " in cli("label", "list").stderr


def test_lists_nothing_in_words(prompts: Path, cli: Command, answer: Answer) -> None:
    """No label yet: what to do."""
    (prompts / "labels.yaml").unlink()
    (prompts / "agents/support-bot.agent.yaml").unlink()
    assert [] == answer("label", "list")["labels"]
    assert "promptgraph label set" in cli("label", "list").stdout


@pytest.mark.usefixtures("prompts")
def test_knows_the_names_that_it_lists(cli: Command) -> None:
    """A misspelt name is no empty list."""
    expected = "error: There is no prompt support/answr. Did you mean `support/answer`?\n"
    assert expected in cli("label", "list", "support/answr", code=1).stderr


def test_tells_the_history(prompts: Path, cli: Command, answer: Answer) -> None:
    """Every move, newest first, with what it was and became."""
    cli("sync")
    edit(prompts / ANSWER, "version: 1 ", "version: 2 ")
    cli("label", "set", NAME, "production", "2")
    cli("sync")
    found = answer("label", "history", NAME)
    moves = [(move["label"], move["fromVersion"], move["toVersion"], move["path"]) for move in found["moves"]]
    assert [("production", 1, 2, "labels.yaml"), ("production", None, 1, "labels.yaml")] == moves
    assert 1 == len(answer("label", "history", NAME, "--last", "1")["moves"])
    assert "labels.yaml" in cli("label", "history", NAME).stdout


def test_tells_an_empty_history(prompts: Path, cli: Command) -> None:
    """A prompt without labels has none."""
    (prompts / "labels.yaml").unlink()
    (prompts / "agents/support-bot.agent.yaml").unlink()
    cli("sync")
    assert f"No label of {NAME} has moved yet.\n" == cli("label", "history", NAME).stdout


@pytest.mark.usefixtures("prompts")
def test_says_that_the_registry_knows_no_such_prompt(cli: Command) -> None:
    """History is the registry's: a wrong name is not found, a missing registry is unavailable."""
    assert "Run: promptgraph db upgrade" in cli("label", "history", NAME, code=75).stderr
    cli("sync")
    expected = "error: The registry has no prompt support/answr. Did you mean `support/answer`?\n"
    assert expected == cli("label", "history", "support/answr", code=1).stderr
