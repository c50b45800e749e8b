"""Behind a pooler each transaction may have another connection: nothing may be left on one for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.engine import make_url

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.graph.executors import Executing
from promptgraph.graph.request import Request
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.registry import lock_registry, revision
from promptgraph.store.rollups import fold
from tests.graph.recording import call, recorded, score
from tests.graph.registry import FILES, pipeline, sync
from tests.recorders import recorder
from tests.store.pooler import pooler

pytestmark = pytest.mark.parametrize("engine", ["postgres"])
HOT = Request(
    "{prompts(first:3){nodes{name metrics{calls} llmCalls(first:2){totalCount nodes{callId agent{name}}}}}"
    " agents{nodes{name}}}",
    {},
)


async def ask(db: Database) -> int:
    async with db.read() as session:
        return await revision(session)


async def twice(act: Callable[[], Awaitable[object]]) -> None:
    """What was left on a connection the first time is not there the second time."""
    await act()
    await act()


async def test_everything_works_in_transaction_mode(url: str) -> None:
    """Syncs, recording, scores, folding, and reads by session, by program and of one state."""
    server = make_url(url)
    async with pooler(str(server.host), int(server.port or 0)) as (between, port):
        db = Database(f"postgresql://postgres@127.0.0.1:{port}/{server.database}?pooler=transaction")
        line = pipeline(db, executing=Executing(memory=RegistryMemory(db)))
        await twice(lambda: sync(db, FILES))
        numbers = iter(range(1, 100))
        await twice(lambda: recorded(db, call(next(numbers)), call(next(numbers), agent="bot")))
        await twice(lambda: score(db, {"callId": call(1)["callId"], "name": "good", "value": 1}))
        await twice(lambda: fold(db))
        for asked in (HOT, Request('{metrics(window:{last:"PT1H"}){calls series(bin:HOUR){calls}}}', {})):
            answers = [(await line.answer(asked)).payload for _ in range(3)]
            assert [True] * 3 == ["errors" not in each for each in answers], answers
        async with db.direct(one_state=True) as reader:
            assert "postgresql" == reader.dialect.name
        await recorder(db).stop()
        await db.close()
    assert between.turns > 30


async def test_pooler_that_was_not_named_is_said(url: str) -> None:
    """The control: without the option a start is refused, and the sentence says where to look."""
    server = make_url(url)
    async with pooler(str(server.host), int(server.port or 0)) as (_, port):
        db = Database(f"postgresql://postgres@127.0.0.1:{port}/{server.database}")
        with pytest.raises(StoreUnavailableError, match="poolers"):
            await ask(db)
        await db.close()


async def test_what_was_prepared_is_gone_with_the_transaction(url: str) -> None:
    """The control: a pooler that ignores what it does not know loses the statements that are kept."""
    server = make_url(url)
    async with pooler(str(server.host), int(server.port or 0), lenient=True) as (_, port):
        db = Database(f"postgresql://postgres@127.0.0.1:{port}/{server.database}")
        with pytest.raises(StoreUnavailableError, match="poolers"):
            await twice(lambda: write(db))
        await db.close()


async def write(db: Database) -> None:
    async with db.write() as session:
        await lock_registry(session)
