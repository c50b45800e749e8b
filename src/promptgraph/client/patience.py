"""How long to wait before the same again: longer each time, by chance, and never sooner than asked."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

LONGEST_ASKED_S = 300.0
"""A server may ask for more; it is asked again after this."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` requests at most. Before each but the first a pause: twice as long as the one before, at most
    `longest_s`, of which chance takes up to half. A server that asks for a longer one ends the tries.
    """

    tries: int = 4
    first_s: float = 0.1
    longest_s: float = 5.0
    chance: Callable[[], float] = random.random

    def pause(self, failures: int, asked_s: float | None = None) -> float | None:
        """Seconds to wait after so many failures, None to give up."""
        if failures >= self.tries or (asked_s or 0.0) > self.longest_s:
            return None
        return self.backoff(failures, asked_s)

    def backoff(self, failures: int, asked_s: float | None = None) -> float:
        """Seconds to wait after so many failures, for one that never gives up."""
        most = min(self.longest_s, self.first_s * 2.0 ** min(failures, 30))
        return max(most * (0.5 + self.chance() / 2), min(asked_s or 0.0, LONGEST_ASKED_S))


def retry_after_s(header: str | None, now: Callable[[], float]) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None for anything else.

    keys  now: seconds since 1970
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, at.replace(tzinfo=at.tzinfo or dt.UTC).timestamp() - now())
