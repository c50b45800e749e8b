"""What was seen lately, as much of it as there is room for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by their keys, within a bound: each says how much room it takes, and those that nobody has asked
    for the longest time go first. Not shared between threads.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._known: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.taken = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: K) -> V | None:
        """What was put there, if it still is."""
        found = self._known.get(key)
        if found is None:
            return None
        self._known.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, room: int) -> None:
        """Remember this, in the place of what was there; what takes more room than there is, is forgotten."""
        self.drop(key)
        self._known[key] = value, room
        self.taken += room
        while self.taken > self._room:
            _, (_, gone) = self._known.popitem(last=False)
            self.taken -= gone

    def grow(self, key: K, room: int) -> None:
        """Say that what is there, if it is known, takes so much more room."""
        if (found := self._known.get(key)) is not None:
            value, before = found
            self.put(key, value, before + room)

    def drop(self, key: K) -> None:
        """Forget this, if it is known."""
        _, room = self._known.pop(key, (None, 0))
        self.taken -= room
