"""Power cuts while calls are recorded into SQLite: what was acknowledged is on the disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from tests.children import ROOT, surroundings
from tests.faults.conftest import Tell
from tests.faults.disk import library

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or library() is None,
        reason="Python's SQLite is no shared library here, so its writes cannot be watched",
    ),
]
MIN_CUTS = 10


def losses(synchronous: str, template: Path, folder: Path) -> list[int]:
    """For each power cut, how many calls were acknowledged before it that are not in what it left, which is
    always a sound database.
    """
    file = shutil.copy(template, folder / "calls.db")
    command = [sys.executable, "-m", "tests.faults.power_child", synchronous, file, folder]
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings(), stdout=subprocess.PIPE, text=True, timeout=100, check=True
    )
    cuts = [json.loads(line) for line in done.stdout.splitlines()]
    return [len(set(cut["acknowledged"]) - left(Path(cut["folder"]) / "calls.db")) for cut in cuts]


def left(file: Path) -> set[int]:
    """The numbers of the calls in a database that a power cut left."""
    with closing(sqlite3.connect(file)) as db:
        assert [("ok",)] == db.execute("PRAGMA integrity_check").fetchall()
        return {UUID(bytes=row[0]).int for row in db.execute("SELECT id FROM llm_calls")}


def test_power_cuts_lose_no_acknowledged_call(sqlite_template: Path, tmp_path: Path, tell: Tell) -> None:
    """Whatever the disk keeps of writes that were not synced, every acknowledged call is there (R12)."""
    lost = losses("FULL", sqlite_template, tmp_path)
    tell("R12 power cuts under SQLite", None, cuts=len(lost), lost=max(lost))
    assert len(lost) >= MIN_CUTS
    assert {0} == set(lost)


def test_without_a_sync_per_commit_calls_are_lost(sqlite_template: Path, tmp_path: Path, tell: Tell) -> None:
    """The control: with synchronous=NORMAL the same cuts lose calls, so the test above can fail."""
    lost = losses("NORMAL", sqlite_template, tmp_path)
    tell("    control: synchronous=NORMAL", None, cuts=len(lost), lost=max(lost))
    assert len(lost) >= MIN_CUTS
    assert max(lost) > 0
