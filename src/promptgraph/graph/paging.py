"""Pages of lists: opaque cursors, and the types that every connection is made of."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from promptgraph.domain.asking import Page, PageArgs, Position
from promptgraph.domain.errors import InvalidInputError
from promptgraph.store.paging import Order, position_of

T = TypeVar("T")

MAX_CURSOR = 1_000


class Listing(NamedTuple):
    """An order that a list can have, by a name: a cursor of one is no cursor of another."""

    name: str
    order: Order

    def cursor(self, record: object) -> str:
        """The opaque text that stands for the record's place."""
        raw = json.dumps([self.name, *position_of(self.order, record)], separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).rstrip(b"=").decode()

    def position(self, cursor: str | None, field: str) -> Position | None:
        """The place that a cursor stands for.

        raises  InvalidInputError  this list did not make it
        """
        if cursor is None:
            return None
        found = _parsed(cursor)
        if not isinstance(found, list) or len(found) != len(self.order) + 1 or found[0] != self.name:
            raise InvalidInputError(f"`{field}` is no cursor of this list.", field=field)
        if not all(isinstance(part, str | int) and not isinstance(part, bool) for part in found):
            raise InvalidInputError(f"`{field}` is no cursor of this list.", field=field)
        return tuple(found[1:])


def _parsed(cursor: str) -> Any:
    """What JSON a cursor holds; None for what is no cursor at all."""
    try:
        raw = base64.b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        return None


class Asked(NamedTuple):
    """The four paging arguments as a client gave them."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def of(self, listing: Listing) -> PageArgs:
        """What they mean in a list of that order.

        raises  InvalidInputError  a size out of bounds, both sizes, or a foreign cursor
        """
        after, before = listing.position(self.after, "after"), listing.position(self.before, "before")
        return PageArgs.of(self.first, self.last, after, before)


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page, how its cursors are made, and how all rows are counted, if they are not too many, should
    somebody ask.
    """

    page: Page[T]
    listing: Listing
    count: Callable[[], Awaitable[int | None]]

    @property
    def edges(self) -> list[Edge[T]]:
        return [Edge(self.listing.cursor(item), item) for item in self.page.items]


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    cursor: str
    node: T
