"""Processes that tests start: they run the package that the tests import, and see no setting from outside."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

import promptgraph

ROOT = Path(__file__).parents[1]
PR_SET_PDEATHSIG = 1
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
PACKAGES = os.pathsep.join((str(Path(promptgraph.__file__).parents[1]), str(ROOT)))


def surroundings(**more: str) -> dict[str, str]:
    """The environment of such a process: where programs are, where our packages are, and `more`."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGES} | more


def end_with_us(number: int = signal.SIGTERM) -> None:
    """Have Linux send this process a signal when the one that started it is killed, for nobody else would.
    For a `preexec_fn`: it makes one system call.
    """
    if _PRCTL is not None:
        _PRCTL(PR_SET_PDEATHSIG, number)
