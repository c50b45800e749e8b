"""${message}

What: 
Why: 
Locks: which tables, for how long, on a million rows?
The previous release: can it run beside this one? (Add first, use later, remove last.)
Down: what is lost?

Before it is merged: every constraint and index has a name · runs up, down, up with rows on SQLite and
PostgreSQL · imports nothing of promptgraph · shared types come from columns.py · `promptgraph db check` is silent.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
