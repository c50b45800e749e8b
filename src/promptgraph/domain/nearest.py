"""The word that was probably meant. Bounded: difflib is quadratic, and what it compares is not ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LENGTH, MAX_COMPARED, MAX_HINTS = 80, 20, 20


def near(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The word of `known` that `word` comes nearest to, if it does at all.

    cost  linear in `known`: only those that share most pairs of letters are really compared
    """
    wanted = word[:MAX_LENGTH].lower()
    pairs = _pairs(wanted)
    choices = [choice for choice in known if len(choice) <= MAX_LENGTH]
    closest = sorted(choices, key=lambda choice: -len(pairs & _pairs(choice)))[:MAX_COMPARED]
    found = difflib.get_close_matches(wanted, closest, n=1, cutoff=cutoff)
    return found[0] if found else None


def _pairs(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(len(word) - 1)}


def meant(word: str, known: Iterable[str]) -> str | None:
    """The hint that asks for the nearest word."""
    found = near(word, known)
    return None if found is None else f"Did you mean `{found}`?"


@dataclass(slots=True)
class Hints:
    """A number of hints for one run: a tree with a thousand wrong words gets the first few."""

    left: int = MAX_HINTS

    def meant(self, word: str, known: Iterable[str]) -> str | None:
        """As the function of this name, as long as there are hints left."""
        if self.left <= 0:
            return None
        self.left -= 1
        return meant(word, known)
