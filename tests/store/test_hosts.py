"""Several servers of one database: the one that serves is found, whatever the others do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.engine import make_url

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store.database import Database
from promptgraph.store.registry import lock_registry, revision
from tests.postgres import free_port

pytestmark = pytest.mark.parametrize("engine", ["postgres"])


async def ask(db: Database) -> int:
    async with db.read() as session:
        return await revision(session)


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """The port of a server that says nothing, as one that is frozen; and who has come."""
    came: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, writer: came.append(writer), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], came
        for writer in came:
            writer.close()


def several(url: str, *ports: int, more: str = "") -> str:
    """A URL with these ports before the real one."""
    real = make_url(url)
    hosts = ",".join(f"127.0.0.1:{port}" for port in (*ports, real.port))
    return f"postgresql://postgres@{hosts}/{real.database}?{more}"


async def test_server_that_is_gone_is_passed_by(url: str) -> None:
    """A port that nobody listens on costs nothing; sessions and direct readers find the next."""
    db = Database(several(url, free_port()))
    assert 0 == await ask(db)
    async with db.direct() as reader:
        assert not reader.gone
    await db.close()


async def test_server_that_says_nothing_is_waited_for_once(url: str) -> None:
    """No longer than `connect_timeout`; then the one that served is asked first."""
    async with silent() as (port, came):
        db = Database(several(url, port, more="connect_timeout=1&sslmode=disable"))
        assert 0 == await ask(db)
        assert 1 == len(came)
        await db.close()
        assert 0 == await ask(db)
        assert 1 == len(came)
        await db.close()


async def test_nobody_serves(url: str) -> None:
    """All are gone: out of reach, and said at once."""
    real = make_url(url)
    db = Database(f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{free_port()}/{real.database}")
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="out of reach"):
        await ask(db)
    assert time.monotonic() - began < 30
    await db.close()


async def test_none_is_what_the_url_asks_for(url: str) -> None:
    """There is a primary, and a standby was asked for: the sentence tells that from silence."""
    db = Database(several(url, free_port(), more="target_session_attrs=standby"))
    with pytest.raises(StoreUnavailableError, match="None of the database's servers"):
        await ask(db)
    await db.close()


async def test_refusal_of_the_login_is_not_asked_for_twice(url: str) -> None:
    """What one server says of who we are, the others would say, too."""
    real = make_url(url)
    hosts = f"127.0.0.1:{real.port},127.0.0.1:{free_port()}"
    db = Database(f"postgresql://somebody@{hosts}/{real.database}")
    with pytest.raises(StoreUnavailableError, match="refused the login"):
        await ask(db)
    await db.close()


async def test_limits_are_the_server_s_too(url: str) -> None:
    """Whoever is killed or frozen in a transaction holds others up for no longer than this."""
    db = Database(url, patience=2)
    names = (
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "client_min_messages",
    )
    async with db.read() as session:
        connection = await session.connection()
        told = [(await connection.exec_driver_sql(f"SHOW {name}")).scalar_one() for name in names]
    assert ["1600ms", "3s", "24s", "notice"] == told
    await db.close()


async def test_session_that_idles_in_a_transaction_is_ended(url: str) -> None:
    """Its lock is free, and it says that the database is out of reach."""
    db, other = Database(url, patience=0.1), Database(url)

    async def idle() -> None:
        async with db.write() as session:
            await lock_registry(session)
            async with other.write() as waiting:
                await lock_registry(waiting)
            await lock_registry(session)

    with pytest.raises(StoreUnavailableError):
        await idle()
    await db.close()
    await other.close()
