"""What reads a link for all parents of a level at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptgraph.graph.fast.selection import Place
from promptgraph.graph.loaders import Context

Read = Callable[[Context, Sequence[Any], Mapping[str, Any]], Awaitable[Sequence[Any] | None]]


@dataclass(frozen=True, slots=True)
class Batch:
    """How a link is read at once. `read` gets the request's context, the parents (`[None]` for a field of
    Query) and the resolver's arguments; it gives a value for each parent, in their order, or None: then the
    resolver is asked. `shaped`: the values are finished parts of the answer, else records as the resolver
    gives them. `words`: what is read, for people.
    """

    read: Read
    shaped: bool = False
    words: tuple[str, ...] = ()


Rows = Callable[[Sequence[Any]], list[Any]]
Planner = Callable[[Place, Rows | None], Batch | None]
"""What reads a link for what is selected below it; None: the resolver does. `Rows` writes objects of that
place, where nothing below needs a link.
"""
