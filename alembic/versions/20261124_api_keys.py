"""API keys.

What: api_keys, a row per key: its public id, the SHA-256 of its secret, what it may do, and what it is bound
to.
Why: production mode answers only who has a key.
Locks: none.
The previous release: runs beside it, and asks for no key.
Down: all keys are lost; who had one needs a new one.
"""

import sqlalchemy as sa
from alembic import op

revision = "api_keys"
down_revision = "retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = op.get_context().opts["columns"]
    op.create_table(
        "api_keys",
        sa.Column("public_id", types.Name, nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", types.Json, nullable=False),
        sa.Column("agents", types.Json),
        sa.Column("environments", types.Json),
        sa.Column("name_prefix", sa.Text()),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("expires_at", types.Instant),
        sa.Column("revoked_at", types.Instant),
        sa.Column("last_used_at", types.Instant),
        sa.PrimaryKeyConstraint("public_id", name="pk_api_keys"),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
