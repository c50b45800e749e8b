"""Writing calls: rows, contents and the ledger row of one commit together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from promptgraph.domain.call import CallContent, LlmCall
from promptgraph.domain.delta import Delta
from promptgraph.store.bulk import Driver, insert_new, insert_rows
from promptgraph.store.call_records import CALL_COLUMNS, CONTENT_COLUMNS, call_values, content_values
from promptgraph.store.ledger import add_batch


def add_calls(
    driver: Driver, calls: Sequence[LlmCall], contents: Sequence[CallContent], at: dt.datetime
) -> set[UUID]:
    """Store those of `calls` whose ids are new, what there is of their contents, and what they add to the
    figures; their ids. A call that is there already stays as it is. No two of `calls` have the same id;
    whoever sorts them by id cannot wait for another that waits for it.

    cost  three statements on PostgreSQL, one more on SQLite, and there a step per row
    """
    new = insert_new(driver, CALL_COLUMNS, [call_values(call) for call in calls])
    if new:
        added = calls if len(new) == len(calls) else [call for call in calls if call.id in new]
        about = [content_values(content) for content in contents if content.call_id in new]
        insert_rows(driver, CONTENT_COLUMNS, about)
        add_batch(driver, Delta.of_calls(added), [call.id for call in added], at)
    return new


def confirm(driver: Driver, ids: Iterable[UUID]) -> None:
    """Have a commit that adds no call count as one that does: it ends once the standby has all that is
    stored. A call that is there already may be one whose own commit was never confirmed, and a transaction
    that writes nothing waits for nobody; to lock a row is to write.

    cost  on PostgreSQL a statement, more only for calls that are gone
    """
    if driver.dialect.name == "postgresql":
        any(any(True for _ in driver.exec_driver_sql(_LOCKED, (id_,))) for id_ in ids)


_LOCKED = 'SELECT "id" FROM "llm_calls" WHERE "id" = $1 FOR UPDATE'
