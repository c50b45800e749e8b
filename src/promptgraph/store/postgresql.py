"""PostgreSQL: how connections to it are made, what each is told at its start, and when a commit counts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import event, exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.address import Address, Host
from promptgraph.store.failures import AWAY, NO_PRIMARY, UNCONFIRMED

CONNECT_SECONDS = 2.0
"""For each host, unless the URL says otherwise."""
IDLE_SECONDS = 1.0
"""A connection that was used since is not asked whether it is still there, which takes three round trips."""
OWNERS = ("28", "3D")
"""What a server refuses whoever it is: other hosts of the same database would, too."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections a process makes at most, and how long one that is free is waited for.

    units  seconds; idle: seconds after which one is asked whether somebody is still there
    """

    size: int = 15
    seconds: float = CONNECT_SECONDS
    idle: float = IDLE_SECONDS

    @property
    def direct(self) -> int:
        """Those for statements that are compiled once."""
        return self.size // 3

    @property
    def sessions(self) -> int:
        """All others."""
        return self.size - self.direct


def to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def postgresql_engine(address: Address, patience: float, pool: Pool | None) -> AsyncEngine:
    """Sessions' connections; without a pool each session makes one.

    units  patience: seconds that a statement may take
    """
    kept: dict[str, Any] = (
        {"poolclass": NullPool}
        if pool is None
        else {
            "poolclass": AsyncAdaptedQueuePool,
            "pool_size": pool.sessions,
            "max_overflow": 0,
            "pool_timeout": pool.seconds,
        }
    )
    engine = create_async_engine(
        address.url,
        **kept,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # what an error says of them may come to a log
        connect_args={
            "timeout": address.connect_seconds or CONNECT_SECONDS,
            "command_timeout": patience,
            "server_settings": _session(address, patience),
            **_statements(address),
        },
    )
    event.listen(engine.sync_engine, "do_connect", partial(_connected, _Hosts(address.hosts)))
    if pool is not None:
        event.listen(engine.sync_engine, "checkin", _given_back)
        event.listen(engine.sync_engine, "checkout", partial(_taken, pool.idle, engine.sync_engine.dialect))
    return engine


def _session(address: Address, patience: float) -> dict[str, str]:
    """What a connection is told at its start. The driver gives up first; the server's own limits are for when
    the driver is gone, or frozen in the middle of a transaction that others wait for. A pooler takes none of
    them: there the role has them.
    """
    told = {"application_name": "promptgraph", "timezone": "UTC"}
    if address.pooled:
        return told
    return told | {
        "lock_timeout": _milliseconds(0.8 * patience),
        "statement_timeout": _milliseconds(patience + 1),
        "idle_in_transaction_session_timeout": _milliseconds(12 * patience),
        "client_min_messages": "notice",  # or no warning of a commit would come
    }


def _milliseconds(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))


def _statements(address: Address) -> dict[str, Any]:
    """Statements stay prepared on a connection, under names that nobody else has. Where each transaction may
    have another one, none is kept, and none has a name.
    """
    if not address.pooled:
        return {"prepared_statement_name_func": lambda: f"promptgraph_{uuid4().hex}"}
    return {
        "prepared_statement_name_func": lambda: "",
        "prepared_statement_cache_size": 0,
        "statement_cache_size": 0,
    }


class _Hosts:
    """The hosts of one database. They are tried in turn, beginning with the one that served last: after a
    failover nobody waits for the old one each time.
    """

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        self._hosts = hosts

    async def opened(self, driver: Any, **options: Any) -> Any:
        """A connection to the first that serves; what a single host says is raised as it is.

        raises  StoreUnavailableError  none of several serves
        """
        if len(self._hosts) <= 1:
            return await driver.connect(**options, **_target(self._hosts[:1]))
        reached = False
        unfit = driver.InternalClientError
        for host in self._hosts:
            try:
                made = await driver.connect(**options, **_target((host,)))
            except (OSError, driver.PostgresError, driver.InterfaceError, unfit) as error:
                if (getattr(error, "sqlstate", None) or "").startswith(OWNERS):
                    raise
                reached = reached or isinstance(error, unfit)
            else:
                self._hosts = (host, *(each for each in self._hosts if each != host))
                return made
        raise StoreUnavailableError(NO_PRIMARY if reached else AWAY)


def _target(hosts: tuple[Host, ...]) -> Mapping[str, Any]:
    return {key: value for host in hosts for key, value in (("host", host.name), ("port", host.port))}


def _connected(hosts: _Hosts, dialect: Any, _record: Any, args: Any, options: Any) -> Any:
    """A connection. Only here a driver that runs out of time means that nobody is there."""
    opens = partial(hosts.opened, dialect.loaded_dbapi.asyncpg)
    try:
        made = dialect.connect(*args, **options, async_creator_fn=opens)
    except TimeoutError as error:
        raise StoreUnavailableError(AWAY) from error
    return _Connection(made, options)


class _Connection(AsyncAdapt_asyncpg_connection):
    """One whose commits count only if the standby has them: a wait for it that somebody cancelled ends as if
    all were well, with nothing but a warning, and what was committed is gone after a failover.
    """

    __slots__ = ("_warned",)

    def __init__(self, made: AsyncAdapt_asyncpg_connection, options: Mapping[str, Any]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # SQLAlchemy has no types for it
            made.dbapi,
            made.driver_connection,
            options.get("prepared_statement_cache_size", 100),
            options["prepared_statement_name_func"],
        )
        self._warned = False
        made.driver_connection.add_log_listener(self._hear)

    def _hear(self, _connection: Any, message: Any) -> None:
        # by its code, for its words are in the server's language; nothing else warns of a commit
        self._warned = self._warned or message.sqlstate == "01000"

    def commit(self) -> None:
        """raises  StoreUnavailableError  nobody knows whether it lasts"""
        self._warned = False
        super().commit()  # type: ignore[no-untyped-call]  # as above
        if self._warned:
            raise StoreUnavailableError(UNCONFIRMED)


def _given_back(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _taken(idle: float, dialect: Any, connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that was idle whether somebody is still there; if not, the pool opens others."""
    if time.monotonic() - record.info.get("used", math.inf) < idle:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise exc.InvalidatePoolError from error
