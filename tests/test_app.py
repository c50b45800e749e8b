"""The application from its settings: how it starts, what it refuses, how it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from promptgraph.app import build, create, create_worker, opened, prepare, publish, replica_of
from promptgraph.config import HEADING, PREFIX, Mode, Settings, load, reference
from promptgraph.domain.errors import InvalidInputError
from promptgraph.store.database import Database
from promptgraph.store.migrate import upgrade
from promptgraph.web.application import Application, host_name
from tests.factories import prompt_yaml, write_tree
from tests.keys import bearing, made
from tests.web.doors import client

COUNT = {"query": "{prompts{totalCount} serverInfo{mode}}"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder with one prompt, and a database that is not there yet."""
    write_tree(tmp_path / "prompts", {"a.prompt.yaml": prompt_yaml(1)})
    return load(database_url=f"sqlite:///{tmp_path}/new/p.db", prompts_dir=tmp_path / "prompts")


class Lifespan:
    """Starts an application and stops it, as a server does."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.said: list[Mapping[str, Any]] = []
        self._stop = asyncio.Event()
        self._answered = asyncio.Event()

    async def __aenter__(self) -> list[Mapping[str, Any]]:
        self._task = asyncio.ensure_future(self.app({"type": "lifespan"}, self._receive, self._send))
        answered = asyncio.ensure_future(self._answered.wait())
        await asyncio.wait([answered, self._task], return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        return self.said

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task

    async def _receive(self) -> dict[str, str]:
        if self.said:
            await self._stop.wait()
            return {"type": "lifespan.shutdown"}
        return {"type": "lifespan.startup"} if not self._stop.is_set() else {"type": "lifespan.shutdown"}

    async def _send(self, message: Any) -> None:
        self.said.append(message)
        self._answered.set()


async def test_development_migrates_and_syncs_at_start(settings: Settings) -> None:
    """From nothing to an answer; stopping says that it is done."""
    app = build(settings)
    async with Lifespan(app) as said, client(app) as web:
        assert ["lifespan.startup.complete"] == [message["type"] for message in said]
        found = (await web.post("/graphql", json=COUNT)).json()
        assert {"prompts": {"totalCount": 1}, "serverInfo": {"mode": "development"}} == found["data"]
        assert 200 == (await web.get("/graphql", headers={"accept": "text/html"})).status_code
    assert "lifespan.shutdown.complete" == said[-1]["type"]


async def test_broken_files_never_keep_a_server_down(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It starts with what the registry has, and says what is wrong with the files."""
    async with Lifespan(build(settings)):
        pass
    write_tree(settings.prompts_dir, {"b.prompt.yaml": "version: [", "a.prompt.yaml": prompt_yaml(2)})
    with caplog.at_level(logging.WARNING):
        app = build(settings)
        async with Lifespan(app) as said, client(app) as web:
            assert "lifespan.startup.complete" == said[0]["type"]
            assert 1 == (await web.post("/graphql", json=COUNT)).json()["data"]["prompts"]["totalCount"]
    assert "b.prompt.yaml:1" in caplog.text
    assert "starts with what the registry has" in caplog.text


