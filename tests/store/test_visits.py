"""SQLite is visited once for each statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from promptgraph.store.visits import in_one_visit

Visits = list[str]


@pytest.fixture(
    params=[in_one_visit, lambda connection: connection], ids=["one visit", "control: SQLAlchemy's"]
)
async def opened(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[AsyncConnection, Visits]]:
    """A connection, and what its thread was asked to do."""
    dress: Callable[[Any], Any] = request.param
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    event.listen(
        engine.sync_engine, "do_connect", lambda dialect, _, args, more: dress(dialect.connect(*args, **more))
    )
    visits: Visits = []
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        put = raw._execute  # noqa: SLF001  # what is counted

        async def counted(fn: Callable[..., Any], *args: Any) -> Any:
            visits.append(fn.__name__)
            return await put(fn, *args)

        raw._execute = counted  # noqa: SLF001  # as above
        yield connection, visits
    await engine.dispose()


async def test_answers_as_before(
    opened: tuple[AsyncConnection, Visits], request: pytest.FixtureRequest
) -> None:
    """Rows, their columns, what was changed and errors are the same; only the visits are fewer."""
    connection, visits = opened
    ours = "control" not in request.node.name
    await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    visits.clear()
    made = await connection.exec_driver_sql("INSERT INTO t (name) VALUES (?)", ("a",))
    assert (1, 1) == (made.rowcount, made.lastrowid)
    many = await connection.exec_driver_sql("INSERT INTO t (name) VALUES (?)", [("b",), ("c",)])
    assert 2 == many.rowcount
    found = await connection.exec_driver_sql("SELECT id, name FROM t WHERE id > ? ORDER BY id", (1,))
    assert [("id", "name"), (2, "b"), (3, "c")] == [tuple(found.keys()), *found.all()]
    assert [] == (await connection.exec_driver_sql("SELECT 1 WHERE 0")).all()
    assert (4 == len(visits)) == ours
    with pytest.raises(exc.IntegrityError, match="UNIQUE"):
        await connection.exec_driver_sql("INSERT INTO t (name) VALUES (?)", ("a",))
    with pytest.raises(exc.OperationalError, match="no such table"):
        await connection.exec_driver_sql("SELECT * FROM missing")
    assert 3 == (await connection.exec_driver_sql("SELECT count(*) FROM t")).scalar_one()
