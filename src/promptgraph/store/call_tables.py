"""The tables of calls and their figures, as the newest migration leaves them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from promptgraph.domain.cells import Scope
from promptgraph.domain.measures import MEASURES, Stored
from promptgraph.store.tables import METADATA, Id, Json, Name, UtcDateTime


class CallId(TypeDecorator[UUID]):
    """A UUID: PostgreSQL's own type, 16 bytes on SQLite. Both put ids in the order of their bytes."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LargeBinary(16) if dialect.name == "sqlite" else Uuid())

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        _ = dialect
        return UUID(bytes=bytes(value)) if isinstance(value, bytes) else value


COUNTS = (
    "attempt",
    "tool_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
    "cost_nano_usd",
    "latency_us",
    "time_to_first_token_us",
)
"""Columns of a call that are whole numbers from 0 on."""


def _owner(name: str, target: str) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="RESTRICT"))


def _call_id() -> Column[UUID]:
    return Column("call_id", CallId, ForeignKey("llm_calls.id", ondelete="CASCADE"), primary_key=True)


LLM_CALLS = Table(
    "llm_calls",
    METADATA,
    Column("id", CallId, primary_key=True),
    _owner("prompt_id", "prompts"),
    _owner("agent_id", "agents"),
    Column("label", Text),
    Column("environment", Name, nullable=False),
    Column("operation", Text),
    Column("provider", Name),
    Column("model", Name, nullable=False),
    Column("response_model", Text),
    Column("response_id", Text),
    Column("release", Text),
    Column("attempt", Integer),
    Column("status", Text, nullable=False),
    Column("error_type", Name),
    Column("error_message", Text),
    Column("finish_reasons", Json, nullable=False),
    Column("tool_call_count", BigInteger),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_read_input_tokens", BigInteger),
    Column("cache_write_input_tokens", BigInteger),
    Column("reasoning_output_tokens", BigInteger),
    Column("cost_nano_usd", BigInteger),
    Column("cost_source", Text),
    Column("latency_us", BigInteger),
    Column("time_to_first_token_us", BigInteger),
    Column("started_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("conversation_id", Name),
    Column("user_id", Name),
    Column("trace_id", Name),
    Column("span_id", Text),
    Column("content_state", Text, nullable=False),
    Column("rendered_hash", Text),
    Column("request_hash", LargeBinary),
    Column("hash_scheme", Integer),
    Column("legacy_id", BigInteger),
    Column("legacy_prompt_text", Text),
    CheckConstraint("status IN ('OK', 'ERROR')", name="status"),
    CheckConstraint("cost_source IN ('REPORTED', 'COMPUTED')", name="cost_source"),
    CheckConstraint("(cost_nano_usd IS NULL) = (cost_source IS NULL)", name="cost"),
    CheckConstraint("content_state IN ('FULL', 'HASHED', 'NONE', 'ERASED')", name="content_state"),
    *(CheckConstraint(f"{name} >= 0", name=name) for name in COUNTS),
    Index(None, "prompt_id", "started_at", "id"),
    Index(None, "agent_id", "started_at", "id"),
    Index(None, "started_at", "id"),
)
C = LLM_CALLS.c
for _column in (C.conversation_id, C.user_id, C.trace_id):
    _there = _column.is_not(None)
    Index(None, _column, C.started_at, C.id, sqlite_where=_there, postgresql_where=_there)

CALL_CONTENTS = Table(
    "call_contents",
    METADATA,
    _call_id(),
    Column("variables", Json),
    Column("output", Json),
    Column("metadata", Json),
    Column("hashes", Json),
    Column("redacted", Json),
)
"""Only of calls that have any of the first three, or hashes of them."""
CALL_SCORES = Table(
    "call_scores",
    METADATA,
    _call_id(),
    Column("name", Name, primary_key=True),
    Column("source", Name, primary_key=True),
    Column("value", Double),
    Column("label", Text),
    Column("comment", Text),
    Column("created_at", UtcDateTime, nullable=False),
)
RECORD_BATCHES = Table(
    "record_batches",
    METADATA,
    Column("id", CallId, primary_key=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("call_ids", LargeBinary, nullable=False),
    Column("delta", Json, nullable=False),
    Column("folded", Boolean, nullable=False),
    Index(None, "recorded_at", "id"),
)
"""The ledger: what each commit adds to the figures (domain.ledger); `call_ids` are 16 bytes each."""
_unfolded = ~RECORD_BATCHES.c.folded
Index("ix_record_batches_unfolded", RECORD_BATCHES.c.id, sqlite_where=_unfolded, postgresql_where=_unfolded)

_KEY: dict[str, TypeEngine[Any]] = {
    "generation": Integer(),
    "scope": SmallInteger(),
    "level": SmallInteger(),
    "prompt_id": BigInteger(),
    "period": Integer(),
    "agent_id": BigInteger(),
    "environment": Name,
    "model": Name,
    "provider": Name,
}
"""The primary key of a rollup, in its order: what a reader knows first, then the range of periods."""
_STORED: dict[Stored, TypeEngine[Any]] = {
    Stored.INTEGER: BigInteger(),
    Stored.BYTES: LargeBinary(),
    Stored.TEXT: Text(),
}
ROLLUPS = Table(
    "rollups",
    METADATA,
    *(Column(name, type_, primary_key=True, autoincrement=False) for name, type_ in _KEY.items()),
    *(Column(measure.name, _STORED[measure.stored], nullable=False) for measure in MEASURES),
    sqlite_with_rowid=False,
)
U = ROLLUPS.c
_by_agent = U.scope >= Scope.AGENT.value
Index(
    "ix_rollups_agent_id",
    *(U.generation, U.scope, U.level, U.agent_id, U.period),
    sqlite_where=_by_agent,
    postgresql_where=_by_agent,
)
# always true: without statistics PostgreSQL would take this index for whole keys, which do not say it
Index("ix_rollups_period", U.generation, U.level, U.period, postgresql_where=U.scope >= Scope.ALL.value)
ROLLUP_STATE = Table(
    "rollup_state",
    METADATA,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("rebuild", Text),
    Column("rebuild_at", UtcDateTime),
)
"""One row: which generation of the rollups is read, and the rebuild that writes the next one. Who folds holds
the row locked.
"""
ERASURES = Table(
    "erasures",
    METADATA,
    Column("id", CallId, primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("erased_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("named_by", Text, nullable=False),
    Column("calls", BigInteger, nullable=False),
)
"""What was erased: when, by whom, why, and of how many calls; how they were named, but never their names."""
RETENTION = Table(
    "retention",
    METADATA,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("before_day", Integer),
)
"""One row: the UTC day, counted from 1970, before which calls have been pruned; null where none were."""
