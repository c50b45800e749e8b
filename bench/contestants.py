"""Who is measured: how each is started, and how it is asked each question."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orjson import dumps

from bench import peers
from bench.filling import HOT, MIDDLE, NAMED
from bench.load import Ask
from bench.served import Served, serving, uvicorn
from promptgraph.domain.keys import NewApiKey, Scope
from promptgraph.store.api_keys import create_key
from promptgraph.store.database import Database
from tests.postgres import Cluster, free_port

HERE = Path(__file__).parent
OURS, NAIVE, FLOOR, HELLO, GRAPHILE = "promptgraph", "naive", "floor", "hello", "PostGraphile"
PHOENIX, MLFLOW = "Phoenix", "MLflow"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
DRIVERS = {SQLITE: "sqlite+aiosqlite", POSTGRESQL: "postgresql+asyncpg"}
PATH = "x-promptgraph-path"
STANDARD = f"{PATH}: standard"
"""By which header an answer of ours says who made it; and that the fast path did not."""


@dataclass(frozen=True)
class Question:
    """A question, the file of its words, and the names it is asked with in turn."""

    name: str
    file: str
    prompts: Sequence[str] = ()
    heavy: bool = True


QUESTIONS = (
    Question("Q1", "Q1", heavy=False),
    Question("Q2", "Q2"),
    Question("Q3", "Q3", (MIDDLE,)),
    Question("Q3 hot", "Q3", (HOT,)),
    Question("Q4", "Q4"),
    Question("Q5", "Q5", (MIDDLE,)),
    Question("Q6", "Q6", NAMED, heavy=False),
)
GREETING = Question("hello", "", heavy=False)


@dataclass(frozen=True)
class Contestant:
    """A server, the database below it, and what it is sent for each question."""

    name: str
    database: str
    served: Served
    asks: Mapping[str, Ask] = field(default_factory=dict)


def posted(folder: Path, question: Question, **more: Any) -> Ask:
    """A question of a folder of `.graphql` files, as requests."""
    words = (folder / f"{question.file}.graphql").read_text()
    given = [{"variables": {"n": name}} for name in question.prompts] or [{}]
    return Ask(bodies=tuple(dumps({"query": words} | variables).decode() for variables in given), **more)


def asked_by_graphql(folder: Path, **more: Any) -> dict[str, Ask]:
    return {each.name: posted(folder, each, **more) for each in QUESTIONS}


def asked_by_path() -> dict[str, Ask]:
    plain = {name: Ask(paths=(f"/{name}",), method="GET") for name in ("Q1", "Q2")}
    return plain | {"Q6": Ask(paths=tuple(f"/Q6?{quote(name)}" for name in NAMED), method="GET")}


@contextmanager
def ours(
    url: str, core: int | None, workers: int = 1, program: Sequence[str] = ("promptgraph.cli.main",)
) -> Iterator[Served]:
    """Our server as it is run in production, and a key to it. With workers of its own it may use every core.
    `program`: what runs it.
    """
    key = asyncio.run(new_key(url))
    words = [sys.executable, "-m", *program, "serve", "--port", "{port}"]
    words += ["--workers", str(workers), "--mode", "production", "--log-level", "warning"]
    with serving(OURS, words, core, PROMPTGRAPH_DATABASE_URL=url) as served:
        yield replace(served, headers={"Authorization": f"Bearer {key}"})


async def new_key(url: str) -> str:
    """The secret of a new key that may read and record."""
    db = Database(url)
    wanted = NewApiKey("bench", frozenset({Scope.READ, Scope.RECORD}))
    async with db.write() as session:
        made = await create_key(session, wanted, dt.datetime.now(dt.UTC))
    await db.close()
    return made.secret


def of_ours(name: str, database: str, served: Served, asks: Mapping[str, Ask]) -> Contestant:
    """Our server as a contestant, its key with every request."""
    keyed = {what: replace(ask, headers={**ask.headers, **served.headers}) for what, ask in asks.items()}
    return Contestant(name, database, served, keyed)


@contextmanager
def naive(app: str, url: str, core: int | None) -> Iterator[Served]:
    """A server that strawberry's docs recommend: `naive` records, `naive_reads` reads."""
    scheme, _, rest = url.partition("://")
    with serving(NAIVE, uvicorn(f"{app}:app"), core, BENCH_DATABASE=f"{DRIVERS[scheme]}://{rest}") as served:
        yield served


@contextmanager
def graphile(url: str, core: int | None) -> Iterator[Served]:
    """PostGraphile by its own command.

    raises  NoPeerError  it is not installed
    """
    folder = peers.postgraphile()
    asyncio.run(Cluster(url).run((peers.GRAPHILE / "functions.sql").read_text()))
    shutil.copy(peers.GRAPHILE / "graphile.config.mjs", folder)
    words = [str(peers.node()), "node_modules/postgraphile/dist/cli-run.js"]
    env = {"BENCH_DATABASE": url, "BENCH_PORT": "{port}", "GRAPHILE_ENV": "production"}
    with serving(GRAPHILE, words, core, cwd=folder, **env, NODE_ENV="production") as served:
        yield served


@contextmanager
def phoenix(folder: Path, core: int | None) -> Iterator[Served]:
    """Phoenix with an SQLite file of its own, `phoenix.db` in `folder`.

    raises  NoPeerError  it is not installed
    """
    words = [str(peers.python("phoenix").with_name("phoenix")), "serve"]
    env = {"PHOENIX_WORKING_DIR": str(folder), "PHOENIX_PORT": "{port}", "PHOENIX_HOST": "127.0.0.1"}
    env |= {"PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_TELEMETRY_ENABLED": "false", "HOME": str(folder)}
    with serving(PHOENIX, words, core, cwd=folder, **env) as served:
        yield served


@contextmanager
def mlflow(folder: Path, core: int | None) -> Iterator[Served]:
    """MLflow's server with one worker and an SQLite file, `mlflow.db` in `folder`.

    raises  NoPeerError  it is not installed
    """
    python = peers.python("mlflow")
    words = [str(python.with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", "{port}"]
    words += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    words += ["--default-artifact-root", str(folder / "artifacts")]
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    env = {"HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "PATH": path}
    env |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # seven processes that only wait
    with serving(MLFLOW, words, core, cwd=folder, **env) as served:
        yield served


@contextmanager
def readers(urls: Mapping[str, str], core: int | None, *, with_peers: bool) -> Iterator[list[Contestant]]:
    """All who answer the questions, on both databases, ours first."""
    queries = HERE / "queries"
    with ExitStack() as stack:
        found = []
        for database, url in urls.items():
            served = stack.enter_context(ours(url, core))
            found.append(of_ours(OURS, database, served, asked_by_graphql(queries, noted=STANDARD)))
        for database, url in urls.items():
            served = stack.enter_context(naive("naive_reads", url, core))
            found.append(Contestant(NAIVE, database, served, asked_by_graphql(queries)))
        for database, url in urls.items():
            where = url.removeprefix("sqlite:///") if database == SQLITE else url
            served = stack.enter_context(serving(FLOOR, uvicorn("floor:app"), core, BENCH_DATABASE=where))
            found.append(Contestant(FLOOR, database, served, asked_by_path()))
        if with_peers:
            served = stack.enter_context(graphile(urls[POSTGRESQL], core))
            found.append(Contestant(GRAPHILE, POSTGRESQL, served, asked_by_graphql(peers.GRAPHILE)))
        served = stack.enter_context(serving(HELLO, uvicorn("hello:app"), core))
        found.append(Contestant(HELLO, "", served, {GREETING.name: Ask(paths=("/",), method="GET")}))
        yield found
