"""The rows of old about calls, as a stream, and what they may point at. As frozen as a revision.

A revision reaches it as `op.get_context().opts["legacy_rows"]`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from types import ModuleType
from typing import Any, NamedTuple

import sqlalchemy as sa

PAGE = 2_000
MAX_ID, MAX_DIGITS = 2**63 - 1, 19
CALL = (
    *("id", "agent_id", "prompt", "response", "model", "input_tokens", "output_tokens", "latency_ms"),
    *("status", "created_at", "updated_at"),
)
USAGE = ("id", "prompt_id", "llm_call_id", "agent_id", "created_at")
EVALUATION = ("id", "prompt_id", "llm_call_id", "score", "comment", "created_at")
WHOLE = {"id", "prompt_id", "llm_call_id", "agent_id", "input_tokens", "output_tokens"}

Row = dict[str, Any]


class Known(NamedTuple):
    """What rows may point at: the text of each prompt by id (None where it is no single text of a user), the
    agents' ids; what is an instant, and the first one.
    """

    prompts: dict[int, str | None]
    agents: set[int]
    instant: Callable[[str | None], dt.datetime | None]
    first: dt.datetime


class OldRows(NamedTuple):
    """The three tables, calls by id and the others by the id of their call."""

    calls: Iterator[Row]
    usages: Iterator[Row]
    evaluations: Iterator[Row]


def old_rows(bind: sa.Connection, calls: str) -> OldRows:
    """Each table once, a page at a time in memory."""
    return OldRows(
        rows(bind, calls, CALL, "id"),
        rows(bind, "prompt_usages", USAGE, "llm_call_id, id"),
        rows(bind, "prompt_evaluations", EVALUATION, "llm_call_id, id"),
    )


def rows(bind: sa.Connection, table: str, columns: Iterable[str], order: str) -> Iterator[Row]:
    """The rows in order, every number, text and time as it is: SQLite lets a column hold anything."""
    read = "CAST({0} AS TEXT)"
    if bind.dialect.name == "sqlite":
        read = "CASE WHEN typeof({0}) = 'text' THEN CAST({0} AS BLOB) ELSE {0} END"
    wanted = [sa.literal_column(read.format(name)).label(f"its_{name}") for name in columns]
    nulls = " NULLS FIRST"
    stmt = (
        sa.select(*wanted)
        .select_from(sa.table(table))
        .order_by(sa.text(order.replace(",", f"{nulls},") + nulls))
    )
    with bind.execute(stmt.execution_options(yield_per=PAGE)) as result:
        for page in result.partitions():
            for row in page:
                yield {
                    name: value if value is None or type(value) is int else native(name, value)
                    for name, value in zip(columns, row, strict=True)
                }


def native(column: str, value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return as_whole(value) if column in WHOLE else value


def as_whole(value: Any) -> Any:
    """A whole number that is written otherwise; any other value as it is."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < MAX_DIGITS:
        return int(value)
    try:
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() and abs(number) <= MAX_ID else value
    except (InvalidOperation, ValueError):
        return value


def known(bind: sa.Connection, calls: str, legacy: ModuleType, *, of_old: bool) -> Known:
    """What rows may point at, from prompts and agents as they are now or, `of_old`, as they were."""
    if of_old:
        texts = {
            row["id"]: str(row["content"] or "") for row in rows(bind, "prompts", ("id", "content"), "id")
        }
    else:
        there = sa.table("prompts", sa.column("id"), sa.column("messages", sa.JSON))
        texts = {id_: only_text(messages) for id_, messages in bind.execute(sa.select(*there.c))}
    agents = set(bind.execute(sa.select(sa.column("id")).select_from(sa.table("agents"))).scalars())
    return Known(texts, agents, legacy.instant, earliest(bind, calls, legacy))


def only_text(messages: list[dict[str, Any]]) -> str | None:
    """What was the content of a prompt of old."""
    match messages:
        case [{"role": "user", "content": str(only)}]:
            return only
    return None


def earliest(bind: sa.Connection, calls: str, legacy: ModuleType) -> dt.datetime:
    """The instant for a first call that tells none: that of the first one that does."""
    stmt = sa.select(sa.literal_column("CAST(min(created_at) AS TEXT)")).select_from(sa.table(calls))
    return legacy.instant(bind.execute(stmt).scalar()) or dt.datetime.now(dt.UTC)
