"""The registry as a whole: one writer, one revision, one inventory."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.diff import Impact
from promptgraph.domain.errors import SyncConflictError
from promptgraph.domain.inventory import Inventory, StoredVersion
from promptgraph.domain.registry import SyncAction, SyncOrigin, SyncRun, SyncStep
from promptgraph.store import registry
from promptgraph.store.database import Database, Session
from promptgraph.store.families import families_by_id
from promptgraph.store.paging import position_of
from promptgraph.store.prompts import PromptRef, prompts_by_id, prompts_by_ref
from promptgraph.store.runs import RUNS_ORDER, count_runs, last_run, runs_by_id, runs_page
from tests.conftest import Statements
from tests.store.stock import NOW, SOURCE, content_with, point, stock, stock_agent, stock_version, use

ORIGIN = SyncOrigin(
    source="default",
    commit_sha="c0ffee",
    sequence=2**40,
    author="Ann",
    committed_at=NOW,
    url="https://example.org",
)
STEPS = (
    SyncStep(action=SyncAction.ADD, kind="prompt", name="a", version=1, sentence="New.", path="a.yaml"),
    SyncStep(action=SyncAction.UPDATE, kind="family", name="a", sentence="Tags.", impact=Impact.MINOR),
)
SEQUENCES = [("default", 3), ("default", 9), ("default", None), ("other", None), ("third", 1)]


async def run(session: Session, origin: SyncOrigin = ORIGIN) -> SyncRun:
    return await registry.add_run(
        session,
        origin=origin,
        forced=True,
        started_at=NOW,
        finished_at=NOW + dt.timedelta(seconds=1),
        added=1,
        moved=2,
        retired=3,
        unchanged=4,
        steps=STEPS,
    )


async def test_lock_lets_one_writer_in_at_a_time(db: Database) -> None:
    """Ten that each read the inventory, then write, never see the same state twice."""

    async def add() -> None:
        async with db.write() as session:
            await registry.lock_registry(session)
            stored = await registry.inventory(session)
            await asyncio.sleep(0)
            await stock(session, f"name-{len(stored.families)}")
            await registry.advance_revision(session)

    await asyncio.gather(*(add() for _ in range(10)))
    async with db.read() as session:
        stored = await registry.inventory(session)
    assert 10 == len(stored.families) == stored.revision


async def test_the_inventory_holds_everything_but_contents(db: Database, statements: Statements) -> None:
    """In seven statements, however much is stored."""
    async with db.write() as session:
        a = await stock(session, "a", (1, 3), former_names=("z",))
        b = await stock(session, "b", (1,))
        draft = await stock_version(session, b.id, "b", 2, draft=True)
        await registry.retire_family(session, b.id, at=NOW)
        await point(session, a, "production", 1)
        await stock_agent(session, "bot", use("r", "a@production", a.prompts[1]), use("q", "b", None))
        for source, sequence in (
            ("default", 3),
            ("default", 9),
            ("default", None),
            ("other", None),
            ("third", 1),
        ):
            await run(session, SyncOrigin(source=source, sequence=sequence))
        revision = await registry.advance_revision(session)
    async with db.read() as session:
        with statements.counted(8):
            stored = await registry.inventory(session)
            assert revision == stored.revision == await registry.revision(session)
    assert {"a": ("z",), "b": ()} == {name: family.former_names for name, family in stored.families.items()}
    assert {"a": None, "b": NOW} == {name: family.retired_at for name, family in stored.families.items()}
    assert {("a", 1), ("a", 3), ("b", 1), ("b", 2)} == stored.versions.keys()
    assert StoredVersion(draft, b.id, 2, True, content_with("b 2").digest()) == stored.versions["b", 2]  # noqa: FBT003  # a draft
    assert a.prompts[1] == stored.labels["a", "production"].prompt_id
    assert ["bot"] == list(stored.agents)
    assert [("q", "b"), ("r", "a@production")] == [(x.role, x.selector) for x in stored.assignments]
    assert {"default": 9, "third": 1} == stored.sequences


async def test_the_inventory_of_an_empty_registry_is_empty(db: Database) -> None:
    """Nothing stored, revision 0."""
    async with db.read() as session:
        assert Inventory() == await registry.inventory(session)
        assert 0 == await registry.prompt_count(session)


async def test_counts_live_names(db: Database) -> None:
    """Versions and retired names do not count."""
    async with db.write() as session:
        await stock(session, "a", (1, 2, 3))
        gone = await stock(session, "b")
        await registry.retire_family(session, gone.id, at=NOW)
        assert 1 == await registry.prompt_count(session)


async def test_changed_family_is_live_under_its_new_name(db: Database) -> None:
    """Name, facts and search text change together; its versions follow; the old name still leads there."""
    async with db.write() as session:
        family = await stock(session, "old", (1, 2))
        await stock(session, "other", (1,))
        await registry.retire_family(session, family.id, at=NOW)
        await registry.change_family(
            session,
            family.id,
            name="new",
            former_names=["old"],
            description="Now new.",
            tags=["t"],
            metadata={"a": 1},
            latest_version=2,
        )
        [found] = await families_by_id(session, [family.id])
        refs = [PromptRef("new", 1), PromptRef("old", 2), PromptRef("other")]
        prompts = await prompts_by_ref(session, refs)
    assert found is not None
    assert ("new", ("old",), "Now new.", ("t",), {"a": 1}) == (
        found.name,
        found.former_names,
        found.description,
        found.tags,
        found.metadata,
    )
    assert (None, NOW, 2) == (found.retired_at, found.created_at, found.latest_version)
    assert ["new", "new", "other"] == [prompt.name for prompt in prompts if prompt]


async def test_latest_version_is_what_it_is_set_to(db: Database) -> None:
    """A lower one too, where a draft that was the latest is gone."""
    async with db.write() as session:
        family = await stock(session, "a", (5,))
        for version, expected in ((3, 3), (7, 7), (7, 7)):
            await registry.set_latest_version(session, family.id, version)
            [found] = await families_by_id(session, [family.id])
            assert found is not None and expected == found.latest_version


async def test_only_a_draft_is_replaced(db: Database) -> None:
    """A draft takes another content until it is firm; a firm version never does."""
    content = content_with("better")

    async def replace(session: Session, id_: int) -> None:
        await registry.replace_draft(
            session, id_, content=content, digest=content.digest(), partials=["p.j2"], source=SOURCE
        )

    async with db.write() as session:
        family = await stock(session, "a", (1,))
        draft = await stock_version(session, family.id, "a", 2, draft=True)
        await replace(session, draft)
        [found] = await prompts_by_id(session, [draft])
        assert found is not None
        assert (content.messages, content.digest(), ("p.j2",), True) == (
            found.messages,
            found.content_hash,
            found.partials,
            found.draft,
        )
        await registry.make_firm(session, draft)
        for id_ in (draft, family.prompts[1], 999):
            with pytest.raises(SyncConflictError, match="no draft"):
                await replace(session, id_)


async def test_latest_contents_are_those_of_present_names(db: Database, statements: Statements) -> None:
    """The content of each latest version, by name, in one statement."""
    async with db.write() as session:
        await stock(session, "a", (1, 2), former_names=("z",))
        await stock(session, "b", (4,))
    async with db.read() as session:
        with statements.counted(1):
            found = await registry.latest_contents(session, ["a", "z", "nobody"])
    assert {"a": content_with("a 2")} == found


async def test_ids_go_on_from_the_highest(db: Database) -> None:
    """A row that was taken away leaves no gap behind the last, and no id is given twice at once."""
    async with db.write() as session:
        a = await stock(session, "a", (1, 2, 3))
        b = await stock(session, "b", (1,))
    assert (1, 2) == (a.id, b.id)
    assert [1, 2, 3, 4] == [*a.prompts.values(), *b.prompts.values()]


async def test_a_run_comes_back_whole(db: Database, statements: Statements) -> None:
    """Its origin, its figures and its steps, as it was given back when it was written."""
    async with db.write() as session:
        written = await run(session)
        bare = await run(session, SyncOrigin(source="other"))
    async with db.read() as session:
        with statements.counted(1):
            found = await runs_by_id(session, [bare.id, 99, written.id])
        with statements.counted(3):
            assert written == await last_run(session, "default")
            assert bare == await last_run(session)
            assert None is await last_run(session, "nobody")
    assert [bare, None, written] == found
    assert (ORIGIN, STEPS) == (written.origin, written.steps)


async def test_runs_are_newest_first(db: Database, statements: Statements) -> None:
    """Pages of runs, the newest on the first."""
    async with db.write() as session:
        ids = [(await run(session)).id for _ in range(5)]
    async with db.read() as session:
        with statements.counted(2):
            page = await runs_page(session, PageArgs(2))
            assert 5 == await count_runs(session)
        before = position_of(RUNS_ORDER, page.items[-1])
        last = await runs_page(session, PageArgs(2, backward=True))
        newer = await runs_page(session, PageArgs(2, backward=True, before=before))
    assert ids[:2:-1] == [each.id for each in page.items]
    assert ids[1::-1] == [each.id for each in last.items]
    assert [ids[-1]] == [each.id for each in newer.items]
    assert (False, True) == (newer.has_previous, newer.has_next)