async def test_a_missing_folder_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No prompts folder: a sentence in the log, and a server with an empty registry."""
    app = build(load(database_url=f"sqlite:///{tmp_path}/p.db", prompts_dir=tmp_path / "none"))
    async with Lifespan(app) as said:
        assert "lifespan.startup.complete" == said[0]["type"]
    assert "There is no folder" in caplog.text


async def test_production_neither_migrates_nor_syncs(settings: Settings) -> None:
    """Without tables or a key it does not start, and says what to do; with them it serves what is there."""
    production = settings.model_copy(update={"mode": Mode.PRODUCTION})
    app = build(production)
    async with Lifespan(app) as said:
        assert "lifespan.startup.failed" == said[0]["type"]
        assert "promptgraph db upgrade" in said[0]["message"]
        assert "Traceback" not in said[0]["message"]
    db = Database(settings.database_url)
    await upgrade(db)
    async with Lifespan(build(production)) as said:
        assert "lifespan.startup.failed" == said[0]["type"]
        assert "promptgraph keys create" in said[0]["message"]
    key = bearing((await made(db)).secret)
    await db.close()
    app = build(production)
    async with Lifespan(app) as said, client(app) as web:
        assert 401 == (await web.post("/graphql", json=COUNT)).status_code
        web.headers.update(key)
        found = (await web.post("/graphql", json=COUNT)).json()
        assert {"prompts": {"totalCount": 0}, "serverInfo": {"mode": "production"}} == found["data"]
        assert 405 == (await web.get("/graphql", headers={"accept": "text/html, */*"})).status_code
        schema = (await web.post("/graphql", json={"query": "{__schema{types{name}}}"})).json()
        assert "data" not in schema


async def test_a_start_that_fails_unexpectedly_is_said(settings: Settings) -> None:
    """No server goes on as if nothing had happened."""
    lifespan = Lifespan(build(settings, now=lambda: 1 / 0))  # type: ignore[arg-type, return-value]  # it raises
    with pytest.raises(ZeroDivisionError):
        async with lifespan:
            pass
    assert "lifespan.startup.failed" == lifespan.said[0]["type"]


async def test_workers_leave_the_preparing_to_who_starts_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They look whether the tables are right, and serve what is there."""
    async with Lifespan(build(settings, prepared=True)) as said:
        assert "promptgraph db upgrade" in said[0]["message"]
    db = Database(settings.database_url)
    await prepare(db, settings)
    await db.close()
    write_tree(settings.prompts_dir, {"b.prompt.yaml": prompt_yaml(1)})
    for name in ("database_url", "prompts_dir"):
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", str(getattr(settings, name)))
    app = create_worker()
    async with Lifespan(app) as said, client(app) as web:
        assert "lifespan.startup.complete" == said[0]["type"]
        assert 1 == (await web.post("/graphql", json=COUNT)).json()["data"]["prompts"]["totalCount"]


async def test_two_starts_at_once_are_one(settings: Settings) -> None:
    """Several workers may start together: one migrates and syncs, the others find it done."""
    async with Lifespan(build(settings)) as one, Lifespan(build(settings)) as two:
        assert ["lifespan.startup.complete"] * 2 == [one[0]["type"], two[0]["type"]]


async def test_other_names_are_turned_away(settings: Settings) -> None:
    """A page that has its own name point at this machine reaches nothing."""
    app = build(settings)
    async with Lifespan(app), client(app) as web:
        assert 400 == (await web.post("/graphql", json=COUNT, headers={"host": "evil.example"})).status_code
        for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
            assert 200 == (await web.get("/healthz", headers={"host": host})).status_code


async def test_publishing_says_what_became_of_it(settings: Settings) -> None:
    """What a server does at start, anyone may do: a folder into a database."""
    db = Database(settings.database_url)
    await upgrade(db)
    outcome = await publish(db, settings.prompts_dir, source="mine")
    assert outcome.run is not None
    assert "mine" == outcome.run.origin.source
    with pytest.raises(InvalidInputError):
        await publish(db, settings.prompts_dir / "none")
    await db.close()


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "abc"), ("port", "70000"), ("port", "-1"), ("mode", "prod"), ("allow_get", "perhaps"),
        ("execution_timeout_s", "0"), ("execution_timeout_s", "nan"), ("execution_timeout_s", "1e9"),
        ("sync_timeout_s", "x"), ("log_level", "loud"), ("log_format", "xml"), ("tracing", "on"),
        ("max_concurrency", "0"), ("body_timeout_s", "0"), ("proxy_user_header", "a b"),
        ("pool_size", "2"), ("pool_timeout_s", "0"), ("replica_lag_s", "0.5"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """One sentence with the variable; what was set is not shown, it may be a secret."""
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)
    with pytest.raises(InvalidInputError) as caught:
        load()
    assert name == caught.value.field
    assert str(caught.value).startswith(f"{PREFIX}{name.upper()} must be ")
    with pytest.raises(InvalidInputError):
        create()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("cors_origins", "*", "`*` would let the pages of any site ask here"),
        ("cors_origins", "https://a.example, *", "`*` would let the pages of any site ask here"),
        ("cors_origins", "a.example", "one is no origin"),
        ("cors_origins", "https://a.example/", "one is no origin"),
        ("cors_origins", "https://A.example", "one is no origin"),
        ("cors_origins", "https://user@a.example", "one is no origin"),
        ("cors_origins", "null", "one is no origin"),
        ("trusted_proxy", "proxy.example", "one is no IP address"),
        ("trusted_proxy", "10.0.0.1,", None),
        ("cors_origins", "https://a.example,http://localhost:5173, http://[::1]:80", None),
    ],
)
def test_who_is_trusted_is_named_to_the_letter(name: str, value: str, sentence: str | None) -> None:
    """Nothing that would trust more than is meant."""
    if sentence is None:
        assert value == getattr(load(**{name: value}), name)
        return
    with pytest.raises(InvalidInputError, match=sentence) as caught:
        load(**{name: value})
    assert name == caught.value.field


