"""Answers that are at hand: nobody can tell them from answers that are made anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from promptgraph.graph.executors import Executing
from promptgraph.graph.pipeline import Pipeline
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.web.http import Door
from promptgraph.web.recall import MOST_ASKED
from tests.graph.registry import FILES, pipeline, sync
from tests.web.doors import GRAPHQL, HELLO, JSON, OPEN, asking, client, served

NAMES = asking("{prompts{nodes{name}}}")
FEWER = {name: text for name, text in FILES.items() if "summarize" not in name}


@pytest.fixture
def remembering(registry: Database) -> Pipeline:
    """A pipeline with the registry in memory, which is asked about each time."""
    return pipeline(registry, executing=Executing(memory=RegistryMemory(registry, fresh_for=0)))


@pytest.fixture
async def recalling(remembering: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    async with client(served(remembering)) as web:
        yield web


async def test_the_same_question_gets_the_same_answer(
    recalling: httpx.AsyncClient, remembering: Pipeline
) -> None:
    """To the byte, headers too, without being executed again."""
    named = {**JSON, "x-request-id": "one"}
    first, again = [await recalling.post("/graphql", content=NAMES, headers=named) for _ in range(2)]
    assert (first.content, dict(first.headers)) == (again.content, dict(again.headers))
    assert (1, 1) == (remembering.counters.fast, remembering.counters.recalled)
    assert str(len(again.content)) == again.headers["content-length"]


async def test_another_registry_is_another_answer(recalling: httpx.AsyncClient, registry: Database) -> None:
    """From the next question on."""
    sizes = []
    for files in (FILES, FEWER, FILES):
        await sync(registry, files)
        answer = await recalling.post("/graphql", content=NAMES, headers=JSON)
        sizes.append(len(answer.json()["data"]["prompts"]["nodes"]))
    assert [3, 2, 3] == sizes


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (GRAPHQL, (200, "application/graphql-response+json; charset=utf-8")),
        ({"graphql-cost": "1"}, (200, "application/json; charset=utf-8")),
        ({"accept": "text/event-stream"}, (200, "text/event-stream; charset=utf-8")),
        ({"accept": "text/html"}, (406, "application/json; charset=utf-8")),
        ({"content-type": "text/plain"}, (415, "application/json; charset=utf-8")),
        ({"content-encoding": "gzip"}, (415, "application/json; charset=utf-8")),
        ({"host": "elsewhere.example"}, (400, "text/plain; charset=utf-8")),
        ({"x-promptgraph-min-revision": "x"}, (400, "application/json; charset=utf-8")),
    ],
    ids=["form", "cost", "events", "no form", "type", "coding", "host", "revision"],
)
async def test_what_a_head_says_counts_each_time(
    recalling: httpx.AsyncClient, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """An answer that is at hand is for those alone who would get that answer."""
    for _ in range(2):
        plain = await recalling.post("/graphql", content=NAMES, headers=JSON)
        other = await recalling.post("/graphql", content=NAMES, headers=JSON | headers)
        assert (200, "application/json; charset=utf-8") == (plain.status_code, plain.headers["content-type"])
        assert expected == (other.status_code, other.headers["content-type"])
        assert ("extensions" in other.text and "cost" in other.text) == ("graphql-cost" in headers)


async def test_what_reads_more_than_the_registry_is_made_anew(
    recalling: httpx.AsyncClient, remembering: Pipeline
) -> None:
    """And so is what is refused, fails, or is large."""
    large = asking("{prompts{totalCount}}", variables={"unused": "x" * MOST_ASKED})
    for body in (
        asking("{llmCalls{totalCount}}"),
        asking("{nothing}"),
        asking('{node(id:"x"){id}}'),
        large,
    ) * 2:
        await recalling.post("/graphql", content=body, headers=JSON)
    assert 0 == remembering.counters.recalled


async def test_nothing_is_at_hand_without_a_registry_in_memory(registry: Database) -> None:
    """Each answer is made anew."""
    line = pipeline(registry)
    async with client(served(line)) as web:
        for _ in range(2):
            assert (
                "3"
                in (await web.post("/graphql", content=asking("{prompts{totalCount}}"), headers=JSON)).text
            )
    assert (0, None) == (line.counters.recalled, await line.state.tag())


async def test_a_client_that_goes_away_harms_nobody(remembering: Pipeline) -> None:
    """In the middle of its body, or before its answer, at hand or not."""
    door = Door(remembering, OPEN)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": [(b"content-type", b"application/json")],
    }
    whole = {"type": "http.request", "body": NAMES.encode()}

    async def gone(_message: object) -> None:
        raise OSError

    for pieces in ([whole], [whole], [{**whole, "more_body": True}, {"type": "http.disconnect"}]):
        left = iter(pieces)

        async def receive(left: Any = left) -> Any:
            return next(left)

        try:
            await door(scope, receive, gone)
        except OSError:
            continue
    async with client(served(remembering)) as web:
        answer = await web.post("/graphql", content=NAMES, headers=JSON)
    assert 3 == len(answer.json()["data"]["prompts"]["nodes"])


async def test_heads_are_read_once(web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that say the same; what is wrong with one is said each time."""
    read: list[str] = []

    def counted(accept: str) -> str:
        read.append(accept)
        return "application/json"

    monkeypatch.setattr("promptgraph.web.heads.negotiated", counted)
    for number in range(3):
        await web.post(
            "/graphql", content=HELLO, headers=JSON | {"x-request-id": str(number), "accept": "*/*"}
        )
    assert ["*/*"] == read
