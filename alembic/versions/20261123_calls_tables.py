"""Calls by prompt id, and their figures.

What: llm_calls, call_contents, call_scores, record_batches, rollups, rollup_state. The llm_calls of old is
kept as legacy_llm_calls until its rows are adopted.
Why: a call points at the version of the prompt that was sent; figures come from calls.
Locks: llm_calls shortly, for its new name; prompts and agents shortly, for the foreign keys.
The previous release: cannot record calls beside it; it did not.
Down: recorded calls, their contents, scores and figures are lost; the llm_calls of old is back.
"""

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "calls_tables"
down_revision = "registry_rows"
branch_labels = None
depends_on = None

OLD, KEPT = "llm_calls", "legacy_llm_calls"
COUNTS = (
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
CHECKS = {
    "status": "status IN ('OK', 'ERROR')",
    "cost_source": "cost_source IN ('REPORTED', 'COMPUTED')",
    "cost": "(cost_nano_usd IS NULL) = (cost_source IS NULL)",
    "content_state": "content_state IN ('FULL', 'HASHED', 'NONE', 'ERASED')",
} | {name: f"{name} >= 0" for name in ("attempt", *COUNTS)}
SUMS = (
    "calls",
    "errors",
    "unlinked_calls",
    *COUNTS[1:7],
    "unpriced_calls",
    "latency_calls",
    "latency_us",
    "latency_max_us",
    "time_to_first_token_calls",
    "time_to_first_token_us",
    "time_to_first_token_max_us",
    "first_call_us",
    "last_call_us",
)
ROLLUP_INDEXES = (
    ("ix_rollups_agent_id", ["generation", "scope", "level", "agent_id", "period"], "scope >= 3"),
    ("ix_rollups_period", ["generation", "level", "period"], None),
)


def upgrade() -> None:
    types = op.get_context().opts["columns"]
    op.rename_table(OLD, KEPT)
    rename_key(OLD, KEPT)
    create_calls(types)
    create_contents(types)
    create_scores(types)
    create_batches(types)
    create_rollups(types)


def rename_key(before: str, after: str) -> None:
    """On PostgreSQL no two tables may have a key of one name. A table that was adopted may have another."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX IF EXISTS pk_{before} RENAME TO pk_{after}")


def texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text()) for name in names]


def needed(name: str, type_: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, type_, nullable=False)


def reference(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def create_calls(types: ModuleType) -> None:
    op.create_table(
        OLD,
        needed("id", types.CallId),
        sa.Column("prompt_id", types.Id),
        sa.Column("agent_id", types.Id),
        *texts("label", "operation", "response_model", "response_id", "release"),
        needed("environment", types.Name),
        needed("model", types.Name),
        *(sa.Column(n, types.Name) for n in ("provider", "conversation_id", "user_id", "trace_id")),
        sa.Column("attempt", sa.Integer()),
        needed("status", sa.Text()),
        sa.Column("error_type", types.Name),
        *texts("error_message", "cost_source", "span_id", "rendered_hash", "legacy_prompt_text"),
        needed("finish_reasons", types.Json),
        *(sa.Column(name, sa.BigInteger()) for name in (*COUNTS, "legacy_id")),
        needed("started_at", types.Instant),
        needed("recorded_at", types.Instant),
        needed("content_state", sa.Text()),
        sa.Column("request_hash", sa.LargeBinary()),
        sa.Column("hash_scheme", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_llm_calls"),
        reference(OLD, "prompt_id", "prompts", "RESTRICT"),
        reference(OLD, "agent_id", "agents", "RESTRICT"),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_llm_calls_{name}")) for name, rule in CHECKS.items()),
    )
    for columns in (["prompt_id"], ["agent_id"], []):
        create_index(OLD, [*columns, "started_at", "id"])
    for column in ("conversation_id", "user_id", "trace_id"):
        create_index(OLD, [column, "started_at", "id"], where=f"{column} IS NOT NULL")


def create_index(table: str, columns: list[str], where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        f"ix_{table}_{'_'.join(columns)}",
        table,
        columns,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def create_contents(types: ModuleType) -> None:
    op.create_table(
        "call_contents",
        needed("call_id", types.CallId),
        *(sa.Column(name, types.Json) for name in ("variables", "output", "metadata")),
        sa.PrimaryKeyConstraint("call_id", name="pk_call_contents"),
        reference("call_contents", "call_id", OLD, "CASCADE"),
    )


def create_scores(types: ModuleType) -> None:
    op.create_table(
        "call_scores",
        needed("call_id", types.CallId),
        needed("name", types.Name),
        needed("source", types.Name),
        sa.Column("value", sa.Double()),
        *texts("label", "comment"),
        needed("created_at", types.Instant),
        sa.PrimaryKeyConstraint("call_id", "name", "source", name="pk_call_scores"),
        reference("call_scores", "call_id", OLD, "CASCADE"),
    )


def create_batches(types: ModuleType) -> None:
    op.create_table(
        "record_batches",
        needed("id", types.CallId),
        needed("recorded_at", types.Instant),
        needed("call_ids", sa.LargeBinary()),
        needed("delta", types.Json),
        needed("folded", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_record_batches"),
    )
    create_index("record_batches", ["recorded_at", "id"])
    op.create_index(
        "ix_record_batches_unfolded",
        "record_batches",
        ["id"],
        sqlite_where=sa.text("folded = 0"),
        postgresql_where=sa.text("NOT folded"),
    )


def create_rollups(types: ModuleType) -> None:
    small, big, whole = sa.SmallInteger(), sa.BigInteger(), sa.Integer()
    key = {"generation": whole, "scope": small, "level": small, "prompt_id": big, "period": whole}
    key |= {"agent_id": big} | dict.fromkeys(("environment", "model", "provider"), types.Name)
    op.create_table(
        "rollups",
        *(sa.Column(name, type_, nullable=False, autoincrement=False) for name, type_ in key.items()),
        *(needed(name, big) for name in SUMS),
        *(needed(f"{name}_histogram", sa.LargeBinary()) for name in ("latency", "time_to_first_token")),
        needed("scores", sa.Text()),
        sa.PrimaryKeyConstraint(*key, name="pk_rollups"),
        sqlite_with_rowid=False,
    )
    for name, columns, where in ROLLUP_INDEXES:
        condition = sa.text(where) if where else None
        op.create_index(name, "rollups", columns, sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "rollup_state",
        sa.Column("id", types.Id, nullable=False, autoincrement=False),
        needed("generation", whole),
        *texts("rebuild"),
        sa.Column("rebuild_at", types.Instant),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_state"),
    )
    op.execute("INSERT INTO rollup_state (id, generation) VALUES (1, 1)")


def downgrade() -> None:
    for table in ("rollup_state", "rollups", "record_batches", "call_scores", "call_contents", OLD):
        op.drop_table(table)
    op.rename_table(KEPT, OLD)
    rename_key(KEPT, OLD)
