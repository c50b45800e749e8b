"""Statements compiled once and run on the driver's own connection, which stays open: what is read all the
time pays for the database's work and little else. Everything rare goes through `Database.read`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import uuid4

from sqlalchemy import BindParameter, ClauseElement, Dialect, bindparam, exc
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeEngine

from promptgraph.domain.errors import PromptgraphError
from promptgraph.store.failures import translated

Values: TypeAlias = Sequence[Sequence[Any]]
"""Rows as the driver gives them."""

MANY_STATEMENTS = 100
"""So many stay prepared on a connection."""
TICK, TICKS = 10_000, 20
"""How many steps of SQLite's machine lie between two looks at them, and how many looks a statement may live
in the event loop: some milliseconds. A longer one begins again in a thread.
"""
INTERRUPT_SECONDS = 0.01
"""How often a statement in a thread is told to stop."""
LOOP_SECONDS = 0.003
"""So long several statements hold the event loop before others have their turn."""


class NotDirectError(Exception):
    """Only the general way answers this: not a failure, and nothing that anybody is told."""


class Text(NamedTuple):
    """A statement as a driver takes it: `names` are its parameters in order, `fixed` the values of those that
    were known when it was compiled, `convert` makes of the others what the driver takes.
    """

    sql: str
    names: Sequence[str]
    fixed: Mapping[str, Any]
    convert: Mapping[str, Callable[[Any], Any]]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Its parameters, in order."""
        fixed, convert = self.fixed, self.convert
        return [
            (convert[name](given[name]) if name in convert else given[name]) if name in given else fixed[name]
            for name in self.names
        ]


class Statement:
    """A statement by dialect, compiled when it is first run. Parameters that its caller gives are made by
    `parameter`.
    """

    __slots__ = ("_build", "_texts")

    def __init__(self, build: Callable[[str], ClauseElement]) -> None:
        self._build = build
        self._texts: dict[str, Text] = {}

    def on(self, dialect: Dialect) -> Text:
        """Its text in that dialect."""
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = _compiled(self._build(dialect.name), dialect)
        return text


