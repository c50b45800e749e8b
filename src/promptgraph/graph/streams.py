"""Answers as the events of subscriptions come, and what the subscriptions of a process share for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from promptgraph.domain.errors import PromptgraphError
from promptgraph.graph.answer import Answer, failed
from promptgraph.graph.feed import Feed
from promptgraph.graph.loaders import Loaders

SHARED_SECONDS = 1.0
"""How long what was loaded for one event serves others."""


class Sharing:
    """What the subscriptions of a process share: loaders, so that what several of them select is read once,
    and the time that they may take.
    """

    def __init__(self, make: Callable[[], Loaders]) -> None:
        self._make = make
        self._turn = asyncio.Lock()
        self._made: Loaders | None = None
        self._at = 0.0

    def since(self, told_at: float) -> Loaders:
        """Loaders that have read nothing before an event, which was told at this time of the loop."""
        now = asyncio.get_running_loop().time()
        if self._made is None or self._at < told_at or now - self._at > SHARED_SECONDS:
            self._made, self._at = self._make(), now
        return self._made

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Some events of one subscriber are executed, then none for as long as that took: however many
        subscribers there are, half of the time is left to requests.
        """
        loop = asyncio.get_running_loop()
        await self._turn.acquire()
        begun = loop.time()
        try:
            yield
        finally:
            loop.call_later(loop.time() - begun, self._turn.release)


class Answers(AsyncIterator[Answer]):
    """The answers to a subscription, as its events come, and a last one that says why there are no more. Who
    takes them closes them.
    """

    def __init__(
        self, feed: Feed[Any], told: Callable[[Sequence[Any]], Awaitable[Sequence[Answer | None]]]
    ) -> None:
        """`told` gives the answers to some events, None for what is gone."""
        self._feed = feed
        self._told = told
        self._ready: deque[Answer] = deque()
        self._over = False

    async def __anext__(self) -> Answer:
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            try:
                keys = await anext(self._feed)
            except PromptgraphError as error:
                self._over = True
                return failed(error)
            self._ready += [answer for answer in await self._told(keys) if answer is not None]
        return self._ready.popleft()

    def close(self) -> None:
        """Say that nobody takes them any more."""
        self._feed.close()
