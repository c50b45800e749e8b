"""Applied syncs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from promptgraph.domain.asking import Page, PageArgs
from promptgraph.domain.registry import SyncRun
from promptgraph.store.database import Session
from promptgraph.store.keys import storable
from promptgraph.store.paging import Order, Term, page_of
from promptgraph.store.records import RUN_COLUMNS, R, run_of
from promptgraph.store.tables import RUNS

RUNS_ORDER: Order = (Term(R.id, "id", descending=True),)


async def runs_by_id(session: Session, ids: Sequence[int]) -> list[SyncRun | None]:
    """Runs in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(select(*RUN_COLUMNS).where(R.id.in_(storable(ids))))
    found = {row[0]: run_of(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def runs_page(session: Session, page: PageArgs) -> Page[SyncRun]:
    """A page of all runs, newest first.

    cost  one statement; a second one where the page has a cursor
    """
    return await page_of(session, select(*RUN_COLUMNS), RUNS_ORDER, page, run_of)


async def count_runs(session: Session) -> int:
    """How many runs there were.

    cost  one statement
    """
    return int((await session.execute(select(func.count()).select_from(RUNS))).scalar_one())


async def last_run(session: Session, source: str | None = None) -> SyncRun | None:
    """The newest run, of one source if named.

    cost  one statement
    """
    stmt = select(*RUN_COLUMNS).order_by(R.id.desc()).limit(1)
    if source is not None:
        stmt = stmt.where(R.source == source)
    row = (await session.execute(stmt)).one_or_none()
    return run_of(row) if row else None