def parameter(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """A value that is given with each run of a statement."""
    return bindparam(name, type_=type_, required=False)


def _compiled(statement: ClauseElement, dialect: Dialect) -> Text:
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    convert: Mapping[str, Any] = compiled._bind_processors  # noqa: SLF001  # what an execution reads
    fixed = {
        # the items of a list are named after it
        name: (convert.get(name) or convert.get(name.rpartition("_")[0]) or _same)(value)
        for name, value in compiled.params.items()
    }
    return Text(str(compiled), tuple(compiled.positiontup or ()), fixed, convert)


def _same(value: Any) -> Any:
    return value


class Reader(Protocol):
    """A connection that only reads."""

    dialect: Dialect

    async def rows(self, statement: Statement, **parameters: Any) -> Values:
        """What the statement gives, values as the driver has them."""
        ...

    async def execute(self, sql: str) -> None:
        """Run what answers nothing."""
        ...

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more."""
        ...

    def close(self) -> None:
        """End it at once."""
        ...


class OnPostgresql:
    """A connection of asyncpg; `pooled` is one that may be another for each transaction, where nothing stays
    prepared.
    """

    def __init__(self, connection: Any, dialect: Dialect, *, pooled: bool = False) -> None:
        self.dialect = dialect
        self._connection = connection
        self._pooled = pooled
        self._prepared: OrderedDict[str, Any] = OrderedDict()

    async def rows(self, statement: Statement, **parameters: Any) -> Values:
        text = statement.on(self.dialect)
        if self._pooled:
            found: Values = await self._connection.fetch(text.sql, *text.values(parameters))
            return found
        prepared = self._prepared.get(text.sql) or await self._prepare(text.sql)
        rows: Values = await prepared.fetch(*text.values(parameters))
        return rows

    async def _prepare(self, sql: str) -> Any:
        """A statement under a name that nobody else has, for there may be a pooler in between."""
        made = await self._connection.prepare(sql, name=f"promptgraph_{uuid4().hex}")
        self._prepared[sql] = made
        if len(self._prepared) > MANY_STATEMENTS:
            self._prepared.popitem(last=False)
        return made

    async def execute(self, sql: str) -> None:
        await self._connection.execute(sql)

    @property
    def gone(self) -> bool:
        return bool(self._connection.is_closed())

    def close(self) -> None:
        self._connection.terminate()


class OnSqlite:
    """A connection of sqlite3. It is read in the event loop, where a look-up takes less than a thread takes
    to hear of it; what takes long, or waits for a lock, goes on in a thread.
    """

    gone = False

    def __init__(self, path: Path, dialect: Dialect, patience: float) -> None:
        self.dialect = dialect
        self._patience = patience
        self._left = TICKS
        self._since = 0.0
        self._connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        for pragma in ("query_only=ON", "wal_autocheckpoint=0"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._bounded()

    def _bounded(self) -> None:
        self._connection.set_progress_handler(self._tick, TICK)

    def _tick(self) -> bool:
        self._left -= 1
        return self._left < 0

    async def rows(self, statement: Statement, **parameters: Any) -> Values:
        text = statement.on(self.dialect)
        sql, values = text.sql, text.values(parameters)
        if (now := time.perf_counter()) - self._since > LOOP_SECONDS:
            self._since = now
            await asyncio.sleep(0)
        self._left = TICKS
        try:
            return self._run(sql, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _LATER:
                raise
        return await self._in_thread(sql, values)

    def _run(self, sql: str, values: Sequence[Any]) -> Values:
        return self._connection.execute(sql, values).fetchall()

    async def _in_thread(self, sql: str, values: Sequence[Any]) -> Values:
        """As `_run`, with patience. Who is no longer waited for stops."""
        running = asyncio.ensure_future(asyncio.to_thread(self._patiently, sql, values))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():  # the statement may not have begun yet
                self._connection.interrupt()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running], timeout=INTERRUPT_SECONDS)
            raise

    def _patiently(self, sql: str, values: Sequence[Any]) -> Values:
        self._connection.set_progress_handler(None, 0)
        self._connection.execute(f"PRAGMA busy_timeout={self._patience * 1000:.0f}")
        try:
            return self._run(sql, values)
        finally:
            self._connection.execute("PRAGMA busy_timeout=0")
            self._bounded()

    async def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def close(self) -> None:
        self._connection.close()


_LATER = {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


Opens: TypeAlias = Callable[[], Awaitable[Reader]]


class Direct:
    """A few such connections, opened when they are first needed."""

    def __init__(self, opens: Opens, most: int, patience: float, idle: float) -> None:
        """units  patience: seconds that a free one is waited for; idle: seconds after which one is asked
        whether somebody is still there
        """
        self._opens = opens
        self._patience = patience
        self._idle = idle
        self._free: list[tuple[Reader, float]] = []
        self._room = asyncio.Semaphore(most)
        self._most = most
        self._in_use = 0
        self._opening: set[asyncio.Future[Reader]] = set()
        self._closed = 0

    @asynccontextmanager
    async def reader(self, *, one_state: bool = False) -> AsyncIterator[Reader]:
        """A connection of one's own; with `one_state` all its statements see the same state of the database,
        a single one does anyway. One that failed is not used again.
        """
        await self._enter()
        self._in_use += 1
        try:
            times, reader = self._closed, await self._take()
            try:
                if one_state:
                    await reader.execute(_BEGIN[reader.dialect.name])
                yield reader
                if one_state:
                    await reader.execute("COMMIT")
            except BaseException:
                reader.close()
                raise
            self._keep(reader, times)
        finally:
            self._in_use -= 1
            self._room.release()

    @property
    def used(self) -> tuple[int, int]:
        """How many are in use, and how many there may be."""
        return self._in_use, self._most

    def _keep(self, reader: Reader, times: int) -> None:
        """For the next one, unless all were closed since."""
        if times == self._closed:
            self._free.append((reader, time.monotonic()))
        else:
            reader.close()

    async def _enter(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError as error:
            raise exc.TimeoutError from error

    async def _take(self) -> Reader:
        while self._free:
            reader, used = self._free.pop()
            if not reader.gone and (time.monotonic() - used < self._idle or await _answers(reader)):
                return reader
            reader.close()
        return await self._opened()

    async def _opened(self) -> Reader:
        """A new one; if nobody waits for it any more, it is there for the next one."""
        opening, times = asyncio.ensure_future(self._opens()), self._closed
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(partial(self._spare, times))
            raise

    def _spare(self, times: int, opening: asyncio.Future[Reader]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._keep(opening.result(), times)

    async def close(self) -> None:
        """Close them; those in use when they are given back."""
        self._closed += 1
        await asyncio.gather(*self._opening, return_exceptions=True)
        while self._free:
            self._free.pop()[0].close()


_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


async def _answers(reader: Reader) -> bool:
    try:
        with translated():
            await reader.execute("SELECT 1")
    except PromptgraphError:
        return False
    except BaseException:
        reader.close()
        raise
    return True


async def on_postgresql(engine: AsyncEngine, *, pooled: bool) -> Reader:
    """A connection that the engine opens, and forgets."""
    held = await engine.raw_connection()
    connection = held.driver_connection
    held.detach()
    return OnPostgresql(connection, engine.dialect, pooled=pooled)
