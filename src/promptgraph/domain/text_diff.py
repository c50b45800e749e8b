"""Two texts compared, word by word or line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

MAX_WORDS = 20_000
"""Beyond so many in either text, lines are compared instead: words would take seconds."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


class Part(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Piece(NamedTuple):
    """A run of text that stands in both, only in the older or only in the newer."""

    part: Part
    text: str


def words(before: str, after: str) -> list[Piece]:
    """The pieces in order: those that are not ADDED make up `before`, those not REMOVED `after`."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    return lines(before, after) if max(len(old), len(new)) > MAX_WORDS else _pieces(old, new)


def lines(before: str, after: str) -> list[Piece]:
    """The same with whole lines, their ends included."""
    return _pieces(before.splitlines(keepends=True), after.splitlines(keepends=True))


def _pieces(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    found = []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece(Part.SAME, "".join(old[i:i_end])))
            continue
        found += [Piece(Part.REMOVED, "".join(old[i:i_end]))] if i < i_end else []
        found += [Piece(Part.ADDED, "".join(new[j:j_end]))] if j < j_end else []
    return found
