"""The watermark: the UTC day before which calls have been pruned, and figures alone are kept."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy import or_, select, update

from promptgraph.domain.retention import start_of
from promptgraph.store.bulk import Driver
from promptgraph.store.call_tables import RETENTION
from promptgraph.store.database import Session
from promptgraph.store.ledger import clock

R = RETENTION.c
LIVE = dt.timedelta(days=1)
"""Nobody prunes what began so lately: the shortest retention is days longer than any transaction."""

_DAY = "SELECT before_day FROM retention"


class Moment(NamedTuple):
    """The database's own time, and since when calls are kept; None: since ever."""

    at: dt.datetime
    kept_since: dt.datetime | None


def moment(driver: Driver, earliest: dt.datetime | None) -> Moment:
    """The time, and what is kept, which stays so until this transaction ends: of calls that began at
    `earliest` or later none is pruned meanwhile.

    cost  one statement; one more for calls that are older than LIVE, but on SQLite, where nobody else writes
    """
    if driver.dialect.name == "sqlite":
        at = clock(driver)
        ((day,),) = driver.exec_driver_sql(_DAY)
    else:
        ((told, day),) = driver.exec_driver_sql(f"SELECT clock_timestamp(), ({_DAY})")
        at = told.astimezone(dt.UTC)
        if earliest is not None and earliest < at - LIVE:
            ((day,),) = driver.exec_driver_sql(f"{_DAY} FOR SHARE")
    return Moment(at, None if day is None else start_of(day))


async def pruned_day(session: Session) -> int | None:
    """The day before which calls have been pruned, counted from 1970; None: nobody has pruned.

    cost  one statement
    """
    day: int | None = await session.scalar(select(R.before_day))
    return day


async def kept_since(session: Session) -> dt.datetime | None:
    """Since when calls are kept; None: since ever.

    cost  one statement
    """
    day = await pruned_day(session)
    return None if day is None else start_of(day)


async def keep_from(session: Session, day: int) -> int:
    """Say that calls which started before `day` are pruned from now on; the day that counts, which may be a
    later one, for it never goes back. Waits for those who record older calls.

    cost  two statements
    """
    earlier = or_(R.before_day.is_(None), R.before_day < day)
    await session.execute(update(RETENTION).where(earlier).values(before_day=day))
    return int((await session.execute(select(R.before_day))).scalar_one())
