"""The spool of an outbox: a line for each row that was kept a moment ago. To add one is a single write, a
tenth of what a transaction costs.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from promptgraph.client.calls import Kind, Row

PRIVATE = 0o600
FLAGS = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

_LINE = re.compile(rb"([%b]) ([0-9a-f]{32}) ([0-9]{1,9}) ([ -~]*)" % b"".join(b"%d" % kind for kind in Kind))


class Spool:
    """A file of rows, for who holds the outbox's lock. What `add` wrote survives the death of the process.

    A line begins and ends with a line end, and says how long its text is: what a writer left unfinished, by
    dying or for want of room, is told from a row, and spoils none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def open(self) -> None:
        """raises  OSError  it cannot be opened"""
        self._fd = os.open(self.path, FLAGS | os.O_APPEND, PRIVATE)

    def add(self, row: Row) -> None:
        """raises  OSError  the disk is full
        cost    3 µs
        """
        line = f"\n{row.kind:d} {row.call_id.hex} {len(row.text)} {row.text}\n".encode()
        if os.write(self._fd, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def rows(self) -> list[tuple[int, bytes, str]]:
        """Kind, call id and text of what was added since it was cleared, in order."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        with open(self._fd, "rb", closefd=False) as file:
            lines = file.read().split(b"\n")
        return [row for line in lines if line and (row := _row(line)) is not None]

    def clear(self) -> None:
        os.ftruncate(self._fd, 0)

    @property
    def is_there(self) -> bool:
        """Whether what is added can still be found by its name."""
        return os.fstat(self._fd).st_nlink > 0

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _row(line: bytes) -> tuple[int, bytes, str] | None:
    """The row of a line; None for one that is unfinished or damaged: kept, it would hold up all others."""
    found = _LINE.fullmatch(line)
    if found is None or int(found[3]) != len(found[4]):
        return None
    return int(found[1]), bytes.fromhex(found[2].decode()), found[4].decode()
