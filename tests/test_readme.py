"""The README's console sessions, run as written: each `$ line` is executed, what follows is its output."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/prompt-files.md", "docs/sync.md")
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


@pytest.mark.parametrize("page", PAGES)
def test_console_sessions_run_as_written(page: str, tmp_path: Path) -> None:
    """A reader who types what the page shows sees what the page shows."""
    commands = sessions(page)
    assert commands, f"{page} has no console session"
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "110",
    }
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command.text],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        shown = f"{page}:{command.line}: $ {command.text}\nexpected:\n{command.output}\ngot:\n{done.stdout}"
        assert checker.check_output(command.output, done.stdout, flags), shown


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
