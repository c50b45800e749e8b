"""What clients lived through, as data, and whether the database agrees with it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from promptgraph.store.call_tables import LLM_CALLS
from promptgraph.store.database import Database
from promptgraph.store.drift import verify


class Kind(StrEnum):
    """Of an event: a call is made; it was acknowledged; it was definitely refused; nobody knows."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


REFUSED = "nobody listened"
BROKEN = "no whole answer"
SENT_AGAIN = "duplicate"


class Event(NamedTuple):
    """Something happened to a call; `number` is its content. `why`: a code, or one of the words above."""

    kind: Kind
    id: UUID
    number: int
    at: float
    why: str = ""
    said: str = ""


class Stored(NamedTuple):
    """What a database holds: by number the ids of the calls that have it; how many figures are wrong."""

    ids: Mapping[int, list[UUID]]
    drifts: int


@dataclass
class History:
    """Everything that clients did, in the order in which it was noted down."""

    events: list[Event] = field(default_factory=list)
    acked: int = 0
    turned_away: int = 0

    def add(self, kind: Kind, id_: UUID, number: int, why: str = "", said: str = "") -> None:
        self.events.append(Event(kind, id_, number, time.monotonic(), why, said))
        self.acked += kind is Kind.OK
        self.turned_away += kind in (Kind.INFO, Kind.FAIL)

    def numbers(self, kind: Kind) -> set[int]:
        return {event.number for event in self.events if event.kind is kind}

    def whys(self) -> Counter[str]:
        """How often an attempt ended without a yes, by reason."""
        return Counter(event.why for event in self.events if event.kind in (Kind.INFO, Kind.FAIL))

    def said(self) -> set[str]:
        """The sentences of typed errors."""
        return {event.said for event in self.events if event.said}

    def slowest(self) -> float:
        """The most seconds from the first attempt of a call to its yes."""
        began = {event.number: event.at for event in self.events if event.kind is Kind.INVOKE}
        return max((e.at - began[e.number] for e in self.events if e.kind is Kind.OK), default=0.0)


@dataclass(frozen=True)
class Verdict:
    """What a run came to. `interrupted`: attempts under way that got no whole answer; `strange`: what is
    stored though nobody sent it, or though it was definitely refused.
    """

    acked: int
    retries: int
    interrupted: int
    slowest: float
    lost: frozenset[int]
    doubled: frozenset[int]
    strange: frozenset[int]
    drifts: int

    @property
    def flawless(self) -> bool:
        return not (self.lost or self.doubled or self.strange or self.drifts)


async def stored_in(url: str) -> Stored:
    """What the database at `url` holds."""
    db, ids = Database(url), defaultdict(list)
    try:
        async with db.read() as session:
            for id_, number in await session.execute(select(LLM_CALLS.c.id, LLM_CALLS.c.input_tokens)):
                ids[number].append(id_)
        return Stored(ids, len(await verify(db)))
    finally:
        await db.close()


def judged(history: History, url: str, *, keyed: bool = True) -> Verdict:
    """Whether each acknowledged call is stored once, under its id; each refused one not at all; what nobody
    knows of at most once; and whether the figures are those of the calls.
    """
    stored = asyncio.run(stored_in(url))
    ids = {event.number: event.id for event in history.events}
    ok, fail = history.numbers(Kind.OK), history.numbers(Kind.FAIL)
    whys = history.whys()
    wrong = {n for n, found in stored.ids.items() if n not in ids or (keyed and ids[n] not in found)}
    return Verdict(
        acked=history.acked,
        retries=whys.total(),
        interrupted=whys[BROKEN],
        slowest=history.slowest(),
        lost=frozenset(ok - stored.ids.keys()),
        doubled=frozenset(n for n, found in stored.ids.items() if len(found) > 1),
        strange=frozenset(wrong | (fail & stored.ids.keys())),
        drifts=stored.drifts,
    )
