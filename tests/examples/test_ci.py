"""examples/ci and the hooks for pre-commit: files of the right form, whose commands there are."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click
import pytest
import yaml

from promptgraph.cli.program import promptgraph
from tests.children import ROOT

CI = ROOT / "examples" / "ci"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
CALL = re.compile(r"promptgraph (?:check|bump|sync|lock|verify|codegen)\b[^\n|>&`]*")
FILES = [HOOKS, *sorted(path for path in CI.iterdir() if path.suffix in (".yml", ".yaml"))]


def calls() -> list[str]:
    """Every command line of ours in these files."""
    return sorted(
        {found.strip() for path in [*FILES, CI / "README.md"] for found in CALL.findall(path.read_text())}
    )


@pytest.mark.parametrize("call", calls())
def test_names_commands_that_there_are(call: str) -> None:
    """Each parses as a command line: no option or command that is gone."""
    words = shlex.split(re.sub(r"[\"']?\$\{?\w+\}?", "x", call).replace('"', ""))[1:]
    command = promptgraph.get_command(click.Context(promptgraph), words[0])
    assert command is not None
    command.make_context(words[0], words[1:])


def test_finds_commands_at_all() -> None:
    """The test above has something to look at."""
    assert len(calls()) >= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_is_yaml(path: Any) -> None:
    """Any reader takes it."""
    assert yaml.safe_load(path.read_text())


def test_reaches_back_to_where_the_branch_began() -> None:
    """A shallow clone would be refused."""
    steps = yaml.safe_load((CI / "github-prompts.yml").read_text())["jobs"]["check"]["steps"]
    assert 0 == steps[0]["with"]["fetch-depth"]
    assert "0" == yaml.safe_load((CI / "gitlab-prompts.yml").read_text())["prompts"]["variables"]["GIT_DEPTH"]


def test_hooks_are_those_that_the_example_names() -> None:
    """An id that is not declared would stop every commit."""
    declared = {hook["id"] for hook in yaml.safe_load(HOOKS.read_text())}
    (repo,) = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())["repos"]
    assert declared == {hook["id"] for hook in repo["hooks"]}
