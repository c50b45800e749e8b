"""How operations were executed, counted; and a log that says it, but not over and over."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

QUIET_SECONDS = 60.0
"""How long the log says nothing more about the same reason."""


@dataclass(slots=True)
class Counters:
    """`fast`: by the fast path; `recalled`: without being executed again; `standard`: by strawberry.
    `deopts`: of the latter, those that left the fast path, by reason. `shadows`: by both; `differences`: of
    these, those where they did not agree. `replica`: answered by the standby; `fallbacks`: by the primary,
    because the standby was away, or not new enough.
    """

    fast: int = 0
    recalled: int = 0
    standard: int = 0
    deopts: Counter[str] = field(default_factory=Counter)
    shadows: int = 0
    differences: int = 0
    replica: int = 0
    fallbacks: int = 0


class Murmur:
    """A log in which each subject has its turn once in a while."""

    def __init__(
        self, log: logging.Logger, *, quiet: float = QUIET_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._quiet = quiet
        self._now = now
        self._said: dict[str, float] = {}

    def say(self, level: int, subject: str, message: str, *args: object) -> None:
        """Log this, unless the same subject had its turn just now."""
        now = self._now()
        if now - self._said.get(subject, -self._quiet) >= self._quiet:
            self._said[subject] = now
            self._log.log(level, message, *args)
