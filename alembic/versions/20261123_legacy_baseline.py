"""The schema that the refactor found.

What: agents, prompts, llm_calls, prompt_usages and prompt_evaluations as they were. A table that is there
already is adopted as it is, once it is seen to have the columns of old.
Why: the revisions after it lead from here to the registry, so an old database keeps its rows and ids.
Locks: nothing; it only makes tables.
The previous release: there was none.
Down: the five tables go, with their rows.
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "legacy_baseline"
down_revision = None
branch_labels = None
depends_on = None

BIG, TEXT, NUMBER, TIME = sa.BigInteger(), sa.Text(), sa.Integer(), sa.TIMESTAMP()
TIMES = {"created_at": TIME, "updated_at": TIME}
TABLES = {
    "agents": {"name": TEXT, **TIMES},
    "prompts": {"name": TEXT, "content": TEXT, "version": NUMBER, **TIMES},
    "llm_calls": {
        "agent_id": BIG,
        "prompt": TEXT,
        "response": TEXT,
        "model": TEXT,
        "input_tokens": BIG,
        "output_tokens": BIG,
        "latency_ms": BIG,
        "status": TEXT,
        **TIMES,
    },
    "prompt_usages": {"prompt_id": BIG, "llm_call_id": BIG, "agent_id": BIG, "created_at": TIME},
    "prompt_evaluations": {
        "prompt_id": BIG,
        "llm_call_id": BIG,
        "score": sa.Float(),
        "comment": TEXT,
        "created_at": TIME,
    },
}


def upgrade() -> None:
    id_type = op.get_context().opts["columns"].Id
    inspector = sa.inspect(op.get_bind())
    for table, columns in TABLES.items():
        if inspector.has_table(table):
            found = {column["name"] for column in inspector.get_columns(table)}
            if missing := sorted({"id", *columns} - found):
                raise CommandError(
                    f"There is a table {table} that is not the one of old: it lacks {', '.join(missing)}. "
                    "Use another database, or rename that table."
                )
            continue
        op.create_table(
            table,
            sa.Column("id", id_type, nullable=False, autoincrement=False),
            *(sa.Column(name, type_) for name, type_ in columns.items()),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
