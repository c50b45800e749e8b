"""The door out: sentences and exit codes, never a traceback for what is expected."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from promptgraph.cli.surface import exit_code
from promptgraph.domain import errors
from promptgraph.domain.errors import PromptgraphError
from tests.children import surroundings
from tests.cli.conftest import Command

PROGRAM = [sys.executable, "-m", "promptgraph.cli.main"]


def program(*words: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own, as a shell runs it."""
    return subprocess.run(  # our own program
        [*PROGRAM, *words],
        cwd=cwd,
        env=surroundings(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


CODES = {
    "InvalidInputError": 2,
    "TooOldError": 2,
    "TemplateError": 1,
    "PromptFilesError": 1,
    "NotFoundError": 1,
    "TooManyRowsError": 1,
    "SyncConflictError": 1,
    "SyncOutdatedError": 1,
    "PromptMismatchError": 1,
    "IdempotencyConflictError": 1,
    "EventsMissedError": 1,
    "ManagedByFileError": 1,
    "ForbiddenError": 1,
    "InvalidRollupError": 1,
    "StoreUnavailableError": 75,
}
"""Written by hand, so that a change of the table in code is noticed."""


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_gives_each_error_its_exit_code(name: str, code: int) -> None:
    """1 findings, 2 usage, 75 try again."""
    cls: type[PromptgraphError] = getattr(errors, name)
    assert code == exit_code(cls.__new__(cls))


def test_knows_every_error() -> None:
    """A new error class gets its exit code on purpose."""
    ours = {
        name
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, PromptgraphError) and cls is not PromptgraphError
    }
    assert ours == CODES.keys()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Usage: promptgraph"),
        (["dance"], "No such command 'dance'"),
        (["check", "--no-such"], "No such option '--no-such'"),
        (["serve", "--port", "http"], "--port must be a whole number from 0 to 65535."),
        (["serve", "--port", "70000"], "--port must be a whole number from 0 to 65535."),
        (["serve", "--mode", "test"], "--mode must be development or production."),
        (["serve", "--workers", "0"], "--workers must be a whole number from 1 to 64."),
        (["sync", "--watch", "--dry-run"], "--watch syncs at every change"),
        (["sync", "--source", ""], "A source is named with"),
        (["sync", "--source", "A b"], "A source is named with"),
        (["sync", "--api-key", ""], "--api-key: a key is made of visible ASCII"),
        (["db", "current", "--database-url", "mysql://x"], "sqlite:///promptgraph.db"),
        (["label", "set", "a"], "Missing argument 'LABEL'"),
        (["label", "set", "a", "b", "c"], "'c' is not a valid integer"),
        (["bump"], "Name prompts, or give --changed"),
        (["render", "a", "--version", "0"], "0 is not in the range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_says_what_is_wrong_with_the_command_line(cli: Command, words: list[str], expected: str) -> None:
    """Wrong usage: exit code 2, a sentence on stderr, nothing on stdout."""
    result = cli(*words, code=2)
    assert expected in result.stderr
    assert "" == result.stdout


@pytest.mark.usefixtures("here")
def test_takes_settings_from_the_environment(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of a setting is named when its value is wrong; an option wins over it."""
    monkeypatch.setenv("PROMPTGRAPH_PROMPTS_DIR", "elsewhere")
    assert "There is no folder elsewhere" in cli("check", code=2).stderr
    assert "There is no folder here" in cli("check", "--prompts-dir", "here", code=2).stderr


def test_runs_as_a_program(tmp_path: Path) -> None:
    """The installed command ends with the code of its command."""
    done = program("check", cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("error: There is no folder prompts.")


FAULT = """
import sys
from promptgraph.cli import main
from promptgraph.cli.commands import check
def broken(folder, base): raise ZeroDivisionError("one\\nby \\x1b[31mnought")
check.check_folder = broken
sys.argv = ["promptgraph", *sys.argv[1:]]
main.main()
"""


@pytest.mark.parametrize("words", [["check"], ["--debug", "check"]], ids=["plain", "debug"])
def test_says_how_to_report_what_nobody_expected(tmp_path: Path, words: list[str]) -> None:
    """A fault of ours is one line and what to do; --debug shows the traceback."""
    (tmp_path / "prompts").mkdir()
    done = subprocess.run(  # our own program
        [sys.executable, "-c", FAULT, *words],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 1 == done.returncode
    assert ("Traceback" in done.stderr) == (words[0] == "--debug")
    assert ("report" in done.stderr) == (words[0] != "--debug")
    assert "ZeroDivisionError" in done.stderr


def test_ends_quietly_when_nobody_reads(prompts: Path) -> None:
    """A closed pipe is no fault."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(  # our own program
        [*PROGRAM, "check"],
        cwd=prompts.parent,
        env=surroundings(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert "" == done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["--help"], ["schema", "export", "-"]])
def test_says_that_the_output_is_full(prompts: Path, words: list[str]) -> None:
    """A full disk is no fault of ours."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # our own program
            [*PROGRAM, *words],
            cwd=prompts.parent,
            env=surroundings(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    expected = "error: The output could not be written: No space left on device.\n"
    assert (1, expected) == (done.returncode, done.stderr)


@pytest.mark.parametrize("after", [0.15, 0.4, 0.8], ids=lambda seconds: f"{seconds} s")
def test_ends_quietly_with_ctrl_c(prompts: Path, after: float) -> None:
    """Whenever it comes once Python has started: exit code 130, and no word of it."""
    code = (
        "import sys; sys.stdout.write('.'); sys.stdout.flush(); from promptgraph.cli.main import main; main()"
    )
    process = subprocess.Popen(  # our own program
        [sys.executable, "-c", code, "render", "support/answer", "--vars-file", "/dev/stdin"],
        cwd=prompts.parent,
        env=surroundings(),
        stdin=subprocess.PIPE,  # nothing comes: it waits there
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (130, "") == (process.returncode, errors)


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize("words", [["check"], ["db", "current"], ["label", "list"], ["sync"]], ids=" ".join)
def test_names_a_variable_that_is_no_setting(
    cli: Command, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Every command warns of a misspelt one; those of the test suite are known."""
    monkeypatch.setenv("PROMPTGRAPH_DATABSE_URL", "x")
    monkeypatch.setenv("PROMPTGRAPH_ZZZ\nok", "x")
    monkeypatch.setenv("PROMPTGRAPH_TEST_DSN", "x")
    warnings = [line for line in cli(*words).stderr.splitlines() if line.startswith("warning: PROMPT")]
    assert [
        "warning: PROMPTGRAPH_DATABSE_URL is no setting; did you mean PROMPTGRAPH_DATABASE_URL?",
        "warning: PROMPTGRAPH_ZZZ\\nok is no setting.",
    ] == warnings
