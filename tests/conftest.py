"""What every test may ask for: a migrated database on each engine, and the SQL that it was sent."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from promptgraph.store import migrate
from promptgraph.store.database import Database
from tests.hearing import heard
from tests.postgres import Cluster, NoPostgresError, Server, cluster, server
from tests.subset import taken, watched

ENGINES = ("sqlite", "postgres")
DSN = "PROMPTGRAPH_TEST_DSN"
STORAGE = Path(__file__).parent / "store"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What may take longer than a usual run has time for."""
    parser.addoption(
        "--kills", type=int, default=3, help="kills in each scenario of tests/faults; 20 is its long form"
    )
    parser.addoption("--operations", type=int, default=10_000, help="made operations for each database")
    parser.addoption("--seed", default="", help="other made operations than usually")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The storage suite on PostgreSQL is `distributed`; asked for by that name it wants a server of yours."""
    for item in items:
        told = getattr(item, "callspec", None)
        is_stored = told is not None and told.params.get("engine") == "postgres"
        if is_stored and item.path.is_relative_to(STORAGE):
            item.add_marker(pytest.mark.distributed)
            if config.option.markexpr == "distributed" and not os.environ.get(DSN):
                item.add_marker(pytest.mark.skip(reason=f"{DSN} names no database"))


def pytest_report_header() -> str | None:
    """Which database it is, where one is named."""
    dsn = os.environ.get(DSN)
    return f"database: {asyncio.run(Cluster(dsn).describe())}" if dsn else None


@pytest.fixture(scope="session", autouse=True)
def _sql_is_watched() -> Iterator[None]:
    with watched():
        yield


@pytest.fixture(autouse=True)
def _common_subset(_sql_is_watched: None) -> Iterator[None]:
    """What a test has PostgreSQL run stays within what the databases of the scale path share."""
    yield
    assert [] == taken()


@contextmanager
def or_skipped() -> Iterator[None]:
    """Without a PostgreSQL the test is skipped, but fails under CI=true."""
    try:
        yield
    except NoPostgresError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run."""
    with or_skipped(), cluster() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A PostgreSQL server that a test may stop."""
    with or_skipped(), server() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template(postgres: Cluster) -> Iterator[str]:
    """The name of a migrated database, to be copied."""
    with asyncio.Runner() as runner:
        name = runner.run(postgres.create())
        runner.run(migrated(postgres.url(name)))
        yield name
        runner.run(postgres.drop(name))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    with asyncio.Runner() as runner:
        runner.run(migrated(f"sqlite:///{path}"))
    return path


async def migrated(url: str) -> None:
    db = Database(url)
    await migrate.upgrade(db)
    await db.close()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgres`: the test runs on both."""
    return str(request.param)


@pytest.fixture
def template(engine: str, request: pytest.FixtureRequest) -> Path | tuple[Cluster, str]:
    """What a migrated database is copied from: a file, or a server and the name of a database there."""
    # asked for here, not in an async fixture: whoever makes a template runs an event loop of its own
    if engine == "sqlite":
        return Path(request.getfixturevalue("sqlite_template"))
    return request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")


@pytest.fixture
async def url(template: Path | tuple[Cluster, str], tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a migrated database that nobody else uses."""
    if isinstance(template, Path):
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'promptgraph.db')}"
        return
    running, name = template
    copy = await running.create(name)
    yield running.url(copy)
    await running.drop(copy)


@pytest.fixture
async def empty_url(template: Path | tuple[Cluster, str], tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without a table."""
    if isinstance(template, Path):
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    running, _ = template
    name = await running.create()
    yield running.url(name)
    await running.drop(name)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """A migrated, empty database, on each engine in turn."""
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Database]:
    """A database without tables, for what should not come as far as one."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    await database.close()


class Statements(list[str]):
    """The SQL that a database was sent, in order; transaction control does not count."""

    @contextmanager
    def counted(self, expected: int) -> Iterator[None]:
        """Inside, exactly so many statements are sent."""
        before = len(self)
        yield
        sent = self[before:]
        assert expected == len(sent), "\n".join(sent)


@pytest.fixture
def statements(db: Database) -> Iterator[Statements]:
    """Records the SQL that `db` is sent from now on."""
    sent = Statements()

    def record(statement: str, _: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT")):
            sent.append(" ".join(statement.split()))

    with heard(db, record):
        yield sent
