"""What an outbox lends, what it is told of it, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.client.calls import Row


@dataclass(frozen=True, slots=True)
class Leased:
    """Rows of one kind that nobody else sends for LEASE_S seconds."""

    lease: int
    seqs: tuple[int, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the rows of a lease: their places in it. What is in none of them stays."""

    delivered: tuple[int, ...]
    duplicates: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """What an outbox holds, and what it ever did. `delivered` counts the duplicates too, `corrupt` files that
    were set aside, the rest rows.
    """

    waiting: int
    leased: int
    refused: int
    bytes: int
    delivered: int = 0
    duplicates: int = 0
    set_aside: int = 0
    dropped: int = 0
    corrupt: int = 0
