"""With a snapshot, loaders of the registry answer at once; what that does not know, the database is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from promptgraph.domain.asking import PageArgs, PromptFilter, PromptOrder
from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.loaders import Batched, Loaders
from promptgraph.store import registry
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.paging import PageKey
from promptgraph.store.prompts import NeighbourKey, PromptRef
from promptgraph.store.snapshot import Snapshot
from tests.conftest import Statements
from tests.store.stock import stock, stock_version

OF_THE_REGISTRY = {
    "agent",
    "agent_by_name",
    "agent_count",
    "agent_count_of_family",
    "agent_count_of_prompt",
    "agents",
    "agents_of_family",
    "agents_of_prompt",
    "assignment_by_key",
    "assignments_of_agent",
    "families",
    "family",
    "family_by_name",
    "family_count",
    "labels_of_family",
    "labels_of_prompt",
    "live_count",
    "neighbour",
    "prompt",
    "prompt_by_ref",
    "prompt_count",
    "prompt_count_of_agent",
    "prompt_count_of_family",
    "prompts",
    "prompts_of_agent",
    "prompts_of_family",
}


@pytest.fixture
async def load(db: Database) -> Loaders:
    """Loaders over a snapshot with versions 1 and 2 of the name `a`; since then there are 3, and `b`."""
    async with db.write() as session:
        a = await stock(session, "a", (1, 2))
    snapshot = await RegistryMemory(db).current()
    async with db.write() as session:
        await stock_version(session, a.id, "a", 3)
        await registry.set_latest_version(session, a.id, 3)
        await stock(session, "b")
    return Loaders(db.read, snapshot=snapshot)


def test_loaders_and_snapshot_speak_of_the_same() -> None:
    """Every method of a snapshot answers for the loader of its name."""
    declared = {name for name, value in vars(Loaders).items() if isinstance(value, Batched)}
    methods = {name for name, value in vars(Snapshot).items() if callable(value) and not name.startswith("_")}
    assert OF_THE_REGISTRY == methods
    assert methods < declared


def test_what_is_known_is_not_waited_for(load: Loaders) -> None:
    """A coroutine that reads nothing else ends without a loop, however often it awaits."""

    async def read() -> Any:
        page = await load.prompts.load((PromptFilter(), PromptOrder(), PageArgs()))
        latest = await load.prompt_by_ref.load(PromptRef("a"))
        return [page.items[0] is latest, await load.prompt_count.load((PromptFilter(),))]

    running = read()
    with pytest.raises(StopIteration) as ended:
        running.send(None)
    assert [True, 1] == ended.value.value
    assert not load.fell_through


async def test_one_revision_is_seen(load: Loaders, statements: Statements) -> None:
    """The latest version is that of the snapshot, and it has none after it, whatever was committed since."""
    with statements.counted(0):
        latest = await load.prompt_by_ref.load(PromptRef("a"))
        assert latest is not None
        after, before = await asyncio.gather(
            *(load.neighbour.load(NeighbourKey(latest.family.id, 2, step)) for step in (1, -1))
        )
        assert before is not None
        assert (2, None, 1) == (latest.version, after, before.version)
        assert await load.prompt_by_ref.load(PromptRef("a", label="production")) is None
    assert not load.fell_through


async def test_what_it_does_not_know_the_database_is_asked(load: Loaders, statements: Statements) -> None:
    """A name and a version that came since are found, in one batch; what depends on them is found, too."""
    refs = [PromptRef("a", 3), PromptRef("b"), PromptRef("a")]
    with statements.counted(1):
        new, other, latest = await asyncio.gather(*map(load.prompt_by_ref.load, refs))
    assert [3, 1, 2] == [each.version for each in (new, other, latest) if each is not None]
    assert load.fell_through
    assert other is not None
    page = await load.prompts_of_family.load(PageKey(other.family.id, PageArgs()))
    assert [1] == [each.version for each in page.items]
    assert await load.family_by_name.load("nobody") is None


async def test_what_is_wrong_is_refused(load: Loaders) -> None:
    """A cursor of another list is an error, as from the database."""
    with pytest.raises(InvalidInputError, match="belongs to another list"):
        await load.agents.load((PageArgs(after=("a", "b")),))


async def test_without_a_snapshot_the_database_is_asked(db: Database, statements: Statements) -> None:
    """The standard executor's loaders know nothing by themselves."""
    with statements.counted(1):
        assert await Loaders(db.read).family.load(1) is None
