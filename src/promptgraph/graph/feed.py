"""What one subscriber is still to be told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from promptgraph.domain.errors import EventsMissedError, PromptgraphError

W = TypeVar("W")

WAITING = 5_000
"""How many events may wait for one subscriber; only their keys do."""
AT_ONCE = 50
"""How many events a subscriber is given at once, so that what they select is read together."""

SLOW = (
    "Events were missed: they came faster than they were taken. Ask for what is there now, and subscribe"
    " again, to fewer."
)


class Feed(AsyncIterator[Any], Generic[W]):
    """The keys of events that fit `wanted`, some at a time; `loader` names the loader that knows what they
    are keys of. It holds so many and no more: who does not keep up is told that events were missed.
    """

    def __init__(self, loader: str, wanted: W, left: Callable[[Feed[W]], None]) -> None:
        """`left` is called when the subscriber goes."""
        self.loader = loader
        self.wanted = wanted
        self.told_at = 0.0
        self._left = left
        self._waiting: deque[Any] = deque()
        self._woken = asyncio.Event()
        self._error: PromptgraphError | None = None

    def put(self, keys: Sequence[Any]) -> None:
        """Say that these happened, in this order."""
        if not keys or self._error is not None:
            return
        if len(self._waiting) + len(keys) > WAITING:
            self.fail(EventsMissedError(SLOW))
            return
        self.told_at = asyncio.get_running_loop().time()
        self._waiting += keys
        self._woken.set()

    def fail(self, error: PromptgraphError) -> None:
        """End it: what waits is dropped, and the subscriber is told why."""
        self._waiting.clear()
        self._error = error
        self._woken.set()

    def check(self) -> None:
        """Nothing, for a feed that goes on.

        raises  PromptgraphError  why it does not
        """
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Say that the subscriber has gone."""
        self._left(self)

    async def __anext__(self) -> list[Any]:
        """The next keys, as soon as there are any.

        raises  EventsMissedError      the subscriber was too slow, or the database away for too long
                StoreUnavailableError  the server is stopping
        """
        while not self._waiting:
            self.check()
            self._woken.clear()
            await self._woken.wait()
        some = list(islice(self._waiting, AT_ONCE))
        for _ in some:
            self._waiting.popleft()
        return some
