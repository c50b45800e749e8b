"""An index of the rollups that only asks for periods use, on PostgreSQL.

What: ix_rollups_period holds the same rows and the same columns, but has a condition that is always true, so
that it serves only statements which have it, too.
Why: where the table was never analysed, PostgreSQL took this narrower index for cells that are looked up by
their whole key, and read a hundred for each.
Locks: writes to the rollups, so folding, wait while the index is made: about a second per million cells.
The previous release: runs beside it.
Down: the condition is taken away.
"""

from alembic import op

revision = "rollup_period"
down_revision = "content"
branch_labels = None
depends_on = None

NAME, COLUMNS = "ix_rollups_period", ["generation", "level", "period"]


def upgrade() -> None:
    made_anew("scope >= 0")


def downgrade() -> None:
    made_anew(None)


def made_anew(condition: str | None) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index(NAME, "rollups")
        op.create_index(NAME, "rollups", COLUMNS, postgresql_where=condition)