@pytest.mark.parametrize(
    ("database", "standby", "sentence"),
    [
        ("sqlite:///x.db", "postgresql://u@h/d", "only a PostgreSQL has a standby"),
        ("postgresql://u@h/d", "sqlite:///x.db", "only a PostgreSQL has a standby"),
        ("postgresql://u@h/d", "postgresql://u:hunter2@h:x/d", "The database URL must look like"),
    ],
)
def test_standby_must_be_of_a_postgresql(database: str, standby: str, sentence: str) -> None:
    """A wrong address is named by its variable, and never shown."""
    with pytest.raises(InvalidInputError, match=f"PROMPTGRAPH_REPLICA_URL: {sentence}") as caught:
        build(load(database_url=database, replica_url=standby))
    assert "replica_url" == caught.value.field
    assert "hunter2" not in str(caught.value)


def test_pool_and_standby_are_as_they_are_set() -> None:
    """A third of the connections is for the queries that come all the time; the standby has as many."""
    several = "postgresql://u@one,two/d"
    settings = load(database_url=several, replica_url=several, pool_size=30, pool_timeout_s=1)
    db = opened(settings)
    assert {"session": (0, 20), "direct": (0, 10)} == db.pools()
    assert replica_of(db, settings) is not None
    assert replica_of(db, load(database_url=several)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])  # noqa: S104  # refused
def test_development_stays_on_this_machine(host: str) -> None:
    """Nobody else may reach a server that asks for no key."""
    with pytest.raises(InvalidInputError) as caught:
        load(host=host)
    assert "host" == caught.value.field
    if host:
        assert host == load(host=host, mode="production").host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "LOCALHOST"])
def test_loopback_has_several_names(host: str) -> None:
    """Each is this machine alone."""
    assert host == load(host=host).host


def test_given_values_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is not given; an empty variable is not set."""
    monkeypatch.setenv(f"{PREFIX}PORT", "9000")
    monkeypatch.setenv(f"{PREFIX}MODE", "")
    assert (9000, 9001, Mode.DEVELOPMENT) == (load(port=None).port, load(port=9001).port, load().mode)
    with pytest.raises(InvalidInputError):
        load(no_such_setting=1)


def test_hosts_follow_the_mode() -> None:
    """Loopback names in development, any in production, unless they are named."""
    assert ("localhost", "127.0.0.1", "[::1]") == load().hosts
    assert ("*",) == load(mode="production").hosts
    assert ("a.example", "b.example") == load(allowed_hosts=" a.example, b.example,").hosts


def test_secrets_are_not_shown() -> None:
    """Neither in a representation nor in a message."""
    assert "hunter2" not in repr(load(api_key="hunter2"))


def test_the_reference_has_every_setting() -> None:
    """docs/reference/settings.md is made from the class."""
    rows = reference().splitlines()[len(HEADING) :]
    assert [f"`{PREFIX}{name.upper()}`" for name in Settings.model_fields] == [
        row.split(" | ")[0][2:] for row in rows
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Localhost:8000", "localhost"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("a", "a"),
        ("", ""),
        (":1", ":1"),
    ],
)
def test_host_names_lose_their_port(header: str, expected: str) -> None:
    """What a Host header names, ready to be compared."""
    assert expected == host_name(header)
