"""The registry's new tables.

What: prompt_families, prompt_labels, label_moves, agent_prompts, sync_runs, registry, legacy_notes.
Why: what is not a version's content belongs to its family; labels, assignments and syncs have a history.
Locks: prompts and agents shortly, for the foreign keys that point at them.
The previous release: runs beside it and does not see the new tables.
Down: labels and their history, assignments, families' facts and the history of syncs are lost.
"""

from types import ModuleType

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "registry_tables"
down_revision = "legacy_baseline"
branch_labels = None
depends_on = None

MOVE_INDEXES = (["family_id", "moved_at", "id"], ["family_id", "label", "moved_at", "id"])


def upgrade() -> None:
    types = op.get_context().opts["columns"]
    create_families(types)
    create_labels(types)
    create_moves(types)
    create_assignments(types)
    create_runs(types)
    create("registry", types.Id, needed("revision", sa.BigInteger()))
    op.execute("INSERT INTO registry (id, revision) VALUES (1, 0)")
    create(
        "legacy_notes",
        types.Id,
        needed("subject", sa.Text()),
        sa.Column("legacy_id", sa.BigInteger()),
        needed("note", sa.Text()),
    )


def create(table: str, id_type: sa.types.TypeEngine, *columns: SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", id_type, nullable=False, autoincrement=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def needed(name: str, type_: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, type_, nullable=False)


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="RESTRICT")


def commit(types: ModuleType) -> tuple[sa.Column, ...]:
    """From which commit a row came."""
    texts = [sa.Column(name, sa.Text()) for name in ("commit_sha", "author", "url")]
    return (*texts, sa.Column("committed_at", types.Instant))


def create_families(types: ModuleType) -> None:
    create(
        "prompt_families",
        types.Id,
        needed("name", types.Name),
        needed("former_names", types.Json),
        sa.Column("description", sa.Text()),
        needed("tags", types.Json),
        needed("metadata", types.Json),
        needed("source", sa.Text()),
        needed("latest_version", sa.Integer()),
        needed("search_text", sa.Text()),
        sa.Column("retired_at", types.Instant),
        needed("created_at", types.Instant),
        sa.UniqueConstraint("name", name="uq_prompt_families_name"),
    )


def create_labels(types: ModuleType) -> None:
    create(
        "prompt_labels",
        types.Id,
        needed("family_id", types.Id),
        needed("label", types.Name),
        needed("prompt_id", types.Id),
        needed("managed_by_file", sa.Boolean()),
        needed("overridden", sa.Boolean()),
        sa.Column("file_version", sa.Integer()),
        needed("moved_at", types.Instant),
        reference("prompt_labels", "family_id", "prompt_families"),
        reference("prompt_labels", "prompt_id", "prompts"),
        sa.UniqueConstraint("family_id", "label", name="uq_prompt_labels_family_id_label"),
    )
    op.create_index("ix_prompt_labels_prompt_id", "prompt_labels", ["prompt_id"])


def create_moves(types: ModuleType) -> None:
    create(
        "label_moves",
        types.Id,
        needed("family_id", types.Id),
        needed("label", types.Name),
        sa.Column("from_prompt_id", types.Id),
        sa.Column("to_prompt_id", types.Id),
        needed("moved_at", types.Instant),
        sa.Column("moved_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("path", sa.Text()),
        *commit(types),
        reference("label_moves", "family_id", "prompt_families"),
        reference("label_moves", "from_prompt_id", "prompts"),
        reference("label_moves", "to_prompt_id", "prompts"),
    )
    for columns in MOVE_INDEXES:
        op.create_index(f"ix_label_moves_{'_'.join(columns)}", "label_moves", columns)


def create_assignments(types: ModuleType) -> None:
    create(
        "agent_prompts",
        types.Id,
        needed("agent_id", types.Id),
        needed("role", types.Name),
        needed("position", sa.Integer()),
        needed("selector", types.Name),
        sa.Column("prompt_id", types.Id),
        needed("when", types.Json),
        needed("metadata", types.Json),
        needed("managed_by_file", sa.Boolean()),
        reference("agent_prompts", "agent_id", "agents"),
        reference("agent_prompts", "prompt_id", "prompts"),
        sa.UniqueConstraint("agent_id", "role", "selector", name="uq_agent_prompts_agent_id_role_selector"),
    )
    op.create_index("ix_agent_prompts_prompt_id_agent_id", "agent_prompts", ["prompt_id", "agent_id"])


def create_runs(types: ModuleType) -> None:
    create(
        "sync_runs",
        types.Id,
        needed("source", sa.Text()),
        sa.Column("sequence", sa.BigInteger()),
        *commit(types),
        needed("forced", sa.Boolean()),
        needed("started_at", types.Instant),
        needed("finished_at", types.Instant),
        *(needed(name, sa.Integer()) for name in ("added", "moved", "retired", "unchanged")),
        needed("steps", types.Json),
    )
    op.create_index("ix_sync_runs_source_id", "sync_runs", ["source", "id"])


def downgrade() -> None:
    for table in ("agent_prompts", "label_moves", "prompt_labels", "prompt_families"):
        op.drop_table(table)
    for table in ("sync_runs", "registry", "legacy_notes"):
        op.drop_table(table)
