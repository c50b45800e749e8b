"""The registry in memory is as fresh as it must be, takes no more memory than it may, and holds nobody up."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import update

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.prompt import PromptContent
from promptgraph.record.callers import Agents
from promptgraph.store import memory as memory_module
from promptgraph.store import registry
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.prompts import PromptRef
from promptgraph.store.snapshot import Snapshot
from promptgraph.store.tables import PROMPTS, REGISTRY
from tests.store.stock import NOW, Stocked, content_with, point, stock

LONG = 60.0
"""So many seconds are longer than a test."""


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """The same database as another process has it."""
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine, one request reads all."""
    monkeypatch.setattr(memory_module, "LOAD_SECONDS", LONG)


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


async def add(db: Database, *names: str, versions: int = 1, text: str = "Hello") -> list[Stocked]:
    """New names, in one commit that advances the revision."""

    def content(version: int) -> PromptContent:
        return content_with(f"{version}{text}")

    async with db.write() as session:
        found = [await stock(session, name, range(1, versions + 1), content_of=content) for name in names]
        await registry.advance_revision(session)
        return found


async def held(memory: RegistryMemory) -> Snapshot:
    found = await memory.current()
    assert found is not None
    return found


async def test_fresh_means_that_nobody_asks(db: Database, other: Database) -> None:
    """What another process commits is not looked for before the time has come; then it is there."""
    memory = RegistryMemory(db, fresh_for=LONG)
    assert memory.fresh() is None
    snapshot = await held(memory)
    await add(other, "a")
    assert snapshot is memory.fresh()
    assert snapshot is await memory.current()
    memory.stale()
    assert memory.fresh() is None
    assert "a" == (await held(memory)).family_by_name("a").name


async def test_without_a_time_every_one_asks(db: Database, other: Database) -> None:
    """With `fresh_for` 0 what was committed before somebody asked is always there."""
    memory = RegistryMemory(db, fresh_for=0)
    for name in ("a", "b"):
        await add(other, name)
        assert name == (await held(memory)).family_by_name(name).name
        assert memory.fresh() is None


async def test_own_writes_are_there_at_once(db: Database) -> None:
    """After a commit of this process nobody has to say so, and nobody has to wait; the revision is known."""
    memory = RegistryMemory(db, fresh_for=LONG)
    before = (await held(memory)).revision
    await add(db, "a")
    assert before + 1 == memory.seen
    assert before + 1 == (await held(memory)).revision


async def test_an_agent_of_a_recorded_call_is_there_at_once(db: Database) -> None:
    """One that no file declares comes with a call, and advances the revision."""
    memory = RegistryMemory(db, fresh_for=LONG)
    await held(memory)
    await Agents(db, lambda: NOW).find(["new"])
    assert not (await held(memory)).agent_by_name("new").declared


async def test_what_fails_changes_nothing(db: Database) -> None:
    """A transaction that is rolled back leaves the snapshot fresh."""
    memory = RegistryMemory(db, fresh_for=LONG)
    snapshot = await held(memory)
    with suppress(ZeroDivisionError):
        async with db.write() as session:
            assert snapshot.revision + 1 == await registry.advance_revision(session)
            _ = 1 / 0
    assert snapshot is memory.fresh()


async def test_one_reads_for_all(db: Database) -> None:
    """Those who come while one reads go to the database; afterwards all have the same snapshot."""
    await add(db, *(f"p{i}" for i in range(50)), versions=5)
    memory = RegistryMemory(db, fresh_for=LONG)
    first, *others = await asyncio.gather(*(memory.current() for _ in range(50)))
    assert [None] * 49 == others
    assert first is not None
    assert [first] * 50 == await asyncio.gather(*(memory.current() for _ in range(50)))


async def test_one_asks_for_all(db: Database) -> None:
    """Those who come while one asks are content with what there is, for a while."""
    memory = RegistryMemory(db, fresh_for=0.1)
    snapshot = await held(memory)
    await asyncio.sleep(0.11)
    found = await asyncio.gather(*(memory.current() for _ in range(50)))
    assert [snapshot] * 50 == found
    assert snapshot is memory.fresh()


async def test_a_write_during_the_reading_is_not_missed(db: Database) -> None:
    """A snapshot that was begun before a commit of this process is not taken for fresh."""
    await add(db, *(f"p{i}" for i in range(50)), versions=5)
    memory = RegistryMemory(db, fresh_for=LONG)
    reading = asyncio.create_task(memory.current())
    await asyncio.sleep(0.005)
    await add(db, "late")
    before = await reading
    assert memory.fresh() is None or before is None or before.revision == memory.seen
    assert memory.seen == (await held(memory)).revision


async def test_what_has_not_changed_is_kept(db: Database) -> None:
    """A firm version is read once; those of a family whose facts change have the family's new ones."""
    one, two = await add(db, "one", "two", versions=3)
    memory = RegistryMemory(db, fresh_for=0)
    before = await held(memory)
    async with db.write() as session:
        await point(session, one, "beta", 2)
        await registry.retire_family(session, two.id, at=NOW)
        await registry.advance_revision(session)
    after = await held(memory)
    assert all(before.prompt(id_) is after.prompt(id_) for id_ in one.prompts.values())
    assert [NOW] * 3 == [after.prompt(id_).family.retired_at for id_ in two.prompts.values()]
    assert all(before.prompt(id_).messages is after.prompt(id_).messages for id_ in two.prompts.values())


