"""The ledger: a row per commit, which says what that commit adds to the figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from promptgraph.domain import ledger
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.delta import Delta
from promptgraph.domain.sums import compacted
from promptgraph.store.bulk import Driver, insert_rows
from promptgraph.store.call_tables import RECORD_BATCHES


def add_batch(driver: Driver, delta: Delta, call_ids: Sequence[UUID], at: dt.datetime) -> UUID:
    """The id of a new ledger row; `call_ids` are the calls that this commit adds, none for a correction.

    cost  one statement
    """
    id_ = new_call_id()
    ids = b"".join(call_id.bytes for call_id in call_ids)
    insert_rows(driver, _COLUMNS, [(id_, at, ids, ledger.to_row(compacted(delta)), False)])
    return id_


_COLUMNS = tuple(RECORD_BATCHES.c)


def clock(driver: Driver) -> dt.datetime:
    """The database's own time, not that of the transaction's begin; on SQLite this host's.

    cost  one statement, none on SQLite
    """
    if driver.dialect.name == "sqlite":
        return dt.datetime.now(dt.UTC)
    ((at,),) = driver.exec_driver_sql("SELECT clock_timestamp()")
    told: dt.datetime = at
    return told.astimezone(dt.UTC)
