"""Families by id, by name, and by page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from promptgraph.domain.asking import Page, PageArgs, PromptFilter
from promptgraph.domain.prompt import PromptFamily
from promptgraph.store.database import Session
from promptgraph.store.filters import family_predicates
from promptgraph.store.keys import holds_any, storable
from promptgraph.store.paging import Order, Term, page_of
from promptgraph.store.records import FAMILY_COLUMNS, F, L, family_of
from promptgraph.store.tables import FAMILIES

FAMILIES_ORDER: Order = (Term(F.name, "name"),)


async def families_by_id(session: Session, ids: Sequence[int]) -> list[PromptFamily | None]:
    """Families in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(select(*FAMILY_COLUMNS).where(F.id.in_(storable(ids))))
    found = {row[0]: family_of(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def families_by_name(session: Session, names: Sequence[str]) -> list[PromptFamily | None]:
    """Families in the order of `names`, retired ones too. A former name counts where no family has it now.

    cost  one statement; a second one where a name is nobody's now
    """
    found = {family.name: family for family in await _families(session, F.name.in_(set(names)))}
    if missing := sorted(set(names) - found.keys()):
        heirs = await _families(session, holds_any(F.former_names, missing))
        by_former = {old: heir for heir in reversed(heirs) for old in heir.former_names}
        found |= {name: by_former[name] for name in missing if name in by_former}
    return [found.get(name) for name in names]


async def _families(session: Session, condition: ColumnElement[bool]) -> list[PromptFamily]:
    rows = await session.execute(select(*FAMILY_COLUMNS).where(condition).order_by(F.id))
    return [family_of(row) for row in rows]


async def families_page(session: Session, wanted: PromptFilter, page: PageArgs) -> Page[PromptFamily]:
    """A page of the families that `wanted` lets through, by name.

    cost  one statement; a second one where the page has a cursor
    """
    rows = select(*FAMILY_COLUMNS).where(*_conditions(wanted))
    return await page_of(session, rows, FAMILIES_ORDER, page, family_of)


async def count_families(session: Session, wanted: PromptFilter) -> int:
    """How many families `wanted` lets through.

    cost  one statement
    """
    stmt = select(func.count()).select_from(FAMILIES).where(*_conditions(wanted))
    return int((await session.execute(stmt)).scalar_one())


def _conditions(wanted: PromptFilter) -> list[ColumnElement[bool]]:
    conditions = family_predicates(wanted)
    if wanted.label is not None:
        labelled = select(L.id).where(L.family_id == F.id, L.label == wanted.label)
        conditions.append(labelled.exists())
    return conditions
