"""Connections: sessions that read, sessions that write, and how each database is set up."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import orjson
from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.address import PRIMARY, Address, parse_address
from promptgraph.store.direct import Direct, OnSqlite, Reader, on_postgresql
from promptgraph.store.failures import NO_FILE, is_locked, translated
from promptgraph.store.postgresql import Pool, postgresql_engine, to_json
from promptgraph.store.visits import at_once, in_one_visit
from promptgraph.store.waiting import Waiting

log = logging.getLogger("promptgraph.store")

T = TypeVar("T")

Session: TypeAlias = AsyncSession
Opens: TypeAlias = Callable[[], AbstractAsyncContextManager[Session]]

PATIENCE_SECONDS = 5.0
MIGRATION_SECONDS = 600.0
READERS = 5
POOL = Pool()
SCRUB_MS = 1_000
"""How long the log's readers are waited for."""
REVISED = "revised"
"""Under which a session notes the registry's revision if it advances it."""


class Database:
    """One database, SQLite or PostgreSQL, by its URL. Makes no connection before the first session."""

    def __init__(
        self, url: str, *, patience: float = PATIENCE_SECONDS, pool: Pool = POOL, wants: str = PRIMARY
    ) -> None:
        """keys    pool: of PostgreSQL; wants: which one, of several servers
        units   patience: seconds that a statement or a lock is waited for; on SQLite a free connection, too
        raises  InvalidInputError  the URL is none, or of another database
        """
        self._address = parse_address(url, wants)
        self._patience = patience
        self._told: list[Callable[[int], None]] = []
        if self.dialect == "sqlite":
            warn_of_old_sqlite()
            self._writer = _sqlite_engine(self._address, patience, writes=True)
            self._reader = _sqlite_engine(self._address, patience, writes=False)
            self.engines: tuple[AsyncEngine, ...] = (self._writer, self._reader)
        else:
            self._writer = postgresql_engine(self._address, patience, pool)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self.engines = (self._writer,)
        served = self.dialect == "postgresql"
        self._direct = Direct(
            self._open, pool.direct if served else READERS, pool.seconds if served else patience, pool.idle
        )
        self.waiting = Waiting()

    async def _open(self) -> Reader:
        if self._address.path is None:
            return await on_postgresql(self._writer, pooled=self._address.pooled)
        _check_file(self._address.path, make=False)
        return OnSqlite(self._address.path, self._reader.dialect, self._patience)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._address.dialect

    @property
    def missing(self) -> bool:
        """Whether there is no database file yet; a server is never missing, it may be out of reach."""
        return self._address.path is not None and not self._address.path.exists()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        """A session that sees one state of the database and never commits.

        raises  StoreUnavailableError  the database is out of reach
        """
        with translated():
            async with AsyncSession(self._reader, autoflush=False, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def direct(self, *, one_state: bool = False) -> AsyncIterator[Reader]:
        """A driver's own connection for statements that are compiled once: reads that happen all the time.
        Each statement sees one state of the database, with `one_state` all of them see the same.

        raises  StoreUnavailableError  the database is out of reach
        """
        with translated():
            async with self._direct.reader(one_state=one_state) as reader:
                yield reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        """A session that commits on leaving, and rolls back when the body raises.

        raises  StoreUnavailableError  out of reach, or busy: nothing is known to be written; try again
        """
        with translated():
            async with AsyncSession(self._writer, autoflush=False, expire_on_commit=False) as session:
                yield session
                try:
                    await session.commit()
                finally:  # one that fails may have reached the disk
                    if (revision := session.info.get(REVISED)) is not None:
                        for tell in self._told:
                            tell(revision)

    def on_revision(self, tell: Callable[[int], None]) -> None:
        """Call `tell` with the registry's revision after each commit of this process that advances it."""
        self._told.append(tell)

    async def at_once(self, act: Callable[[Any], T]) -> T:
        """What `act` does to a `bulk.Driver`, in a transaction: a commit if it returns, else nothing of it.
        On SQLite this is a single visit to the writer's thread, which runs `act`, where a session makes one
        for each statement.

        raises  as `write`
        """
        with translated():
            if self.dialect != "sqlite":
                async with self._writer.begin() as connection:
                    return await connection.run_sync(act)
            async with self._writer.connect() as connection:
                held = await connection.get_raw_connection()
                return await at_once(held.driver_connection, self._writer.dialect, act)

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A connection of its own for changing tables, with patience for long statements and for another
        migration. The caller commits; SQLite does not watch foreign keys meanwhile.
        """
        with translated():
            engine = (
                _sqlite_engine(self._address, self._patience, writes=True, migrates=True)
                if self.dialect == "sqlite"
                else postgresql_engine(self._address, MIGRATION_SECONDS, None)
            )
            try:
                async with engine.connect() as connection:
                    yield connection
            finally:
                await engine.dispose()

    def pools(self) -> dict[str, tuple[int, int]]:
        """By pool how many connections are in use, and how many there may be."""
        names = ("write", "read") if self.dialect == "sqlite" else ("session",)
        pools: list[Any] = [engine.pool for engine in self.engines]
        found = {name: (pool.checkedout(), pool.size()) for name, pool in zip(names, pools, strict=True)}
        return found | {"direct": self._direct.used}

    async def describe(self) -> str:
        """Product and version, e.g. `SQLite 3.40.1`."""
        product, query = DESCRIPTIONS[self.dialect]
        async with self.read() as session:
            version = str(await session.scalar(text(query)))
        return f"{product} {version.split(maxsplit=1)[0]}"

    async def scrub(self) -> None:
        """Leave nothing in SQLite's log of what was deleted, unless somebody still reads it: what the file
        itself had of it is overwritten already. PostgreSQL vacuums when it sees fit.
        """
        if self.dialect != "sqlite":
            return
        usual = f"busy_timeout={self._patience * 1_000:.0f}"
        with translated():
            async with self._writer.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                for statement in (f"busy_timeout={SCRUB_MS}", "wal_checkpoint(TRUNCATE)", usual):
                    await driver.execute_fetchall(f"PRAGMA {statement}")

    async def close(self) -> None:
        """Close every connection; a later session opens new ones."""
        await self._direct.close()
        for engine in self.engines:
            await engine.dispose()


DESCRIPTIONS = {
    "sqlite": ("SQLite", "SELECT sqlite_version()"),
    "postgresql": ("PostgreSQL", "SELECT current_setting('server_version')"),
}


def _sqlite_engine(address: Address, patience: float, *, writes: bool, migrates: bool = False) -> AsyncEngine:
    pool: dict[str, Any] = {"poolclass": NullPool}
    if not migrates:
        # one writer: the only connection of this process that takes the write lock and checkpoints
        pool = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1 if writes else READERS}
        pool |= {"max_overflow": 0, "pool_timeout": patience}
    engine = create_async_engine(
        address.url,
        **pool,
        json_serializer=to_json,
        json_deserializer=_from_json,
        hide_parameters=True,  # what an error says of them may come to a log
        # no transactions of the driver's own making: `begin` below says what is begun
        connect_args={"isolation_level": None, "timeout": patience},
    )
    pragmas = [f"foreign_keys={'OFF' if migrates else 'ON'}", "synchronous=FULL"]
    # what is deleted is overwritten: some builds of SQLite do so anyway, others when they are told
    pragmas += (
        ["journal_mode=WAL", "secure_delete=ON"] if writes else ["query_only=ON", "wal_autocheckpoint=0"]
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connect(dialect: Any, _record: Any, args: Any, options: Any) -> Any:
        _check_file(address.path, make=writes)
        return in_one_visit(dialect.connect(*args, **options))

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "do_connect", connect)
    event.listen(engine.sync_engine, "connect", prepare)
    waits = partial(_begin, begin, MIGRATION_SECONDS if migrates else 0)
    event.listen(engine.sync_engine, "begin", waits)
    return engine


def _from_json(stored: Any) -> Any:
    """What was stored. SQLite makes a number of a JSON text that is one."""
    return stored if isinstance(stored, int | float) else orjson.loads(stored)


def _begin(statement: str, seconds: float, connection: Any) -> None:
    """Begin as soon as SQLite's lock is free, in waits of the connection's own patience: nothing interrupts
    one of them, but who waits for many can be stopped in between.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            connection.exec_driver_sql(statement)
        except exc.OperationalError as error:
            if time.monotonic() >= end or not is_locked(error):
                raise
        else:
            return


def _check_file(path: Path | None, *, make: bool) -> None:
    """Find the database file; or make it, for its owner alone, and its folder."""
    if path is None:
        return
    try:
        if make and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailableError(f"The database file cannot be made: {error.strerror}.") from error
    # looked at beforehand, for a connection that fails to open leaves its thread behind in aiosqlite
    if not path.is_file() or not os.access(path, os.R_OK):
        raise StoreUnavailableError(NO_FILE)


def sqlite_is_mended(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite is without the WAL-reset bug (3.7.0 to 3.51.2, mended in three lines)."""
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return mended or version < (3, 7, 0)


@cache
def warn_of_old_sqlite() -> None:
    """Say in the log, once, when this process has an SQLite that may lose commits."""
    if not sqlite_is_mended(sqlite3.sqlite_version_info):
        log.warning(
            "SQLite %s may lose a commit when two processes write or checkpoint at once. "
            "Install promptgraph[sqlite], which brings a mended one, or use PostgreSQL.",
            sqlite3.sqlite_version,
        )
