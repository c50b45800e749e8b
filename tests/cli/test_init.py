"""`promptgraph init`."""

import os
from pathlib import Path

import pytest

from promptgraph.cli.starter import STARTER
from tests.cli.conftest import Answer, Command


def test_writes_a_folder_that_is_green(here: Path, cli: Command) -> None:
    """What a beginner gets has no problem, not even a warning."""
    cli("init")
    assert set(STARTER) == {
        p.relative_to(here / "prompts").as_posix() for p in here.rglob("*.*") if p.is_file()
    }
    assert "1 prompt, 1 agent, 1 label: no problems.\n" == cli("check").stdout


def test_prints_what_it_wrote_and_what_comes_next(cli: Command) -> None:
    """The files are data, the next steps are words."""
    Path("mine").mkdir()
    result = cli("init", "mine/prompts")
    assert "wrote mine/prompts/support/answer.prompt.yaml" in result.stdout
    assert "promptgraph check --prompts-dir mine/prompts" in result.stderr


def test_overwrites_nothing(prompts: Path, answer: Answer) -> None:
    """A file that is there stays as it is; a missing one is added."""
    (prompts / "labels.yaml").write_text("# mine\n")
    (prompts / "_partials/tone.j2").unlink()
    expected = {
        "folder": "prompts",
        "written": ["_partials/tone.j2"],
        "kept": [path for path in STARTER if path != "_partials/tone.j2"],
    }
    assert expected == answer("init")
    assert "# mine\n" == (prompts / "labels.yaml").read_text()


def test_leaves_a_folder_of_other_files_alone(prompts: Path, cli: Command) -> None:
    """Into somebody's prompts nothing is mixed."""
    (prompts / "mine.prompt.yaml").write_text("version: 1\n")
    (prompts / "labels.yaml").unlink()
    result = cli("init", code=2)
    assert "prompts holds other files already (mine.prompt.yaml), so nothing was written." in result.stderr
    assert not (prompts / "labels.yaml").exists()


def test_says_that_the_folder_is_a_file(here: Path, cli: Command) -> None:
    """A file where the folder should be is wrong usage."""
    (here / "prompts").write_text("x")
    assert "error: prompts is a file; name a folder.\n" == cli("init", code=2).stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("file/prompts", "error: file is no folder, so nothing was written."),
        ("none/prompts", "error: There is no folder none, so nothing was written."),
    ],
)
def test_makes_no_folder_that_nobody_asked_for(here: Path, cli: Command, words: str, expected: str) -> None:
    """The folder itself is made, the way to it is not: a misspelt one would be."""
    (here / "file").write_text("x")
    assert cli("init", words, code=2).stderr.startswith(expected)
    assert ["file"] == [path.name for path in here.iterdir()]


@pytest.mark.parametrize("path", ["labels.yaml", "support"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_writes_through_nothing_that_is_no_file(here: Path, cli: Command, path: str, kind: str) -> None:
    """A link or a pipe where a file or folder should be is refused, before anything is written."""
    (here / "elsewhere").mkdir()
    (here / "prompts").mkdir()
    target = here / "prompts" / path
    target.symlink_to(here / "elsewhere") if kind == "link" else os.mkfifo(target)
    assert f"prompts/{path} is " in cli("init", code=2).stderr
    assert [target] == list((here / "prompts").iterdir())
    assert [] == list((here / "elsewhere").iterdir())


def test_takes_the_folder_from_the_settings(here: Path, cli: Command) -> None:
    """Without DIR the folder is the one that every other command reads."""
    cli("init", "--prompts-dir", "texts")
    assert (here / "texts/labels.yaml").is_file()
