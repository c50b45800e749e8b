"""What was looked up, kept for a while: fresh, then stale but served while it is looked up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from promptgraph.client.agents import Assignments
from promptgraph.client.forks import LockPerProcess
from promptgraph.client.prompts import Prompt, Wanted

Value: TypeAlias = "Prompt | Assignments"
Key: TypeAlias = "Wanted | str"
"""A prompt that is wanted, or the name of an agent."""

MAX_ENTRIES = 10_000
RETRY_S = 5.0
"""How long after a failed refresh the next one is tried."""


@dataclass(slots=True)
class Entry:
    """`revision` is the registry's, at which the value was read. A `fixed` one can never change."""

    value: Value
    revision: int
    fresh_until: float
    fixed: bool = False
    dropped: bool = False


@dataclass(slots=True)
class Cache:
    """Values by key, for any number of threads. `ttl_s`: how long one is fresh."""

    ttl_s: float
    now: Callable[[], float] = time.monotonic
    entries: dict[Key, Entry] = field(default_factory=dict)
    _refreshing: LockPerProcess = field(default_factory=LockPerProcess)
    _not_before: float = 0.0

    def served(self, key: Key) -> Value | None:
        """The value, fresh or stale; None where it must be looked up now."""
        entry = self.entries.get(key)
        return None if entry is None or entry.dropped else entry.value

    def last_known(self, key: Key) -> Value | None:
        """The value, whatever happened since: better than nothing when the server is away."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def is_stale(self, key: Key) -> bool:
        entry = self.entries.get(key)
        return entry is not None and not entry.fixed and self.now() >= entry.fresh_until

    def put(self, key: Key, value: Value, revision: int) -> None:
        if len(self.entries) >= MAX_ENTRIES:
            self.entries.clear()
        fixed = isinstance(key, Wanted) and key.version is not None and not getattr(value, "draft", False)
        self.entries[key] = Entry(value, revision, self.now() + self.ttl_s, fixed)

    def stale(self) -> list[Key]:
        """The keys that are no longer fresh."""
        return [key for key in list(self.entries) if self.is_stale(key)]

    def confirm(self, keys: Iterable[Key], revision: int) -> list[Key]:
        """Make fresh what was read at this revision of the registry; the keys that were read at another."""
        changed = []
        for key in keys:
            entry = self.entries.get(key)
            if entry is not None and entry.revision == revision and not entry.dropped:
                entry.fresh_until = self.now() + self.ttl_s
            elif entry is not None:
                changed.append(key)
        return changed

    def drop(self) -> None:
        """From now on everything must be looked up again, but for versions that cannot change."""
        for entry in list(self.entries.values()):
            entry.dropped = not entry.fixed

    def claim_refresh(self) -> bool:
        """Whether the caller is the one to refresh now; it calls `release_refresh` when it is done."""
        return self.now() >= self._not_before and self._refreshing.get().acquire(blocking=False)

    def release_refresh(self, *, failed: bool) -> None:
        if failed:
            self._not_before = self.now() + min(RETRY_S, self.ttl_s)
        self._refreshing.get().release()
