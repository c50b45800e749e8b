"""Live updates: the news of this process's subscribers, of calls and of the registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.graph.feed import Feed
from promptgraph.graph.follower import PAUSE_SECONDS, Follower
from promptgraph.store.call_stream import Tail, calls_for_each
from promptgraph.store.database import Opens, Session
from promptgraph.store.registry_news import Marks, labels_moved, prompts_synced, registry_marks


class CallNews:
    """Calls, as they are recorded."""

    def __init__(self) -> None:
        self._tail = Tail()

    async def skip(self, session: Session) -> None:
        await self._tail.skip(session)

    async def tell(self, session: Session, feeds: Collection[Feed[LlmCallFilter]]) -> None:
        """cost  as Tail.calls; and for every 500 new calls one statement per 50 different filters"""
        alike: defaultdict[LlmCallFilter, list[Feed[LlmCallFilter]]] = defaultdict(list)
        for feed in feeds:
            alike[feed.wanted].append(feed)
        async for ids in self._tail.calls(session):
            found = await calls_for_each(session, ids, list(alike))
            for same, fitting in zip(alike.values(), found, strict=True):
                for feed in same:
                    feed.put(fitting)


@dataclass(frozen=True, slots=True)
class RegistryFilter:
    """Which changes of the registry; None asks nothing. A name may be one that the prompt had before."""

    names: frozenset[str] | None = None
    label: str | None = None

    def holds(self, names: frozenset[str], label: str | None = None) -> bool:
        """Whether a change is wanted of a prompt with these names, and of this label."""
        return (self.names is None or bool(self.names & names)) and self.label in (None, label)


class RegistryNews:
    """Versions, as they are synced, and moves of labels."""

    _marks: Marks

    async def skip(self, session: Session) -> None:
        self._marks = await registry_marks(session)

    async def tell(self, session: Session, feeds: Collection[Feed[RegistryFilter]]) -> None:
        """cost  one statement; three or more after a change"""
        marks = await registry_marks(session)
        if marks == self._marks:
            return
        synced = await prompts_synced(session, self._marks.run_id)
        moved = await labels_moved(session, self._marks.move_id)
        for feed in feeds:
            wanted = feed.wanted
            keys: Sequence[int] = (
                [each.prompt_id for each in synced if wanted.holds(each.names)]
                if feed.loader == "prompt"
                else [each.move_id for each in moved if wanted.holds(each.names, each.label)]
            )
            feed.put(keys)
        self._marks = marks


class Live:
    """What subscribers of this process may hear of. It asks the database only while there are any."""

    def __init__(self, read: Opens, *, pause: float = PAUSE_SECONDS) -> None:
        """units  pause: seconds"""
        self._calls = Follower[LlmCallFilter](read, CallNews, pause=pause)
        self._registry = Follower[RegistryFilter](read, RegistryNews, pause=pause)

    async def calls(self, wanted: LlmCallFilter) -> Feed[LlmCallFilter]:
        """Calls that are recorded from now on."""
        return await self._calls.feed("call", wanted)

    async def syncs(self, wanted: RegistryFilter) -> Feed[RegistryFilter]:
        """Versions that are synced from now on."""
        return await self._registry.feed("prompt", wanted)

    async def moves(self, wanted: RegistryFilter) -> Feed[RegistryFilter]:
        """Labels that are moved from now on."""
        return await self._registry.feed("move", wanted)

    def wake(self) -> None:
        """Say that calls were recorded in this process: its subscribers need not wait for the clock."""
        self._calls.wake()

    async def stop(self) -> None:
        """Send every subscriber away."""
        await self._calls.stop()
        await self._registry.stop()
