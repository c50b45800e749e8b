"""One at a time, across processes: a lock on a file, which ends with its process."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from promptgraph.client.forks import PROCESS
from promptgraph.client.spool import FLAGS, PRIVATE

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0001, 0.01

if sys.platform == "win32":
    import msvcrt

    def _try(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _leave(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    TAKEN: type[OSError] = PermissionError
else:
    import fcntl

    def _try(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _leave(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    TAKEN: type[OSError] = BlockingIOError


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
                OSError       the file cannot be opened
        cost    3 µs
        """
        if self._process != PROCESS.number:
            self._fd = os.open(self._path, FLAGS, PRIVATE)
            self._process = PROCESS.number
        try:
            _try(self._fd)
        except TAKEN:
            self._wait()

    def __exit__(self, *_: object) -> None:
        _leave(self._fd)

    def _wait(self) -> None:
        ends = time.monotonic() + self._patience_s
        pause = FIRST_PAUSE_S
        while time.monotonic() < ends:
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)
            try:
                return _try(self._fd)
            except TAKEN:
                continue
        raise TimeoutError

    @property
    def is_there(self) -> bool:
        """Whether others that take it now take the same."""
        return os.fstat(self._fd).st_nlink > 0

    def close(self) -> None:
        if self._process == PROCESS.number:
            os.close(self._fd)
        self._process = 0
