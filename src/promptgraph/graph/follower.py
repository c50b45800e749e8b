"""The follower: while somebody subscribes, one task of the process asks the database for what is new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from promptgraph.domain.errors import EventsMissedError, PromptgraphError, StoreUnavailableError
from promptgraph.graph.feed import Feed
from promptgraph.store.database import Opens, Session

log = logging.getLogger("promptgraph.graph")

W = TypeVar("W")

BREATH_SECONDS = 0.1
"""How long it waits at least after a look, so that the commits of one moment are told together."""
PAUSE_SECONDS = 0.15
"""How much longer it waits where nobody wakes it: for what another process commits."""
AWAY_SECONDS = 60.0
"""How long the database may be out of reach before subscribers are sent away."""

STOPPING = "This server is stopping; subscribe again."
FAILED = "Events were missed: the follower of events failed, and the server's log says why. Subscribe again."
AWAY = (
    f"Events were missed: the database was out of reach for more than {AWAY_SECONDS:g} s. Ask for what is"
    " there now, and subscribe again."
)


class News(Protocol[W]):
    """What a follower asks for, from one moment on."""

    async def skip(self, session: Session) -> None:
        """Leave out what is there already."""

    async def tell(self, session: Session, feeds: Collection[Feed[W]]) -> None:
        """Put what is new into the feeds that want it."""


class Follower(Generic[W]):
    """Feeds of one kind of news. The task begins with the first feed and ends after the last."""

    def __init__(self, read: Opens, news: Callable[[], News[W]], *, pause: float = PAUSE_SECONDS) -> None:
        """units  pause: seconds"""
        self._read = read
        self._news = news
        self._pause = pause
        self._feeds: set[Feed[W]] = set()
        self._woken = asyncio.Event()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def feed(self, loader: str, wanted: W) -> Feed[W]:
        """What fits `wanted` from now on. Whoever takes it closes it.

        raises  StoreUnavailableError  the database is out of reach
        """
        feed = Feed(loader, wanted, self._leave)
        self._feeds.add(feed)
        if self._task is None:
            self._begun.clear()
            self._task = asyncio.create_task(self._run(), name="follower")
            self._task.add_done_callback(self._ended)
        try:
            await self._begun.wait()
            feed.check()
        except BaseException:
            feed.close()
            raise
        return feed

    def wake(self) -> None:
        """Say that something was committed here."""
        self._woken.set()

    async def stop(self) -> None:
        """Send every subscriber away, and end after the look under way."""
        self._dismiss(StoreUnavailableError(STOPPING))
        if self._task is not None:
            await asyncio.wait([self._task])

    def _leave(self, feed: Feed[W]) -> None:
        self._feeds.discard(feed)
        if not self._feeds:
            self._woken.set()

    def _dismiss(self, error: PromptgraphError) -> None:
        for feed in self._feeds:
            feed.fail(error)
        self._feeds.clear()
        self._woken.set()

    async def _run(self) -> None:
        news = self._news()
        try:
            async with self._read() as session:
                await news.skip(session)
        except PromptgraphError as error:
            self._dismiss(error)
        self._begun.set()
        reached = asyncio.get_running_loop().time()
        while self._feeds:
            await asyncio.sleep(BREATH_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause)
            self._woken.clear()
            reached = await self._look(news, reached)
        self._task = None

    async def _look(self, news: News[W], reached: float) -> float:
        """Tell what is new; when the database was reached last, by the loop's clock."""
        now = asyncio.get_running_loop().time()
        try:
            async with self._read() as session:
                await news.tell(session, list(self._feeds))
        except PromptgraphError as error:
            if now - reached > AWAY_SECONDS:
                log.warning("Subscribers are sent away: %s", error)
                self._dismiss(EventsMissedError(AWAY))
            return reached
        return now

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Tell the subscribers of a task that did not end by itself; the next one starts another."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("The follower of events failed; the next subscriber starts it again.", exc_info=error)
        if self._task is task:
            self._task = None
            self._dismiss(EventsMissedError(FAILED))
            self._begun.set()
