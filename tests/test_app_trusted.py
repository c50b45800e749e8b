"""Trusted documents, from the settings to an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from promptgraph.app import build
from promptgraph.config import load
from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.trusted import digest
from promptgraph.web.application import Application

QUERY = "query Names { prompts { nodes { name } } }"
BROWSER = {"accept": "text/html"}


def served(home: Path, **more: Any) -> Application:
    """An application on files in `home`; among them a manifest of one query."""
    (home / "documents.json").write_text(json.dumps({"names": QUERY}))
    return build(
        load(database_url=f"sqlite:///{home / 'r.db'}", prompts_dir=home, mode="development", **more)
    )


async def ask(app: Application, **body: Any) -> Any:
    transport = httpx.ASGITransport(app)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.post("/graphql", json=body)).json()


@pytest.mark.parametrize("only", [False, True], ids=["open", "locked"])
async def test_a_manifest_is_what_the_settings_say(tmp_path: Path, *, only: bool) -> None:
    """Its documents are answered by their ids; others, only where there is no lock."""
    app = served(tmp_path, trusted_documents=tmp_path / "documents.json", only_trusted=only)
    assert {"data": {"prompts": {"nodes": []}}} == await ask(app, documentId="names")
    assert {"data": {"prompts": {"nodes": []}}} == await ask(app, documentId=digest(QUERY))
    other = await ask(app, query="{__schema{queryType{name}}}")
    assert only == ("errors" in other)


@pytest.mark.parametrize("only", [False, True], ids=["open", "locked"])
async def test_a_lock_shows_no_page(tmp_path: Path, *, only: bool) -> None:
    """GraphiQL could do nothing there: development or not, it is gone."""
    app = served(tmp_path, trusted_documents=tmp_path / "documents.json", only_trusted=only)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (405 if only else 200) == (await client.get("/graphql", headers=BROWSER)).status_code
        assert (404 if only else 307) == (await client.get("/")).status_code


def test_a_lock_needs_a_manifest(tmp_path: Path) -> None:
    """Without one nothing could ever be answered."""
    with pytest.raises(InvalidInputError, match="set PROMPTGRAPH_TRUSTED_DOCUMENTS"):
        served(tmp_path, only_trusted=True)


def test_a_wrong_manifest_stops_the_start(tmp_path: Path) -> None:
    """The server says what is wrong with it, and does not run without it."""
    (tmp_path / "wrong.json").write_text(json.dumps({"a": "{nothing}", "b": "{"}))
    with pytest.raises(InvalidInputError, match=r"wrong\.json are refused: a, line 1.* · b, line 1"):
        served(tmp_path, trusted_documents=tmp_path / "wrong.json")


def test_a_locked_server_trusts_no_reading_of_the_schema(tmp_path: Path) -> None:
    """A manifest that would show the schema is refused where the schema is not shown."""
    (tmp_path / "schema.json").write_text(json.dumps({"a": "{__schema{queryType{name}}}"}))
    assert served(tmp_path, trusted_documents=tmp_path / "schema.json")
    with pytest.raises(InvalidInputError, match="introspection"):
        served(tmp_path, trusted_documents=tmp_path / "schema.json", only_trusted=True)
