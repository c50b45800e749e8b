"""A git repository around the starter's prompts folder, and edits in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ANSWER = "support/answer.prompt.yaml"


def git(folder: Path, *words: str) -> None:
    """One git command, by nobody in particular."""
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who |= {
        f"GIT_{role}_{part}": "a@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    subprocess.run(
        ["git", *words], cwd=folder, env=os.environ | who, check=True, capture_output=True
    )  # fixed words


def commit(folder: Path) -> None:
    """Everything below `folder` as a commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


def edit(path: Path, before: str, after: str) -> None:
    """`before` replaced by `after`, which must be there."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
