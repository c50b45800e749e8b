"""Figures of all time for many owners at once, from one statement: their cells as they are stored, and what
waits. Whoever made something of the same cells before need not read them again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, cast, null, select, union_all

from promptgraph.domain.cells import NOBODY, Level, Scope
from promptgraph.domain.figures import SUMS, Figures
from promptgraph.domain.measures import INT64
from promptgraph.domain.metrics_key import OwnerKind
from promptgraph.store.call_tables import U
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError, Statement, parameter
from promptgraph.store.keys import listed, storable
from promptgraph.store.metrics_asked import COLUMN, columns_of
from promptgraph.store.rollup_sums import GENERATION, literal_number
from promptgraph.store.tables import Json
from promptgraph.store.waiting import Added, waiting_ids

SCOPE: Mapping[OwnerKind, Scope] = {
    OwnerKind.ALL: Scope.ALL,
    OwnerKind.PROMPT: Scope.PROMPT,
    OwnerKind.AGENT: Scope.AGENT,
}
"""Owners who have cells of their own; those of a family are its versions'."""


class Total(NamedTuple):
    """An owner's figures, not yet put together: two of the same measures and `mark` are the same."""

    measures: tuple[str, ...]
    cells: tuple[tuple[Any, ...], ...]
    added: Added | None

    @property
    def mark(self) -> Hashable:
        return self.cells, 0 if self.added is None else self.added.mark

    def figures(self) -> Figures:
        """The figures.

        raises  NotDirectError      a sum stands at its bound
                InvalidRollupError  a stored value is damaged
        """
        made = Figures.blank(self.measures)
        for cell in self.cells:
            if INT64 in cell and any(
                value == INT64 for name, value in zip(self.measures, cell, strict=True) if name in SUMS
            ):
                raise NotDirectError
            made.add(Figures.of_values(self.measures, cell))
        if self.added is not None:
            made.add(self.added.total)
        return made


async def totals(db: Database, kind: OwnerKind, ids: Sequence[int], measures: tuple[str, ...]) -> list[Total]:
    """These measures of each owner's calls of all time, in the order of `ids`; good until somebody waits for
    something.

    keys    `kind` one of SCOPE; `measures` as `domain.metrics.measures_for` gives them
    cost    one statement; more for rows of the ledger that were never read
    raises  NotDirectError, InvalidRollupError  as `Waiting`
    """
    async with db.direct() as reader:
        rows = await reader.rows(_statement(kind, measures), owners=storable(ids))
        text = next(row[0] for row in rows if row[1] is None)
        found = await db.waiting.lacking(reader, text)
    columns = columns_of(kind)
    added = db.waiting.at(text, found, columns)
    cells: dict[int, list[tuple[Any, ...]]] = {}
    for _, owner, *cell in rows:
        if owner is not None:
            cells.setdefault(owner, []).append(tuple(cell))
    return [
        Total(measures, tuple(sorted(cells.get(id_, ()))), added.get((id_,) if columns else ()))
        for id_ in ids
    ]


@lru_cache(maxsize=256)
def _statement(kind: OwnerKind, measures: tuple[str, ...]) -> Statement:
    scope, column = SCOPE[kind], COLUMN.get(kind)
    owner = U[column] if column else literal_number(0)
    cells = select(cast(null(), Text), owner, *(U[name] for name in measures)).where(
        *cells_of(scope, Level.TOTAL), U.period == 0, *among_owners(column)
    )
    return Statement(
        lambda _: union_all(
            cells, select(waiting_ids().scalar_subquery(), null(), *[null() for _ in measures])
        )
    )


def cells_of(scope: Scope, level: Level) -> list[ColumnElement[bool]]:
    """The cells of a scope and a level in the generation that is read."""
    # scope and level stand in the text itself, for partial indexes to be found
    where = [U.generation == GENERATION, U.scope == literal_number(scope), U.level == literal_number(level)]
    if scope >= Scope.AGENT:
        where.append(U.scope >= literal_number(Scope.AGENT))
    elif scope is Scope.ALL:
        where.append(U.prompt_id == NOBODY)
    return where


def among_owners(column: str | None) -> list[ColumnElement[bool]]:
    """The cells of the owners that the parameter `owners` lists."""
    if column is None:
        return []
    return [listed(U[column], parameter("owners", Json))]
