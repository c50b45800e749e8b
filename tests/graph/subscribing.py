"""Subscribers of a test's database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from promptgraph.graph.answer import Answer
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request
from promptgraph.graph.streams import Answers
from promptgraph.store.database import Database
from tests.graph.registry import pipeline

PATIENCE_S = 20.0


class Subscriber:
    """Takes the answers to one subscription."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def payload(self) -> dict[str, Any]:
        """The next answer; fails the test if none comes."""
        async with asyncio.timeout(PATIENCE_S):
            return (await anext(self._answers)).payload

    async def datum(self) -> Any:
        """What the next answer's one field holds; fails the test on an error."""
        payload = await self.payload()
        assert "errors" not in payload, payload
        (found,) = payload["data"].values()
        return found

    async def data(self, count: int) -> list[Any]:
        return [await self.datum() for _ in range(count)]

    async def ends(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            return await anext(self._answers, None) is None


@asynccontextmanager
async def subscribed(
    db: Database, query: str, /, line: Pipeline | None = None, **variables: Any
) -> AsyncIterator[Subscriber]:
    """A subscriber; fails the test if it is refused."""
    found = await (line or pipeline(db)).subscribe(Request(query, variables))
    assert isinstance(found, Answers), found
    try:
        yield Subscriber(found)
    finally:
        found.close()


async def unsubscribed(db: Database, query: str, /, **variables: Any) -> list[tuple[str, str | None]]:
    """Code and field of each error that a subscription is refused with."""
    found = await pipeline(db).subscribe(Request(query, variables))
    assert isinstance(found, Answer)
    return [
        (error["extensions"]["code"], error["extensions"].get("field")) for error in found.payload["errors"]
    ]
