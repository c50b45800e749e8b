"""Trusted documents, by each way that a request may come."""

from __future__ import annotations

import httpx
import pytest

from promptgraph.graph.trusted import Trusted, digest
from promptgraph.store.database import Database
from promptgraph.web.application import Application
from tests.graph.registry import pipeline
from tests.web.connections import connected
from tests.web.doors import client, served

HELLO = "query Hello { __typename }"
HELLO_ID = {"documentId": digest(HELLO)}
OTHER = {"query": "{__typename}"}
DATA = {"data": {"__typename": "Query"}}
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def app(empty: Database) -> Application:
    """An application that executes one document alone."""
    return served(pipeline(empty, trusted=Trusted({digest(HELLO): HELLO}, only=True)), allow_get=True)


async def test_they_come_by_every_way(app: Application) -> None:
    """POST, GET, events and WebSocket know the same documents; what is not one of them is refused on all."""
    async with client(app) as web:
        assert DATA == (await web.post("/graphql", json=HELLO_ID)).json()
        assert DATA == (await web.get("/graphql", params=HELLO_ID)).json()
        assert '"Query"' in (await web.post("/graphql", json=HELLO_ID, headers=EVENTS)).text
        for refused in (
            await web.post("/graphql", json=OTHER),
            await web.get("/graphql", params=OTHER),
            await web.post("/graphql", json=OTHER, headers=EVENTS),
        ):
            assert_forbidden(refused)
    async with connected(app) as socket:
        await socket.begun()
        socket.say({"type": "subscribe", "id": "1", "payload": HELLO_ID})
        assert {"type": "next", "id": "1", "payload": DATA} == await socket.heard()
        assert {"type": "complete", "id": "1"} == await socket.heard()
        socket.say({"type": "subscribe", "id": "2", "payload": OTHER})
        refusal = await socket.heard()
        assert ("error", "FORBIDDEN") == (refusal["type"], refusal["payload"][0]["extensions"]["code"])


def assert_forbidden(answer: httpx.Response) -> None:
    assert '"FORBIDDEN"' in answer.text
    assert '"data"' not in answer.text
