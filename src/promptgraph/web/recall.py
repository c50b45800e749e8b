"""Answers that need not be made again: those from the registry alone, for as long as it stays as it is."""

from __future__ import annotations

from typing import NamedTuple

from starlette.types import Send

from promptgraph.domain.visit import CURRENT
from promptgraph.graph.remembered import Remembered
from promptgraph.graph.state import State
from promptgraph.web.response import Headers, length_of

ROOM = 16 * 1024 * 1024
MOST_ASKED, MOST_ANSWERED = 4 * 1024, 256 * 1024
"""Bytes of a request and of an answer; larger ones are not kept."""
BESIDE = 2048
"""What an answer takes beside its bytes."""


class Kept(NamedTuple):
    """A whole answer, which state of the registry it is from, and which operation it answers."""

    tag: str
    headers: Headers
    body: bytes
    operation: str | None


def kept_of(tag: str, headers: Headers, body: bytes) -> Kept:
    """An answer with these headers, and its length, to the operation that is under way."""
    return Kept(tag, [*headers, length_of(body)], body, CURRENT.get().operation)


async def give(send: Send, kept: Kept) -> None:
    """Send the answer."""
    await send({"type": "http.response.start", "status": 200, "headers": kept.headers})
    await send({"type": "http.response.body", "body": kept.body})


class Recall:
    """The answers of one door, by their form and by the bytes of what asked for them."""

    def __init__(self, state: State, room: int = ROOM) -> None:
        self._state = state
        self._known: Remembered[tuple[str, bytes], Kept] = Remembered(room)

    def at_hand(self, form: str, asked: bytes) -> Kept | None:
        """The answer to this, if it takes no look at the database to be sure of it."""
        kept = self._known.get((form, asked))
        return kept if kept is not None and kept.tag == self._state.fresh() else None

    async def find(self, form: str, asked: bytes) -> Kept | None:
        """The answer to this, if the registry is still as it was."""
        kept = self._known.get((form, asked))
        if kept is None:
            return None
        tag = self._state.fresh() or await self._state.tag()
        return kept if kept.tag == tag else None

    def keep(self, form: str, asked: bytes, kept: Kept) -> None:
        """Have this at hand."""
        if len(asked) <= MOST_ASKED and len(kept.body) <= MOST_ANSWERED:
            self._known.put((form, asked), kept, BESIDE + len(asked) + len(kept.body))
