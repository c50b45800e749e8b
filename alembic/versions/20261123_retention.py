"""Up to where calls have been pruned.

What: retention, one row. `before_day` is a UTC day, counted from 1970: of calls that started before it the
figures alone are kept. Null: nothing was pruned yet.
Why: what is gone must not be counted again, nor be recorded anew by a late retry.
Locks: none.
The previous release: runs beside it as long as nobody prunes: it would record calls of pruned days.
Down: it is forgotten that calls were pruned. A rebuild would then drop the figures of those that are gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "retention"
down_revision = "calls_rows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = op.get_context().opts["columns"]
    op.create_table(
        "retention",
        sa.Column("id", types.Id, nullable=False, autoincrement=False),
        sa.Column("before_day", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_retention"),
    )
    op.execute("INSERT INTO retention (id) VALUES (1)")


def downgrade() -> None:
    op.drop_table("retention")
