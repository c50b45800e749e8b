"""kill -9 in the middle of a sync: the registry holds the old set or the new set."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from promptgraph.store.database import Database
from tests.children import ROOT, surroundings
from tests.factories import prompt_yaml, write_tree
from tests.faults.conftest import Scale, Tell
from tests.sync.test_apply import held

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

PROMPTS = 60
MIXED = "mixed"


def files(version: int) -> dict[str, str]:
    return {f"p{n:03}.prompt.yaml": prompt_yaml(version, f"{version} {{{{ x }}}}") for n in range(PROMPTS)}


@contextmanager
def syncing(how: str, url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A child that has just begun to sync `folder`."""
    command = [sys.executable, "-m", "tests.faults.sync_child", how, url, str(folder)]
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


async def left(how: str, db: Database, url: str, folder: Path, kills: int) -> Counter[str]:
    """What kills at random moments of a sync leave: the `old` versions, the `new` ones, or some of each; that
    is the end of it.
    """
    moments = random.Random(7)  # noqa: S311  # a moment, not a secret
    with syncing("whole", url, write_tree(folder / "1", files(1))) as child:
        began = time.monotonic()
        child.wait(60)
        longest = time.monotonic() - began
    seen: Counter[str] = Counter(dict.fromkeys(("old", "new", MIXED), 0))
    for version in range(2, kills + 2):
        tree = write_tree(folder / str(version), files(version))
        with syncing(how, url, tree) as child:
            await asyncio.sleep(moments.uniform(0.1, 0.7) * longest)
            child.kill()
            child.wait(60)
        stored = await held(db)
        present = [(name, version) in stored.versions for name in stored.families]
        seen["new" if all(present) else MIXED if any(present) else "old"] += 1
        if seen[MIXED]:
            break
    return seen


async def test_killed_sync_leaves_the_old_set_or_the_new(
    db: Database, url: str, tmp_path: Path, scale: Scale, tell: Tell
) -> None:
    """Kills at random moments of a sync: never a mixture (R13)."""
    seen = await left("whole", db, url, tmp_path, 5 + scale.kills)
    tell("R13 sync killed half-way", None, **seen)
    assert 0 == seen[MIXED]


async def test_commit_per_change_is_caught_half_way(
    db: Database, url: str, tmp_path: Path, tell: Tell
) -> None:
    """The control: without the one transaction the same kills leave mixtures."""
    seen = await left("piecewise", db, url, tmp_path, 30)
    tell("    control: a commit per change", None, **seen)
    assert seen[MIXED] > 0
