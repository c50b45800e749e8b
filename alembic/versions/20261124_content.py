"""What is stored of the contents of calls, and what was erased of them.

What: prompt_families.record: what a prompt's file lets be stored of its calls; call_contents.hashes: what is
stored of values that are not stored themselves; call_contents.redacted: the parts that a redaction changed;
erasures, a row per erasure: when, by whom, why, named in which way, of how many calls.
Why: what calls were about is stored by a policy, and goes when somebody asks for it.
Locks: none that lasts: the columns are added without looking at rows.
The previous release: runs beside it; it stores contents in full, whatever the files say.
Down: hashes, the record of erasures and what files say about storing are lost; a sync brings the last back.
"""

import sqlalchemy as sa
from alembic import op

revision = "content"
down_revision = "api_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = op.get_context().opts["columns"]
    op.add_column("prompt_families", sa.Column("record", types.Json))
    op.add_column("call_contents", sa.Column("hashes", types.Json))
    op.add_column("call_contents", sa.Column("redacted", types.Json))
    op.create_table(
        "erasures",
        sa.Column("id", types.CallId, nullable=False),
        sa.Column("started_at", types.Instant, nullable=False),
        sa.Column("finished_at", types.Instant),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )


def downgrade() -> None:
    op.drop_table("erasures")
    op.drop_column("call_contents", "redacted")
    op.drop_column("call_contents", "hashes")
    op.drop_column("prompt_families", "record")
