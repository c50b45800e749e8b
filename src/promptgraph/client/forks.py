"""What must not be shared with the parent of a fork."""

from __future__ import annotations

import os
import threading


class Process:
    """This process: its number is another in each child of a fork. Cheaper to ask than the system."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 1

    def forked(self) -> None:
        self.number += 1


PROCESS = Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROCESS.forked)


class LockPerProcess:
    """A lock of each process: one that the parent held when it forked is nobody's concern in the child."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> threading.Lock:
        number = PROCESS.number
        return self._locks.get(number) or self._locks.setdefault(number, threading.Lock())
