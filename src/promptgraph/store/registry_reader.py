"""Reads the registry into memory, and again after it has changed: what did not change is kept as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, select

from promptgraph.domain.prompt import Prompt
from promptgraph.store.agents import assignments
from promptgraph.store.database import Session
from promptgraph.store.filters import Searchable
from promptgraph.store.keys import chunked
from promptgraph.store.labels import labels
from promptgraph.store.paging import Make, Rows
from promptgraph.store.records import (
    AGENT_COLUMNS,
    FAMILY_COLUMNS,
    VERSION_COLUMNS,
    A,
    F,
    L,
    P,
    S,
    agent_of,
    assignment_of,
    family_of,
    label_of,
    version_of,
)
from promptgraph.store.snapshot import RegistryRows
from promptgraph.store.weight import weight

T = TypeVar("T")

STEP, CONTENTS = 200, 50
"""So many rows, and so many contents, become records before others have their turn."""
INDEX_BYTES = 1024
"""What a snapshot takes for each version besides the record."""


class TooLargeError(Exception):
    """The registry takes more memory than it may."""


class UnfinishedError(Exception):
    """Time is up; what was read is kept for the next time."""


class _Head(NamedTuple):
    """A version without its content, for which the hash stands."""

    id: int
    family_id: int
    draft: bool
    content_hash: str


class RegistryReader:
    """Keeps versions from one reading to the next: a firm one never changes. Drafts are read each time."""

    def __init__(self, limit: int) -> None:
        """units  limit: bytes that all records may take"""
        self._limit = limit
        self._families: dict[int, Searchable] = {}
        self._prompts: dict[int, Prompt] = {}
        self._sizes: dict[int, int] = {}

    async def rows(self, session: Session, revision: int, *, until: float) -> RegistryRows:
        """The registry as this transaction sees it; `revision` is what it says there.

        units   until: seconds of the loop's clock
        raises  TooLargeError, UnfinishedError
        cost    five statements, and one for each fifty versions that are new; others have their turns
        """
        families = await self._read_families(session)
        heads = await _read(session, select(P.id, P.family_id, P.draft, P.content_hash), P.id, _Head._make)
        small = (
            await _read(session, labels(), L.id, label_of),
            await _read(session, select(*AGENT_COLUMNS), A.id, agent_of),
            await _read(session, assignments(), S.id, assignment_of),
        )
        others = sum(map(weight, (families, *small)))
        await self._read_versions(session, heads, until, self._limit - others)
        return RegistryRows(revision, families, await self._joined(heads), *small)

    async def _read_families(self, session: Session) -> list[Searchable]:
        stmt = select(*FAMILY_COLUMNS, F.search_text)
        found = await _read(session, stmt, F.id, lambda row: Searchable(family_of(row), row[-1]))
        before = self._families
        kept = [before[id_] if before.get(id_ := each.family.id) == each else each for each in found]
        self._families = {each.family.id: each for each in kept}
        return kept

    async def _read_versions(self, session: Session, heads: Sequence[_Head], until: float, room: int) -> None:
        """raises  TooLargeError, UnfinishedError"""
        self._sizes = {head.id: size for head in heads if (size := self._sizes.get(head.id))}
        taken = sum(self._sizes.values()) + INDEX_BYTES * len(heads)
        missing = [head for head in heads if not self._is_kept(head)]
        for some in chunked(missing, CONTENTS):
            if taken > room:
                break
            taken += await self._read_contents(session, some)
            if some[-1] is not missing[-1] and asyncio.get_running_loop().time() > until:
                raise UnfinishedError
        if taken > room:
            raise TooLargeError

    async def _read_contents(self, session: Session, heads: Sequence[_Head]) -> int:
        """How many bytes more are kept after these were read."""
        before = sum(self._sizes.get(head.id, 0) for head in heads)
        families = {head.id: self._families[head.family_id].family for head in heads}
        stmt = select(*VERSION_COLUMNS).where(P.id.in_(families))
        for row in await session.execute(stmt):
            prompt = version_of(row, families[row[0]])
            self._prompts[prompt.id] = prompt
            self._sizes[prompt.id] = weight(prompt, but=prompt.family)
        await asyncio.sleep(0)
        return sum(self._sizes[head.id] for head in heads) - before

    def _is_kept(self, head: _Head) -> bool:
        kept = self._prompts.get(head.id)
        return (
            kept is not None
            and not (kept.draft or head.draft)
            and kept.content_hash == head.content_hash
            and head.id in self._sizes
        )

    async def _joined(self, heads: Sequence[_Head]) -> list[Prompt]:
        """The versions with their families as they are now; those that are gone are forgotten."""
        kept: dict[int, Prompt] = {}
        for some in chunked(heads, STEP):
            for head in some:
                prompt, family = self._prompts[head.id], self._families[head.family_id].family
                kept[head.id] = prompt if prompt.family is family else replace(prompt, family=family)
            await asyncio.sleep(0)
        self._prompts = kept
        return list(kept.values())


async def _read(session: Session, rows: Rows, id_: ColumnElement[int], make: Make[T]) -> list[T]:
    """All rows as records, by id."""
    found: list[T] = []
    result = await session.execute(rows.order_by(id_))
    for some in result.partitions(STEP):
        found += map(make, some)
        await asyncio.sleep(0)
    return found
