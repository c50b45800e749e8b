"""Families are found by id, by any name they ever had, and by filter."""

from __future__ import annotations

from promptgraph.domain.asking import PageArgs, PromptFilter
from promptgraph.domain.prompt import PromptFamily
from promptgraph.store import registry
from promptgraph.store.database import Database
from promptgraph.store.families import (
    FAMILIES_ORDER,
    count_families,
    families_by_id,
    families_by_name,
    families_page,
)
from promptgraph.store.paging import position_of
from tests.conftest import Statements
from tests.store.stock import NOW, point, stock


def names(found: object) -> list[str | None]:
    assert isinstance(found, list | tuple)
    return [family.name if isinstance(family, PromptFamily) else None for family in found]


async def test_a_family_comes_back_whole(db: Database) -> None:
    """All that was written is read again."""
    async with db.write() as session:
        id_ = await registry.add_family(
            session,
            name="support/triage",
            former_names=("triage", 'odd "name", really'),
            description="Grüße\n🙂",
            tags=("b", "a"),
            metadata={"owner": "support-team", "z": {"y": [1.5, None]}, "a": 1},
            source="other",
            latest_version=7,
            at=NOW,
        )
    async with db.read() as session:
        [found] = await families_by_id(session, [id_])
    expected = PromptFamily(
        id=id_,
        name="support/triage",
        former_names=("triage", 'odd "name", really'),
        description="Grüße\n🙂",
        tags=("b", "a"),
        metadata={"owner": "support-team", "z": {"y": [1.5, None]}, "a": 1},
        source="other",
        latest_version=7,
        created_at=NOW,
    )
    assert expected == found
    assert found is not None and list(expected.metadata) == list(found.metadata)


async def test_ids_and_names_answer_in_the_order_asked(db: Database, statements: Statements) -> None:
    """Repeats and unknown ones keep their places; a former name costs one statement more."""
    async with db.write() as session:
        a = (await stock(session, "a", former_names=("old a", "shared"))).id
        b = (await stock(session, "b", former_names=("shared", "a"))).id
        await registry.retire_family(session, b, at=NOW)
    async with db.read() as session:
        with statements.counted(1):
            assert ["b", None, "a", "b"] == names(await families_by_id(session, [b, 99, a, b]))
        with statements.counted(1):
            assert ["b", "a", "b"] == names(await families_by_name(session, ["b", "a", "b"]))
        with statements.counted(2):
            found = await families_by_name(session, ["shared", "nobody", "old a", "b", "old"])
    assert ["a", None, "a", "b", None] == names(found)  # the older one where two had it


async def test_filters_and_pages(db: Database, statements: Statements) -> None:
    """The filter chooses names, whatever their versions; pages go by name."""
    async with db.write() as session:
        for name in ("c", "a", "b/x", "b/y"):
            family = await stock(session, name, (1, 2), tags=("t",) if name != "a" else ())
            if name.startswith("b"):
                await point(session, family, "production", 1)
            if name == "b/y":
                await registry.retire_family(session, family.id, at=NOW)
    wanted = {
        PromptFilter(): ["a", "b/x", "c"],
        PromptFilter(all_versions=True): ["a", "b/x", "c"],
        PromptFilter(retired=None, name_prefix="b/"): ["b/x", "b/y"],
        PromptFilter(label="production"): ["b/x"],
        PromptFilter(label="production", retired=True): ["b/y"],
        PromptFilter(tags_all=("t",)): ["b/x", "c"],
        PromptFilter(search="X"): ["b/x"],
    }
    async with db.read() as session:
        with statements.counted(2 * len(wanted)):
            pages = {each: await families_page(session, each, PageArgs(10)) for each in wanted}
            counts = [await count_families(session, each) for each in wanted]
        assert wanted == {each: names(page.items) for each, page in pages.items()}
        assert [len(expected) for expected in wanted.values()] == counts
        first = await families_page(session, PromptFilter(), PageArgs(1))
        after = position_of(FAMILIES_ORDER, first.items[0])
        second = await families_page(session, PromptFilter(), PageArgs(1, after=after))
    assert (("a",), ["b/x"], True, True) == (after, names(second.items), second.has_previous, second.has_next)
