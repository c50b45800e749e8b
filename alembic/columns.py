"""Column types that revisions share. Append only: what a revision made somewhere must keep its meaning.

A revision reaches it as `op.get_context().opts["columns"]`.
"""

import sqlalchemy as sa

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Instant = sa.DateTime(timezone=True)
Json = sa.JSON(none_as_null=True)
CallId = sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")
