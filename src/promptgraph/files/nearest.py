"""The word that was probably meant. Bounded: difflib compares in quadratic time, and files are not ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

MAX_KNOWN, MAX_LENGTH = 200, 80


def near(word: str, known: Iterable[str]) -> str | None:
    """The word of `known` that `word` comes nearest to, if it does at all."""
    choices = [choice for choice in islice(known, MAX_KNOWN) if len(choice) <= MAX_LENGTH]
    found = difflib.get_close_matches(word[:MAX_LENGTH].lower(), choices, n=1)
    return found[0] if found else None


def meant(word: str, known: Iterable[str]) -> str | None:
    """The hint that asks for the nearest word."""
    found = near(word, known)
    return None if found is None else f"Did you mean `{found}`?"
