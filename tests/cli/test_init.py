"""`promptgraph init`."""

from pathlib import Path

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


def test_says_that_the_folder_cannot_be_made(here: Path, cli: Command) -> None:
    """Where nothing can be written, the sentence names the place, without a traceback."""
    (here / "file").write_text("x")
    result = cli("init", "file/prompts", code=1)
    assert result.stderr.startswith("error: file/prompts")
    assert "Not a directory" in result.stderr


def test_takes_the_folder_from_the_settings(here: Path, cli: Command) -> None:
    """Without DIR the folder is the one that every other command reads."""
    cli("init", "--prompts-dir", "texts")
    assert (here / "texts/labels.yaml").is_file()
