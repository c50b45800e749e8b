"""Which agent a call names: agents that no file declares are made when a call first names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

from promptgraph.record.gathering import Gathering
from promptgraph.store import registry
from promptgraph.store.agents import agents_by_name, count_undeclared
from promptgraph.store.attempts import attempted
from promptgraph.store.database import Database, Session

MAX_UNDECLARED = 1_000
REMEMBERED = 10_000


class Agents:
    """Ids of agents by name. An agent never goes away, so that an id once known stays right."""

    def __init__(self, db: Database, now: Callable[[], dt.datetime]) -> None:
        self._db = db
        self._now = now
        self._known: dict[str, int] = {}
        self._gathering = Gathering(self._find)

    async def find(self, names: Iterable[str]) -> dict[str, int | None]:
        """By name the id. One that is new here is made, undeclared; beyond MAX_UNDECLARED it is None.

        raises  StoreUnavailableError  the database is out of reach
        cost    nothing where all are known; two statements where not; a small transaction for new ones
        """
        wanted = set(names)
        known: dict[str, int | None] = {name: self._known[name] for name in wanted & self._known.keys()}
        unknown = wanted - known.keys()
        return known | await self._gathering.find(unknown) if unknown else known

    async def _find(self, unknown: set[str]) -> dict[str, int | None]:
        if len(self._known) > REMEMBERED:
            self._known.clear()
        async with self._db.read() as session:
            missing = await self._learn(session, sorted(unknown))
            room = bool(missing) and await count_undeclared(session) < MAX_UNDECLARED
        if room:
            await attempted(lambda: self._make(missing))
        return {name: self._known.get(name) for name in unknown}

    async def _learn(self, session: Session, names: Sequence[str]) -> list[str]:
        """Remember the ids of those that are there; the names of the others."""
        found = await agents_by_name(session, names)
        self._known |= {agent.name: agent.id for agent in found if agent is not None}
        return [name for name, agent in zip(names, found, strict=True) if agent is None]

    async def _make(self, names: Sequence[str]) -> None:
        made: dict[str, int] = {}
        async with self._db.write() as session:
            await registry.lock_registry(session)
            missing = await self._learn(session, names)
            room = MAX_UNDECLARED - await count_undeclared(session)
            for name in missing[: max(room, 0)]:
                made[name] = await registry.put_agent(
                    session, name=name, description=None, declared=False, source=None, at=self._now()
                )
            if made:
                await registry.advance_revision(session)
        self._known |= made