async def test_a_registry_made_anew_is_read_anew(db: Database, other: Database) -> None:
    """Another content under an id that is known is noticed by its hash, even where the revision went back."""
    (family,) = await add(db, "a")
    await add(db, "b")
    memory = RegistryMemory(db, fresh_for=0)
    await held(memory)
    content = content_with("Another")
    async with other.write() as session:
        changes = {"messages": [m.as_json() for m in content.messages], "content_hash": content.digest()}
        await session.execute(update(PROMPTS).where(PROMPTS.c.id == family.prompts[1]).values(changes))
        await session.execute(update(REGISTRY).values(revision=1))
    snapshot = await held(memory)
    assert (1, content.messages) == (snapshot.revision, snapshot.prompt(family.prompts[1]).messages)


@pytest.mark.parametrize(
    "text", ["x" * 5_000, "\N{SNOWMAN}" * 2_000, "{{ a }}"], ids=["long", "wide", "short"]
)
async def test_it_takes_no_more_memory_than_it_may(
    db: Database, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit of what Python says that the snapshot takes is too little, and twice as much is enough. What is
    too large is never read again; the revision is known all the same.
    """
    await add(db, *(f"p{i}" for i in range(60)), versions=5, text=text)
    await held(RegistryMemory(db))  # what is made once is made
    gc.collect()
    with traced():
        generous = RegistryMemory(db, limit=2**30)
        assert await generous.current() is not None
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()

    assert await RegistryMemory(db, limit=2 * taken).current() is not None
    tight = RegistryMemory(db, fresh_for=0, limit=taken)
    assert [None, None, None] == [await tight.current() for _ in range(3)]
    assert tight.fresh() is None
    assert generous.seen == tight.seen
    await add(db, "late")
    assert await tight.current() is None
    assert 1 == caplog.text.count("The registry takes more than")


async def test_what_is_too_large_is_not_read_to_its_end(db: Database) -> None:
    """The memory is never much more than the limit, even while it is found to be too little."""
    await add(db, *(f"p{i}" for i in range(60)), versions=5, text="x" * 5_000)
    with traced():
        assert await RegistryMemory(db, limit=200_000).current() is None
        _, most = tracemalloc.get_traced_memory()
    assert 1_000_000 > most


async def test_others_go_on_while_it_is_read(db: Database) -> None:
    """A thousand versions are read in pieces between which everybody else has a turn."""
    await add(db, *(f"p{i}" for i in range(100)), versions=10)
    memory, turns = RegistryMemory(db), 0
    reading = asyncio.create_task(memory.current())
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert 50 < turns


async def test_a_long_reading_is_shared(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request reads for longer than its share: until all is there the database answers."""
    await add(db, *(f"p{i}" for i in range(30)), versions=5)
    monkeypatch.setattr(memory_module, "LOAD_SECONDS", 0.0)
    memory = RegistryMemory(db, fresh_for=LONG)
    found = [await memory.current() for _ in range(3)]
    assert [None, None] == found[:2]
    assert found[2] is memory.fresh() is not None


async def test_who_reads_may_be_stopped(db: Database) -> None:
    """A request that is cancelled in the middle leaves what it has read to the next one."""
    await add(db, *(f"p{i}" for i in range(50)), versions=5)
    memory = RegistryMemory(db)
    reading = asyncio.create_task(memory.current())
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert 5 == (await held(memory)).prompt_count_of_family(1)


async def test_a_revision_is_waited_for(db: Database, other: Database) -> None:
    """Whoever needs a revision gets it as soon as another process has committed it."""
    memory = RegistryMemory(db, fresh_for=LONG)
    wanted = (await held(memory)).revision + 2
    waiting = asyncio.create_task(memory.at_least(wanted))
    for name in ("a", "b"):
        assert not waiting.done()
        await add(other, name)
    await waiting
    assert wanted == (await held(memory)).revision
    await memory.at_least(wanted)


async def test_a_revision_that_does_not_come(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some time the answer is to try again."""
    monkeypatch.setattr(memory_module, "PATIENCE_SECONDS", 0.1)
    memory = RegistryMemory(db)
    with pytest.raises(
        StoreUnavailableError, match=r"revision 0 here, and 7 was asked for: try again"
    ) as refused:
        await memory.at_least(7)
    assert refused.value.retryable


async def test_without_a_database_there_is_no_answer(empty: Database) -> None:
    """What cannot be known to be fresh is not given."""
    with pytest.raises(StoreUnavailableError):
        await RegistryMemory(empty).current()


async def test_a_draft_is_read_each_time(db: Database) -> None:
    """It may be replaced, until it is firm."""
    memory = RegistryMemory(db, fresh_for=LONG)
    (family,) = await add(db, "a")
    async with db.write() as session:
        content = content_with("First")
        id_ = await registry.add_prompt(
            session,
            family_id=family.id,
            name="a",
            version=2,
            draft=True,
            content=content,
            digest=content.digest(),
            partials=(),
            source=None,
            at=NOW + dt.timedelta(days=1),
        )
        await registry.advance_revision(session)
    assert (await held(memory)).prompt(id_).draft
    async with db.write() as session:
        await registry.replace_draft(
            session, id_, content=content, digest=content.digest(), partials=("a.j2",), source=None
        )
        await registry.make_firm(session, id_)
        await registry.advance_revision(session)
    found = (await held(memory)).prompt_by_ref(PromptRef("a", 2))
    assert found is not None
    assert (False, ("a.j2",)) == (found.draft, found.partials)
