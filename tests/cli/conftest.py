"""A folder of its own for every command, and a database in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from promptgraph.cli.program import promptgraph
from promptgraph.cli.starter import STARTER
from promptgraph.config import PREFIX, Settings
from tests.factories import write_tree

Command: TypeAlias = Callable[..., Result]
Answer: TypeAlias = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with no setting from outside."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prompts(here: Path) -> Path:
    """The starter's prompts folder."""
    return write_tree(here / "prompts", STARTER)


@pytest.fixture
def cli(here: Path) -> Command:  # noqa: ARG001  # for the folder
    """Runs one command line; what nobody expected is raised."""

    def command(*words: str | Path, code: int = 0) -> Result:
        result = CliRunner(catch_exceptions=False).invoke(promptgraph, [str(word) for word in words])
        assert code == result.exit_code, result.output
        return result

    return command


@pytest.fixture
def answer(cli: Command) -> Answer:
    """Runs one command line with --json, and gives what it printed, decoded."""

    def command(*words: str | Path, code: int = 0) -> Any:
        return json.loads(cli(*words, "--json", code=code).stdout)

    return command
