"""kill -9 in the middle of a sync: the registry holds the old set or the new set."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from promptgraph.store.database import Database
from tests.children import ROOT, surroundings
from tests.factories import prompt_yaml, write_tree
from tests.sync.test_apply import held

PROMPTS = 60
KILLS = 8


def files(version: int) -> dict[str, str]:
    return {f"p{n:03}.prompt.yaml": prompt_yaml(version, f"{version} {{{{ x }}}}") for n in range(PROMPTS)}


@contextmanager
def syncing(how: str, url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A child that has just begun to sync `folder`."""
    command = [sys.executable, "-m", "tests.sync.child", how, url, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            child.stdin.write("go\n")
            child.stdin.flush()
            yield child
        finally:
            child.kill()


async def mixtures(how: str, db: Database, url: str, folder: Path) -> list[bool]:
    """For each kill at a random moment of a sync, whether it left old and new versions side by side."""
    moments = random.Random(7)  # noqa: S311  # a moment, not a secret
    with syncing("whole", url, write_tree(folder / "1", files(1))) as child:
        began = time.monotonic()
        child.wait(60)
        longest = time.monotonic() - began
    seen = []
    for version in range(2, KILLS + 2):
        tree = write_tree(folder / str(version), files(version))
        with syncing(how, url, tree) as child:
            await asyncio.sleep(moments.uniform(0.1, 0.7) * longest)
            child.kill()
            child.wait(60)
        stored = await held(db)
        present = [(name, version) in stored.versions for name in stored.families]
        seen.append(any(present) and not all(present))
    return seen


@pytest.mark.slow
async def test_killed_sync_leaves_the_old_set_or_the_new(db: Database, url: str, tmp_path: Path) -> None:
    """Kills at random moments of a sync: never a mixture."""
    assert not any(await mixtures("whole", db, url, tmp_path))


@pytest.mark.slow
async def test_commit_per_change_is_caught_half_way(db: Database, url: str, tmp_path: Path) -> None:
    """The control: without the one transaction the same kills leave mixtures, so the test above can fail."""
    assert any(await mixtures("piecewise", db, url, tmp_path))
