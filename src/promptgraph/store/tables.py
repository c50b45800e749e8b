"""The tables, as the newest migration leaves them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC instant on every dialect; SQLite forgets the zone, this puts it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        _ = dialect
        return value.astimezone(dt.UTC) if value else None

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        _ = dialect
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)

    def bind_processor(self, dialect: Dialect) -> Any:
        """As SQLAlchemy would, in a tenth of the time on SQLite."""
        return sqlite_instant if dialect.name == "sqlite" else super().bind_processor(dialect)


def sqlite_instant(at: dt.datetime | None) -> str | None:
    """The text that SQLAlchemy's DateTime keeps on SQLite: UTC, with six decimals and without a zone."""
    return None if at is None else at.astimezone(dt.UTC).isoformat(" ", "microseconds")[:_TEXT_LENGTH]


_TEXT_LENGTH = len("2000-01-01 00:00:00.000000")


# INTEGER on SQLite, where it names the row itself
Id = BigInteger().with_variant(Integer, "sqlite")
# byte order on every database
Name = Text().with_variant(Text(collation="C"), "postgresql")
# text as written on both: JSONB would reorder keys, and with them what a template prints
Json = JSON(none_as_null=True)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=False)


def _reference(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="RESTRICT"), nullable=nullable)


def _source() -> list[Column[str] | Column[dt.datetime]]:
    """Where a row came from: the columns of domain.prompt.Source."""
    return [
        Column("path", Text),
        Column("commit_sha", Text),
        Column("author", Text),
        Column("committed_at", UtcDateTime),
        Column("url", Text),
    ]


FAMILIES = Table(
    "prompt_families",
    METADATA,
    _id(),
    Column("name", Name, nullable=False),
    Column("former_names", Json, nullable=False),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("record", Json),
    Column("source", Text, nullable=False),
    Column("latest_version", Integer, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("retired_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("name"),
)
PROMPTS = Table(
    "prompts",
    METADATA,
    _id(),
    _reference("family_id", "prompt_families"),
    Column("name", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("draft", Boolean, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("hash_scheme", Integer, nullable=False),
    Column("engine", Text, nullable=False),
    Column("messages", Json, nullable=False),
    Column("model", Text),
    Column("config", Json, nullable=False),
    Column("tools", Json, nullable=False),
    Column("input_schema", Json, nullable=False),
    Column("input_default", Json, nullable=False),
    Column("output_schema", Json),
    Column("partials", Json, nullable=False),
    *_source(),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("name", "version"),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "family_id", "version"),
    Index(None, "created_at", "id"),
)
LABELS = Table(
    "prompt_labels",
    METADATA,
    _id(),
    _reference("family_id", "prompt_families"),
    Column("label", Name, nullable=False),
    _reference("prompt_id", "prompts"),
    Column("managed_by_file", Boolean, nullable=False),
    Column("overridden", Boolean, nullable=False),
    Column("file_version", Integer),
    Column("moved_at", UtcDateTime, nullable=False),
    UniqueConstraint("family_id", "label"),
    Index(None, "prompt_id"),
)
MOVES = Table(
    "label_moves",
    METADATA,
    _id(),
    _reference("family_id", "prompt_families"),
    Column("label", Name, nullable=False),
    _reference("from_prompt_id", "prompts", nullable=True),
    _reference("to_prompt_id", "prompts", nullable=True),
    Column("moved_at", UtcDateTime, nullable=False),
    Column("moved_by", Text),
    Column("reason", Text),
    *_source(),
    Index(None, "family_id", "moved_at", "id"),
    Index(None, "family_id", "label", "moved_at", "id"),
)
AGENTS = Table(
    "agents",
    METADATA,
    _id(),
    Column("name", Name, nullable=False),
    Column("description", Text),
    Column("declared", Boolean, nullable=False),
    Column("source", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("name"),
)
ASSIGNMENTS = Table(
    "agent_prompts",
    METADATA,
    _id(),
    _reference("agent_id", "agents"),
    Column("role", Name, nullable=False),
    Column("position", Integer, nullable=False),
    Column("selector", Name, nullable=False),
    _reference("prompt_id", "prompts", nullable=True),
    Column("when", Json, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("managed_by_file", Boolean, nullable=False),
    UniqueConstraint("agent_id", "role", "selector"),
    Index(None, "prompt_id", "agent_id"),
)
RUNS = Table(
    "sync_runs",
    METADATA,
    _id(),
    Column("source", Text, nullable=False),
    Column("sequence", BigInteger),
    Column("commit_sha", Text),
    Column("author", Text),
    Column("committed_at", UtcDateTime),
    Column("url", Text),
    Column("forced", Boolean, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("added", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("retired", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("steps", Json, nullable=False),
    Index(None, "source", "id"),
)
REGISTRY = Table(
    "registry",
    METADATA,
    _id(),
    Column("revision", BigInteger, nullable=False),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("public_id", Name, primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("agents", Json),
    Column("environments", Json),
    Column("name_prefix", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)
NOTES = Table(
    "legacy_notes",
    METADATA,
    _id(),
    Column("subject", Text, nullable=False),
    Column("legacy_id", BigInteger),
    Column("note", Text, nullable=False),
)
ORPHANS = Table(
    "legacy_orphans",
    METADATA,
    _id(),
    Column("subject", Name, nullable=False),
    Column("legacy_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("row", Json, nullable=False),
    Index(None, "subject", "legacy_id"),
)
"""Rows of an old database without a place in this one, and single values of calls; `subject` is the table."""
