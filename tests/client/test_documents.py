"""What the client and the command line say: known word for word, so that a server that executes trusted
documents alone serves them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from promptgraph.client.async_client import AsyncClient
from promptgraph.client.client import Client
from promptgraph.client.documents import DOCUMENTS
from promptgraph.domain.call import RecordStatus
from promptgraph.graph.documents import Documents
from promptgraph.graph.guard import Limits
from promptgraph.graph.schema import Schema
from promptgraph.graph.trusted import digest, read_trusted
from tests.client.conftest import TREE
from tests.client.serving import locked, within
from tests.factories import write_tree


def test_each_fits_the_schema_and_its_limits(tmp_path: Path) -> None:
    """As the documents of a frontend must; the guard of none is lifted."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({digest(text): text for text in DOCUMENTS}))
    documents = Documents(Schema(is_open=False).core, Limits(), introspection=False)
    assert set(DOCUMENTS) == set(read_trusted(manifest, documents, only=True).texts.values())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """One that is locked."""
    write_tree(tmp_path / "prompts", TREE)
    with locked(tmp_path) as url:
        yield url


def test_a_client_works_with_a_locked_server(server: str, tmp_path: Path) -> None:
    """Prompts, agents, recording at once and in the background, scores, refreshing and news."""
    with Client(server, live=True, ttl=0.0) as client:
        rendered = client.render("support/triage", ticket="Hi")
        assert 1 == client.prompt("chat").version
        assert "support/enterprise" == client.assignments("bot").prompt("triage", {"plan": "gold"}).name
        recorded = client.record(rendered, model="m")
        assert RecordStatus.RECORDED == recorded.status
        client.score(recorded.call_id, "helpful", value=1.0)
        within(lambda: client._listener is not None and client._listener.listening == 2)  # noqa: SLF001  # both streams
        assert client._core.cache.claim_refresh()  # noqa: SLF001  # nobody else does
        client._shell.run(client._core.refreshed())  # noqa: SLF001  # as behind the scenes
    with Client(server, recorder="background", outbox=tmp_path / "outbox.db") as background:
        background.record(rendered, model="m")
        assert 0 == background.flush(30).remaining
    other = httpx.post(f"{server}/graphql", json={"query": "{ serverInfo { version } }"}).json()
    assert "FORBIDDEN" == other["errors"][0]["extensions"]["code"]


async def test_an_async_client_works_with_a_locked_server(server: str) -> None:
    """By the same documents."""
    async with AsyncClient(server, live=True) as client:
        rendered = await client.render("support/triage", ticket="Hi")
        assert RecordStatus.RECORDED == (await client.record(rendered, model="m")).status
