"""One at a time, across processes: a lock on a file, which ends with its process."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from promptgraph.client.forks import PROCESS

if sys.platform != "win32":
    import fcntl

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0001, 0.01


class FileLock:
    """A lock by the name of a file. Its descriptor must not outlive a fork: parent and child would hold it
    together; so `close` it before, and it is opened again when it is next taken.
    """

    def __init__(self, path: Path, patience_s: float) -> None:
        self._path = path
        self._patience_s = patience_s
        self._fd = -1
        self._process = 0

    def __enter__(self) -> None:
        """Nobody else holds it until it is left.

        raises  TimeoutError  somebody held it too long
        cost    2 µs
        """
        if self._process != PROCESS.number:
            self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._process = PROCESS.number
        if sys.platform != "win32":  # SQLite's own locks must do there
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._wait()

    def __exit__(self, *_: object) -> None:
        if sys.platform != "win32":
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _wait(self) -> None:
        ends = time.monotonic() + self._patience_s
        pause = FIRST_PAUSE_S
        while sys.platform != "win32" and time.monotonic() < ends:
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)
            with suppress(BlockingIOError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
        raise TimeoutError

    def close(self) -> None:
        if self._process == PROCESS.number:
            os.close(self._fd)
        self._process = 0
