"""The README's console sessions, run as written: each `$ line` is executed, what follows is its output."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.children import surroundings
from tests.postgres import free_port

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/prompt-files.md",
    "docs/recording.md",
    "docs/retention.md",
    "docs/keys.md",
    "docs/privacy.md",
    "docs/otlp.md",
    "docs/sync.md",
)
PORT = "8000"
"""Where a server of a page listens; here it is any free port."""
SERVES = "Ctrl-C stops it."
SECONDS = 60


@dataclass(frozen=True)
class Command:
    line: int
    text: str
    output: str


def sessions(page: str) -> list[Command]:
    """The commands of every ```console block of a page, in order; `...` in an output stands for anything."""
    commands: list[Command] = []
    inside = False
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            commands.append(Command(number, line[2:], ""))
        elif inside:
            last = commands.pop()
            commands.append(Command(last.line, last.text, f"{last.output}{line}\n"))
    return commands


class Shell:
    """Where a page's commands run: a folder with the project's prompts. `COMMAND &` stays until the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        self.staying: list[subprocess.Popen[Any]] = []
        shutil.copytree(ROOT / "prompts", folder / "prompts")
        self.options: dict[str, Any] = {
            "cwd": folder,
            "env": surroundings(
                PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                HOME=str(folder),
                LC_ALL="C.UTF-8",
                COLUMNS="110",
                PROMPTGRAPH_PORT=self.port,
            ),
            "stderr": subprocess.STDOUT,
        }

    def run(self, text: str) -> str:
        """What a command prints."""
        command = ["bash", "-c", text.removesuffix("&").replace(f":{PORT}/", f":{self.port}/")]
        if text.endswith("&"):
            return self.begin(command).replace(f":{self.port}/", f":{PORT}/")
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=SECONDS, check=False, **self.options)
        return bytes(done.stdout).decode()

    def begin(self, command: list[str]) -> str:
        """What a server prints until it answers."""
        log = self.folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, start_new_session=True, **self.options)
        self.staying.append(process)
        ends = time.monotonic() + SECONDS
        while SERVES not in log.read_text() and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.05)
        return log.read_text()

    def end(self) -> None:
        for process in self.staying:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("page", PAGES)
def test_console_sessions_run_as_written(page: str, shell: Shell) -> None:
    """A reader who types what the page shows sees what the page shows."""
    commands = sessions(page)
    assert commands, f"{page} has no console session"
    if any(command.text.startswith("curl ") for command in commands) and shutil.which("curl") is None:
        assert os.environ.get("CI") != "true", "there is no curl"
        pytest.skip("there is no curl")
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for command in commands:
        got = shell.run(command.text)
        shown = f"{page}:{command.line}: $ {command.text}\nexpected:\n{command.output}\ngot:\n{got}"
        assert checker.check_output(command.output, got, flags), shown


@pytest.mark.parametrize(
    "page", [*sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md")), "README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link of a page names a file that is there."""
    text = (ROOT / page).read_text()
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if not ((ROOT / page).parent / t).exists()]
    assert missing == []


def test_make_targets_of_the_readme_exist() -> None:
    """`make demo` and `make test` are the whole set-up, and the Makefile has them."""
    named = set(re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    rules = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= rules
