"""`promptgraph status`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, edit

LISTS = ("pending", "orphans", "drifted", "undeclared", "stale")


@pytest.fixture
def synced(prompts: Path, cli: Command) -> Path:
    """The starter's prompts in the registry, and a second version that production does not serve."""
    cli("sync")
    edit(prompts / ANSWER, "You answer", "You always answer")
    cli("bump", "support/answer")
    cli("sync")
    return prompts


@pytest.mark.usefixtures("synced")
def test_says_that_all_is_even(cli: Command, answer: Answer) -> None:
    """After a sync nothing is left to say, and the exit code is 0."""
    found = answer("status")
    assert found["even"]
    assert [[], [], [], [], []] == [found[name] for name in LISTS]
    assert "The registry is what the files say." in cli("status").stdout


def test_says_what_a_sync_would_change(synced: Path, answer: Answer) -> None:
    """A changed description is an update; nothing is written."""
    edit(synced / ANSWER, "\ndescription: ", "\ndescription: Now ")
    first, again = (answer("status", code=1) for _ in range(2))
    assert [("UPDATE", "support/answer")] == [(step["action"], step["name"]) for step in first["pending"]]
    assert first == again


def test_finds_prompts_without_a_file(synced: Path, answer: Answer) -> None:
    """They are stored, not retired, and no file has them: the next sync retires them."""
    shutil.copytree(synced, synced.parent / "other")
    (synced.parent / "other/new.prompt.yaml").write_text("version: 1\ntemplate: x\n")
    answer("sync", "--prompts-dir", "other")
    assert ["new"] == answer("status", code=1)["orphans"]


def test_finds_labels_that_differ(synced: Path, cli: Command, answer: Answer) -> None:
    """labels.yaml was edited, and not synced yet."""
    cli("label", "set", "support/answer", "production", "2")
    (row,) = answer("status", code=1)["drifted"]
    assert ("support/answer", "production", 2, 1) == (row["name"], row["label"], row["file"], row["registry"])
    assert synced.is_dir()


@pytest.mark.usefixtures("synced")
def test_finds_labels_left_behind(cli: Command, answer: Answer) -> None:
    """A label that serves an older version is stale after some days; that is no difference."""
    (stale,) = answer("status", "--stale-days", "0")["stale"]
    assert (1, 2) == (stale["version"], stale["latest"])
    assert "production of support/answer serves 1 since" in cli("status", "--stale-days", "0").stdout


@pytest.mark.usefixtures("prompts")
def test_needs_a_registry(cli: Command) -> None:
    """Without one there is nothing to compare with."""
    assert "There is no database yet" in cli("status", code=75).stderr


def test_tells_broken_files(synced: Path, cli: Command) -> None:
    """With file and line, and the exit code of a finding."""
    (synced / "broken.prompt.yaml").write_text("version: [\n")
    assert "broken.prompt.yaml" in cli("status", code=1).stdout
