"""How programs run: what they ask of the database, when they wait, and when they give up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.names import global_id
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.loaders import Loaders
from promptgraph.store.database import Database, Session
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.snapshot import Snapshot
from tests.conftest import Statements
from tests.graph.both import agreed, context, fast, program
from tests.graph.recording import call, recorded
from tests.graph.registry import sync
from tests.graph.test_statements import COUNT, FILES, QUERIES

REFUSED = {
    "{prompts(first:1000){nodes{name}}}": Reason.REFUSED,
    '{prompts(after:"zz"){nodes{name}}}': Reason.REFUSED,
    '{prompt(name:"a",version:1,label:"b"){name}}': Reason.REFUSED,
    '{node(id:"zz"){id}}': Reason.REFUSED,
    '{nodes(ids:["zz"]){id}}': Reason.RECORD,
    '{prompt(name:"support/answer"){render{text}}}': Reason.REFUSED,
}


@pytest.mark.parametrize("query", REFUSED)
async def test_what_is_refused_is_left(stocked: Database, query: str) -> None:
    """The standard executor tells what is wrong, in its place."""
    with pytest.raises(DeoptError) as caught:
        await fast(stocked, query)
    assert REFUSED[query] is caught.value.reason


@pytest.mark.parametrize(
    ("declared", "sent"),
    [("$n:String!", {"n": 7}), ("$n:String!", {}), ("$n:String!", {"n": None})],
    ids=["another type", "left out", "null"],
)
async def test_variables_that_do_not_fit_are_left(
    stocked: Database, declared: str, sent: dict[str, Any]
) -> None:
    """Before anything is read."""
    with pytest.raises(DeoptError) as caught:
        await fast(stocked, f"query({declared}){{prompt(name:$n){{name}}}}", **sent)
    assert Reason.VARIABLES is caught.value.reason


async def test_a_level_costs_one_statement(db: Database, statements: Statements) -> None:
    """As many statements as by the standard executor, for a dozen parents as for one."""
    await sync(db, FILES)
    sent: dict[str, set[int]] = {name: set() for name in QUERIES}
    for name, (_, query) in QUERIES.items():
        for size in (1, COUNT):
            before = len(statements)
            await fast(db, "{" + query % size + "}")
            sent[name].add(len(statements) - before)
    assert {name: {expected} for name, (expected, _) in QUERIES.items()} == sent


async def snapshot_of(db: Database) -> Snapshot:
    found = await RegistryMemory(db).current()
    assert found is not None
    return found


IN_MEMORY = {
    name: query for name, (_, query) in QUERIES.items() if name not in ("moves", "diffs and renderings")
}


async def test_the_registry_in_memory_is_answered_without_waiting(
    db: Database, statements: Statements
) -> None:
    """No statement is sent, and the coroutine never suspends."""
    await sync(db, FILES)
    snapshot = await snapshot_of(db)
    with statements.counted(0):
        for query in IN_MEMORY.values():
            running = program("{" + query % COUNT + "}").run(context(db, snapshot), {})
            with pytest.raises(StopIteration) as ended:
                running.send(None)
            assert ended.value.value


async def test_what_is_not_in_memory_comes_from_the_database(stocked: Database) -> None:
    """A prompt that came after the snapshot is found, by name, by id and by what leads to it."""
    snapshot = await snapshot_of(stocked)
    await sync(
        stocked, {"new/one.prompt.yaml": "messages: [{role: user, content: hi}]\nversion: 1\n"}, source="b"
    )
    query = """query($i:ID!){prompt(name:"new/one"){name previous{id} family{latest{version}}}
      node(id:$i){...on Prompt{name labelNames}}}"""
    await agreed(stocked, query, snapshot=snapshot, i=global_id("Prompt", "new/one", 1))


async def test_many_run_one_program_at_once(stocked: Database) -> None:
    """A program holds nothing of its runs."""
    made = program("query($n:String!){prompt(name:$n){name family{labels{label}}}}")
    names = ["support/answer", "support/triage", "summarize/thread", "nobody"] * 2
    found = await asyncio.gather(*(made.run(context(stocked), {"n": name}) for name in names))
    expected = [None if name == "nobody" else name for name in names]
    assert expected == [each["prompt"] and each["prompt"]["name"] for each in found]


async def test_a_row_that_goes_in_between_is_null_or_left(stocked: Database) -> None:
    """A call whose agent is gone is answered without; where something must be, it is left."""
    await recorded(stocked, call(1, agent="support-bot"))
    shared = context(stocked)
    shared.load = Vanishing(shared.load.read)
    found = await program("{llmCalls{nodes{callId agent{name}}}}").run(shared, {})
    assert [None] == [each["agent"] for each in found["llmCalls"]["nodes"]]
    shared.load = Vanishing(shared.load.read)
    with pytest.raises(DeoptError) as caught:
        await program("{promptFamilies{nodes{labels{prompt{name}}}}}").run(shared, {})
    assert Reason.NULL is caught.value.reason


class Vanishing(Loaders):
    """Finds no agents and no prompts: their rows are gone since somebody read of them."""

    def __getattribute__(self, name: str) -> Any:
        return Nobody() if name in ("agent", "prompt") else super().__getattribute__(name)


class Nobody:
    """Finds nothing."""

    async def load(self, _key: object) -> None:
        return None


async def test_a_database_out_of_reach_is_told_at_once(stocked: Database) -> None:
    """The error goes out as it is: nobody tries again."""

    @asynccontextmanager
    async def away() -> AsyncIterator[Session]:
        raise StoreUnavailableError("The database is out of reach; try again.")
        yield  # what makes it a generator

    shared = context(stocked)
    shared.load = Loaders(away)
    with pytest.raises(StoreUnavailableError):
        await program("{prompts{nodes{next{name} labelNames}}}").run(shared, {})


async def test_what_fails_in_a_resolver_is_left(stocked: Database) -> None:
    """A fault of the server's is told by the standard executor, which logs it."""
    shared = context(stocked)
    shared.load = Loaders(None)  # type: ignore[arg-type]  # nothing that could be called
    with pytest.raises(DeoptError) as caught:
        await program("{prompts{nodes{name}}}").run(shared, {})
    assert Reason.ERROR is caught.value.reason


async def test_who_stops_waiting_stops_the_run(stocked: Database) -> None:
    """A request that is cancelled leaves no task behind."""
    before = asyncio.all_tasks()
    running = asyncio.ensure_future(
        program("{prompts{nodes{previous{name} next{name} labelNames}}}").run(context(stocked), {})
    )
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for _ in range(200):
        if asyncio.all_tasks() <= before:
            return
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() <= before
