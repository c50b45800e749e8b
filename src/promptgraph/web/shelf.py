"""The figures of several processes, put down in files side by side: whoever is asked adds them up.

Nothing is shown that is not in a file, and what a file counts never becomes less; so no page says less than
the one before, whichever process gives it, and though another was killed in between.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import orjson

from promptgraph.web.figures import Figures, added, lasting

ENDED = "ended"
TRIES = 5
"""How often a page is begun again because files were put together meanwhile."""


class Sheet(NamedTuple):
    """What a file holds: `of` names the files whose figures are in these."""

    figures: Figures
    of: Collection[str] = ()


class Shelf:
    """A folder with a file for each process, and one for those that have ended. One process alone, which
    starts the others, may `settle`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}"  # numbers of processes are given again

    def put(self, figures: Figures) -> None:
        """Put down the figures of this process, in the place of those before."""
        self._write(self._own, Sheet(figures))

    def total(self) -> Figures:
        """The figures of all, those that have ended too."""
        for _ in range(TRIES):
            try:
                return self._total()
            except FileNotFoundError:  # settled since it was listed
                continue
        return self._total()

    def settle(self, living: Collection[int]) -> None:
        """Put the figures of processes that have ended into one file, and remove theirs."""
        gone = [name for name in self._names() if _process_of(name) not in living]
        if not gone:
            return
        ended = self._ended()
        rest = [lasting(self._read(name).figures) for name in gone if name not in ended.of]
        self._write(ENDED, Sheet(reduce(added, rest, ended.figures), gone))
        for name in gone:
            (self._folder / name).unlink()

    def _total(self) -> Figures:
        names = self._names()  # first: a file that is settled later is missed, and one begins again
        ended = self._ended()
        sheets = (self._read(name) for name in names if name not in ended.of)
        return reduce(added, (sheet.figures for sheet in sheets), ended.figures)

    def _names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if path.name != ENDED and not path.suffix]

    def _ended(self) -> Sheet:
        return self._read(ENDED) if (self._folder / ENDED).exists() else Sheet({})

    def _read(self, name: str) -> Sheet:
        return Sheet(*orjson.loads((self._folder / name).read_bytes()))

    def _write(self, name: str, sheet: Sheet) -> None:
        made = self._folder / f"{name}.new"
        made.write_bytes(orjson.dumps(tuple(sheet)))
        made.replace(self._folder / name)


def _process_of(name: str) -> int:
    return int(name.partition("-")[0])
