"""Where figures are read from: what a session gives, which can read them however much waits. `direct_source`
gives the same faster.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from promptgraph.domain.cells import fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import CallFacts, Kind
from promptgraph.domain.metrics_key import MetricsFilter
from promptgraph.domain.period import micros_of
from promptgraph.domain.pile import Where
from promptgraph.domain.sums import Key, summed
from promptgraph.domain.window import Window
from promptgraph.store.agents import agents_by_name
from promptgraph.store.database import Session
from promptgraph.store.families import families_by_name
from promptgraph.store.keys import INT32, among
from promptgraph.store.ledger_rows import unfolded_pages
from promptgraph.store.raw_calls import facts_in, scores_in
from promptgraph.store.records import A, P
from promptgraph.store.retention import kept_since
from promptgraph.store.rollup_sums import Cells, cell_sums

Found: TypeAlias = list[tuple[Key, Figures]]
"""By columns; a key may come more than once."""
Values: TypeAlias = Mapping[str, frozenset[int | str]]
"""Which values each column may have."""


class Version(NamedTuple):
    """A version as groups and filters know it."""

    id: int
    name: str
    number: int
    family_id: int


class Single(NamedTuple):
    """Which single calls: those that started in one of the windows and have these values. `place`: which step
    of a series holds a moment in microseconds since 1970; None: there is one.
    """

    windows: Sequence[Window]
    where: Values
    place: Callable[[int], int] | None


class Source(Protocol):
    """One state of the database."""

    async def versions_of(self, family_ids: Collection[int]) -> Sequence[tuple[int, int]]:
        """Ids of these families' versions, each with its family's."""
        ...

    async def versions_wanted(self, wanted: MetricsFilter) -> Sequence[int]:
        """Ids of the versions that a filter of names or numbers chooses."""
        ...

    async def agents_named(self, names: Sequence[str]) -> Sequence[int]:
        """Ids of the agents of these names."""
        ...

    async def versions(self, ids: Sequence[int]) -> Sequence[Version]:
        """Those of these ids that there are."""
        ...

    async def agents(self, ids: Sequence[int]) -> Sequence[tuple[int, str]]:
        """Ids and names of those that there are."""
        ...

    async def kept_since(self) -> dt.datetime | None:
        """Since when calls are kept; None: since ever."""
        ...

    async def cells(self, cells: Cells, by: Sequence[str], measures: Sequence[str]) -> Found:
        """As `rollup_sums.cell_sums`."""
        ...

    async def waiting(self, by: Sequence[str], where: Where, measures: Sequence[str]) -> Found:
        """What the ledger holds beyond the cells, as `domain.sums.summed`."""
        ...

    async def calls(self, single: Single, by: Sequence[str], measures: Sequence[str]) -> Found:
        """Single calls added up: by the place of their step, then by columns."""
        ...


class General:
    """A session as a source."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def versions_of(self, family_ids: Collection[int]) -> Sequence[tuple[int, int]]:
        stmt = select(P.id, P.family_id).where(among(P.family_id, [*family_ids]))
        return [(id_, family) for id_, family in await self._session.execute(stmt)]

    async def versions_wanted(self, wanted: MetricsFilter) -> Sequence[int]:
        stmt = select(P.id)
        if wanted.prompts is not None:
            families = await families_by_name(self._session, wanted.prompts)
            stmt = stmt.where(among(P.family_id, [family.id for family in families if family]))
        if wanted.versions is not None:
            numbers = [number for number in wanted.versions if abs(number) <= INT32]
            stmt = stmt.where(among(P.version, numbers))
        return list(await self._session.scalars(stmt))

    async def agents_named(self, names: Sequence[str]) -> Sequence[int]:
        return [agent.id for agent in await agents_by_name(self._session, names) if agent]

    async def versions(self, ids: Sequence[int]) -> Sequence[Version]:
        stmt = select(P.id, P.name, P.version, P.family_id).where(among(P.id, ids))
        return [Version(*row) for row in await self._session.execute(stmt)]

    async def agents(self, ids: Sequence[int]) -> Sequence[tuple[int, str]]:
        stmt = select(A.id, A.name).where(among(A.id, ids))
        return [(id_, name) for id_, name in await self._session.execute(stmt)]

    async def kept_since(self) -> dt.datetime | None:
        return await kept_since(self._session)

    async def cells(self, cells: Cells, by: Sequence[str], measures: Sequence[str]) -> Found:
        return await cell_sums(self._session, cells, by, measures)

    async def waiting(self, by: Sequence[str], where: Where, measures: Sequence[str]) -> Found:
        found: Found = []
        async for page in unfolded_pages(self._session):
            found += summed([batch.delta for batch in page], by, where, measures).items()
        return found

    async def calls(self, single: Single, by: Sequence[str], measures: Sequence[str]) -> Found:
        place = single.place or _first
        calls: dict[int, list[CallFacts]] = {}
        for call in await facts_in(self._session, single.windows, single.where):
            calls.setdefault(place(micros_of(call.started_at)), []).append(call)
        found: Found = [
            ((at, *key), each)
            for at, some in calls.items()
            for key, each in summed([Delta.of_calls(some)], by, measures=measures).items()
        ]
        if Kind.SCORES in measures:
            for call, name, value in await scores_in(self._session, single.windows, single.where):
                fine = fine_cell(call)._asdict()
                key = (place(micros_of(call.started_at)), *(fine[column] for column in by))
                found.append((key, of_score(measures, name, value)))
        return found


def _first(_micros: int) -> int:
    return 0


def of_score(measures: Iterable[str], name: str, value: float) -> Figures:
    """These measures, of a score alone."""
    blank = Figures.blank(measures)
    return Figures(blank.numbers, blank.histograms, Figures.of_score(name, None, value).tallies)


def source_of(source: Session | Source) -> Source:
    """A session is read the general way."""
    return General(source) if isinstance(source, AsyncSession) else source
