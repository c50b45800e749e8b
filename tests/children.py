"""Processes that tests start: they run the package that the tests import, and see no setting from outside."""

from __future__ import annotations

import os
from pathlib import Path

import promptgraph

ROOT = Path(__file__).parents[1]
PACKAGES = os.pathsep.join((str(Path(promptgraph.__file__).parents[1]), str(ROOT)))


def surroundings(**more: str) -> dict[str, str]:
    """The environment of such a process: where programs are, where our packages are, and `more`."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGES} | more
