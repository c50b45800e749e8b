"""A disk so small that a test can fill it, and empty it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postgres import AS_ROOT

MEGABYTES = 64
STEPS = (1 << 20, 1 << 12)


@dataclass(frozen=True)
class SmallDisk:
    """`path` is an empty folder on it that PostgreSQL may write into."""

    path: Path
    _filler: Path

    def fill(self) -> None:
        """Leave not a page free."""
        with self._filler.open("ab", buffering=0) as file:
            for step in STEPS:
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)

    def free(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """A disk in memory, taken away afterwards. Only root may make one: for others the test is skipped."""
    if not AS_ROOT or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    top = Path(tempfile.mkdtemp(prefix="promptgraph-disk-"))
    top.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", str(top)]
    if (done := subprocess.run(mount, check=False, capture_output=True, text=True)).returncode:
        top.rmdir()
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        path = top / "data"
        path.mkdir(mode=0o700)
        shutil.chown(path, "nobody")
        yield SmallDisk(path, top / "filler")
    finally:
        subprocess.run(["umount", "--lazy", str(top)], check=True)
        top.rmdir()
