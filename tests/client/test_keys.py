"""Clients of a server that asks for keys: each of their ways, with a key that is right, bound, or wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from promptgraph.app import build
from promptgraph.client.async_client import AsyncClient
from promptgraph.client.client import Client
from promptgraph.config import Mode, load
from promptgraph.domain.call import RecordStatus
from promptgraph.domain.errors import ForbiddenError
from promptgraph.domain.keys import UNBOUND, Bindings, Scope
from promptgraph.store.database import Database
from tests.client.conftest import TREE
from tests.client.serving import PATIENCE_S, serving, within
from tests.factories import write_tree
from tests.keys import bearing, made

NAME = "support/triage"
MOVE = "mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){errors{code}}}"


class Home:
    """The folder of a server, and keys to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, *scopes: Scope, bindings: Bindings = UNBOUND) -> str:
        return asyncio.run(self._key(*scopes, bindings=bindings))

    async def _key(self, *scopes: Scope, bindings: Bindings) -> str:
        db = Database(f"sqlite:///{self.folder}/registry.db")
        secret = (await made(db, *scopes, bindings=bindings)).secret
        await db.close()
        return secret

    async def publish(self) -> None:
        """Fill the registry, as development mode does at its start."""
        prompts = write_tree(self.folder / "prompts", TREE)
        settings = load(database_url=f"sqlite:///{self.folder}/registry.db", prompts_dir=prompts)
        async with build(settings).running():
            pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    found = Home(tmp_path_factory.mktemp("keys"))
    asyncio.run(found.publish())
    return found


@pytest.fixture(scope="module")
def reading(home: Home) -> str:
    return home.key(Scope.READ, Scope.RECORD)


@pytest.fixture(scope="module")
def production(home: Home, reading: str) -> Iterator[str]:
    """A server that asks for keys."""
    assert reading
    with serving(home.folder, mode=Mode.PRODUCTION) as url:
        yield url


def test_every_way_of_a_client_carries_its_key(home: Home, production: str, reading: str) -> None:
    """Lookups, agents, recording, scoring, and news, which alone can tell that a label moved."""
    moving = home.key(Scope.SYNC)

    def move(version: int) -> None:
        given = {"name": NAME, "label": "canary", "version": version}
        body = {"query": MOVE, "variables": {"i": given}}
        found = httpx.post(f"{production}/graphql", json=body, headers=bearing(moving), timeout=PATIENCE_S)
        assert {"data": {"setPromptLabel": {"errors": []}}} == found.json()

    move(2)
    with Client(production, api_key=reading, ttl=3600.0, live=True) as client:
        prompt = client.prompt(NAME, label="canary")
        assert client.assignments("bot").agent == "bot"
        done = client.record(prompt, model="m")
        assert RecordStatus.RECORDED is done.status
        client.score(done.call_id, "good", value=1.0)
        for version in (3, 2, 3):
            move(version)
            within(lambda: client.prompt(NAME, label="canary").version == version)  # noqa: B023  # called here


async def test_an_async_client_does_too(production: str, reading: str) -> None:
    """Looks up and records."""
    async with AsyncClient(production, api_key=reading) as client:
        done = await client.record(await client.prompt(NAME), model="m")
        assert RecordStatus.RECORDED is done.status


def test_a_bound_key_is_enough_for_an_agent(home: Home, production: str) -> None:
    """It looks up and records what it is bound to, and nothing else."""
    key = home.key(Scope.READ, Scope.RECORD, bindings=Bindings(name_prefix="support/"))
    with Client(production, api_key=key) as client:
        assert RecordStatus.RECORDED is client.record(client.prompt(NAME), model="m").status
        with pytest.raises(ForbiddenError, match="bound"):
            client.prompt("chat")
    with Client(production, api_key=key, live=True) as client:
        assert 2 == client.prompt(NAME).version


def test_a_client_says_that_its_key_is_refused(home: Home, production: str) -> None:
    """Missing, wrong, or without the scope."""
    for key, words in ((None, "API key"), ("pg_nonsense", "API key"), (home.key(Scope.RECORD), "read")):
        with Client(production, api_key=key) as client, pytest.raises(ForbiddenError, match=words):
            client.prompt(NAME)


def test_calls_wait_in_the_outbox_for_a_key(production: str, reading: str, tmp_path: Path) -> None:
    """A key that is refused loses no call: with a right one they are delivered."""
    outbox = tmp_path / "outbox.db"
    with Client(production, api_key=reading) as client:
        prompt = client.prompt(NAME)
    with Client(production, api_key="pg_nonsense", recorder="background", outbox=outbox) as client:
        client.record(prompt, model="m")
        assert 1 == client.flush(0.5).remaining
    with Client(production, api_key=reading, recorder="background", outbox=outbox) as client:
        assert 0 == client.flush(PATIENCE_S).remaining
