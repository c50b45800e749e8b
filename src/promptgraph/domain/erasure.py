"""Which calls lose what they were about, and why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from promptgraph.domain.call_rules import MAX_ROWS, api_name
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.text import checked_line

MAX_REASON = 500
MAX_ID = 200
WAYS = ("call_ids", "user_id", "conversation_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The calls with these ids, or for this user, or of this conversation: exactly one way is given.

    raises  InvalidInputError, TooManyRowsError  no way or several, no reason, or more ids than one may list
    """

    reason: str
    call_ids: tuple[UUID, ...] | None = None
    user_id: str | None = None
    conversation_id: str | None = None

    def __post_init__(self) -> None:
        given = [way for way in WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            names = ", ".join(map(api_name, WAYS))
            raise InvalidInputError(f"Name the calls in exactly one way: {names}.", field=api_name(WAYS[0]))
        checked_line(self.reason, field="reason", limit=MAX_REASON)
        if self.call_ids is None:
            checked_line(getattr(self, given[0]), field=api_name(given[0]), limit=MAX_ID)
        elif not 1 <= len(self.call_ids) <= MAX_ROWS:
            raise TooManyRowsError(
                f"callIds may list 1 to {MAX_ROWS} calls; these are {len(self.call_ids)}.",
                limit=MAX_ROWS,
                field="callIds",
            )

    @property
    def way(self) -> str:
        """How the calls are named, as in the API."""
        return next(api_name(way) for way in WAYS if getattr(self, way) is not None)
