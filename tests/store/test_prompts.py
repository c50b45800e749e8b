"""Versions are found by id, by reference, by filter, and beside each other."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from promptgraph.domain.asking import (
    Direction,
    Page,
    PageArgs,
    PromptFilter,
    PromptOrder,
    PromptOrderField,
)
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.domain.prompt import Engine, Message, MessageRole, Prompt, PromptContent
from promptgraph.store import registry
from promptgraph.store.database import Database, Session
from promptgraph.store.paging import PageKey, position_of
from promptgraph.store.prompts import (
    AGENT_PROMPTS_ORDER,
    PROMPTS_ORDERS,
    MomentKey,
    NeighbourKey,
    PromptRef,
    count_prompts,
    count_prompts_by_agent,
    neighbours,
    prompt_at,
    prompts_by_agent,
    prompts_by_id,
    prompts_by_ref,
    prompts_page,
)
from tests.conftest import Statements
from tests.store.stock import NOW, SOURCE, point, stock, stock_agent, stock_version, use

DAY = dt.timedelta(days=1)
BY_NAME = PromptOrder()
EVERYTHING = PageArgs(100)


def short(prompts: object) -> list[str | None]:
    """Names and versions, for reading."""
    items = prompts.items if isinstance(prompts, Page) else prompts
    assert isinstance(items, list | tuple)
    return [f"{p.name}@{p.version}" if isinstance(p, Prompt) else None for p in items]


class Shelf(NamedTuple):
    """Ids of what `filled` stores, by name."""

    ids: dict[str, int]
    prompts: dict[str, int]


async def filled(session: Session) -> Shelf:
    """Names to look for: live, retired, renamed, tagged, labelled."""
    support = await stock(
        session,
        "support/triage",
        (1, 2, 3),
        tags=("support", "Éa"),
        description="Route a ticket. 100% _sure_",
    )
    answer = await stock(
        session,
        "support/answer",
        (1, 2),
        tags=("support",),
        former_names=("old/answer", "older"),
        at=NOW + DAY,
    )
    gone = await stock(session, "gone", (1, 4), tags=("support", "legacy"), at=NOW - DAY)
    await registry.retire_family(session, gone.id, at=NOW)
    review = await stock(session, "supporting", (1,), description="STRASSE straße")
    await point(session, support, "production", 2)
    await point(session, support, "staging", 3)
    await point(session, answer, "production", 1)
    await point(session, gone, "production", 1)
    families = {"support/triage": support, "support/answer": answer, "gone": gone, "supporting": review}
    return Shelf(
        {name: family.id for name, family in families.items()},
        {f"{name}@{v}": id_ for name, family in families.items() for v, id_ in family.prompts.items()},
    )


async def test_a_version_comes_back_whole(db: Database) -> None:
    """All that was written of a version is read again, order of keys and kind of numbers included."""
    content = PromptContent(
        messages=(
            Message(MessageRole.SYSTEM, "Zeile 1\r\n\tZeile 2 \u2028 {{ ticket }} 🙂\n"),
            Message(MessageRole.USER, parts=[{"type": "text", "text": "x", "a": None}]),
            Message(placeholder="history"),
        ),
        engine=Engine.NONE,
        model="gpt-5-mini",
        config={"z": 1, "a": [1.0, 1e16, -0.5, True, None, "é"], "m": {"y": 1, "b": 2}},
        tools=[{"name": "t"}, "x"],
        input_schema={"type": "object", "properties": {"z": {}, "a": {}}},
        input_default={"z": {"k2": 1, "k1": 2}},
        output_schema={"type": "object"},
    )
    async with db.write() as session:
        family = await stock(session, "a", (1,))
        id_ = await stock_version(session, family.id, "a", 7, content=content, draft=True)
    async with db.read() as session:
        [found] = await prompts_by_id(session, [id_])
    assert found is not None
    stored = PromptContent(**{field: getattr(found, field) for field in PromptContent.__dataclass_fields__})
    assert content == stored
    assert repr(content.input_default) == repr(stored.input_default)
    assert {"z": {"k2": 1, "k1": 2}} == stored.input_default
    assert repr(content.config) == repr(stored.config)  # order and kind
    assert content.digest() == found.content_hash == found.digest()
    assert (7, True, SOURCE, NOW) == (found.version, found.draft, found.source, found.created_at)
    assert ("a", family.id, 1) == (found.name, found.family.id, found.family.latest_version)


async def test_ids_answer_in_the_order_asked(db: Database, statements: Statements) -> None:
    """Repeats and unknown ids keep their places; one statement serves all."""
    async with db.write() as session:
        shelf = await filled(session)
    one, two = shelf.prompts["gone@1"], shelf.prompts["supporting@1"]
    async with db.read() as session:
        with statements.counted(1):
            found = await prompts_by_id(session, [two, one, 999, two, -1, 2**63, 2**70])
    assert ["supporting@1", "gone@1", None, "supporting@1", None, None, None] == short(found)


REFS = {
    PromptRef("support/triage"): "support/triage@3",
    PromptRef("support/triage", 1): "support/triage@1",
    PromptRef("support/triage", label="production"): "support/triage@2",
    PromptRef("support/triage", 3, "production"): "support/triage@3",
    PromptRef("support/triage", 9): None,
    PromptRef("support/triage", 0): None,
    PromptRef("support/triage", -1): None,
    PromptRef("support/triage", 2**70): None,
    PromptRef("support/triage", label="canary"): None,
    PromptRef("support/triage", label=""): None,
    PromptRef("gone"): "gone@4",
    PromptRef("gone", label="production"): "gone@1",
    PromptRef("old/answer"): "support/answer@2",
    PromptRef("older", 1): "support/answer@1",
    PromptRef("older", label="production"): "support/answer@1",
    PromptRef("older", 3): None,
    PromptRef("nobody"): None,
    PromptRef(""): None,
    PromptRef("Support/Triage"): None,
}


async def test_references_find_versions(db: Database) -> None:
    """By version, by label, the latest; by a former name too; retired ones answer; the rest is None."""
    async with db.write() as session:
        await filled(session)
        assert list(REFS.values()) == short(await prompts_by_ref(session, list(REFS)))
        alone = [short(await prompts_by_ref(session, [ref]))[0] for ref in REFS]
    assert list(REFS.values()) == alone


class Backwards(AsyncSession):
    """A session whose rows come in another order, as those of a union may."""

    async def execute(self, *args: Any, **options: Any) -> Any:
        return list(await super().execute(*args, **options))[::-1]


async def test_references_need_no_order_of_rows(db: Database) -> None:
    """An older version that is asked for beside the latest never stands for it."""
    async with db.write() as session:
        await filled(session)
    for kind in (AsyncSession, Backwards):
        async with kind(db.engines[0]) as session:
            assert list(REFS.values()) == short(await prompts_by_ref(session, list(REFS)))


async def test_a_present_name_wins_over_a_former_one(db: Database) -> None:
    """A name that somebody has now never leads to the one who had it before."""
    async with db.write() as session:
        await stock(session, "new", (5,), former_names=("reused",))
        await stock(session, "reused", (1,))
        found = await prompts_by_ref(session, [PromptRef("reused"), PromptRef("reused", 5)])
    assert ["reused@1", None] == short(found)


@pytest.mark.parametrize(
    ("refs", "count"),
    [
        ([PromptRef("support/triage", label="production")], 1),
        ([PromptRef("support/triage"), PromptRef("gone", 1), PromptRef("supporting", label="x")] * 30, 2),
        ([PromptRef("support/triage"), PromptRef("gone", 1), PromptRef("gone", label="production")] * 30, 1),
        ([PromptRef("older")] * 5, 4),
        ([], 0),
    ],
    ids=["one by label", "many and a missing label", "many of each kind", "a former name", "none"],
)
async def test_references_cost_one_statement(
    db: Database, statements: Statements, refs: list[PromptRef], count: int
) -> None:
    """However many; only a name that is nobody's now, or a miss, asks again."""
    async with db.write() as session:
        await filled(session)
    async with db.read() as session:
        with statements.counted(count):
            await prompts_by_ref(session, refs)


LIVE = ["support/answer@2", "support/triage@3", "supporting@1"]
FILTERS = {
    "latest live": (PromptFilter(), LIVE),
    "all live": (
        PromptFilter(all_versions=True),
        [f"{name}@{v}" for name, v in (("support/answer", 2), ("support/answer", 1))]
        + [f"support/triage@{v}" for v in (3, 2, 1)]
        + ["supporting@1"],
    ),
    "retired": (PromptFilter(retired=True, all_versions=True), ["gone@4", "gone@1"]),
    "both": (PromptFilter(retired=None), ["gone@4", *LIVE]),
    "label": (PromptFilter(label="production"), ["support/answer@1", "support/triage@2"]),
    "label of a retired one": (PromptFilter(label="production", retired=True), ["gone@1"]),
    "unknown label": (PromptFilter(label="canary"), []),
    "names": (PromptFilter(name_in=("supporting", "gone", "nobody")), ["supporting@1"]),
    "no names": (PromptFilter(name_in=()), []),
    "former names are no names": (PromptFilter(name_in=("older",)), []),
    "prefix": (PromptFilter(name_prefix="support/"), ["support/answer@2", "support/triage@3"]),
    "prefix of more": (
        PromptFilter(name_prefix="support"),
        ["support/answer@2", "support/triage@3", "supporting@1"],
    ),
    "whole name as prefix": (PromptFilter(name_prefix="supporting"), ["supporting@1"]),
    "prefix in capitals": (PromptFilter(name_prefix="Support"), []),
    "prefix with a wildcard": (PromptFilter(name_prefix="support%"), []),
    "empty prefix": (PromptFilter(name_prefix=""), LIVE),
    "tag": (PromptFilter(tags_all=("support",)), ["support/answer@2", "support/triage@3"]),
    "all tags": (PromptFilter(tags_all=("support", "Éa", "support")), ["support/triage@3"]),
    "part of a tag": (PromptFilter(tags_all=("sup",)), []),
    "tag in other letters": (PromptFilter(tags_all=("éa",)), []),
    "no tags": (PromptFilter(tags_all=()), LIVE),
    "search name": (PromptFilter(search="TRIAGE"), ["support/triage@3"]),
    "search description": (PromptFilter(search="route A"), ["support/triage@3"]),
    "search tag": (PromptFilter(search="éA"), ["support/triage@3"]),
    "search folded": (PromptFilter(search="Strasse STRASSE"), ["supporting@1"]),
    "search composed": (PromptFilter(search="e\u0301a"), ["support/triage@3"]),
    "search percent": (PromptFilter(search="100% _"), ["support/triage@3"]),
    "percent is no wildcard": (PromptFilter(search="route%sure"), []),
    "underscore is no wildcard": (PromptFilter(search="_ure"), []),
    "escape is no escape": (PromptFilter(search="\\%"), []),
    "slash": (PromptFilter(search="t/t"), ["support/triage@3"]),
    "search nothing": (PromptFilter(search=""), LIVE),
    "search too long": (PromptFilter(search="x" * 100_000), []),
    "everything at once": (
        PromptFilter(("support/triage",), "supp", ("support",), "staging", "ticket"),
        ["support/triage@3"],
    ),
}


async def test_filters_let_through_what_they_say(db: Database, statements: Statements) -> None:
    """Each filter, alone and with others; the count counts the same; each is one statement."""
    async with db.write() as session:
        await filled(session)
    async with db.read() as session:
        with statements.counted(2 * len(FILTERS)):
            found, counts = {}, {}
            for name, (wanted, _) in FILTERS.items():
                found[name] = short(await prompts_page(session, wanted, BY_NAME, EVERYTHING))
                counts[name] = await count_prompts(session, wanted)
    assert {name: expected for name, (_, expected) in FILTERS.items()} == found
    assert {name: len(expected) for name, (_, expected) in FILTERS.items()} == counts


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (PromptFilter(name_in=tuple(map(str, range(1001)))), "filter.nameIn"),
        (PromptFilter(tags_all=tuple(map(str, range(33)))), "filter.tagsAll"),
    ],
    ids=["names", "tags"],
)
async def test_filters_list_only_so_much(db: Database, wanted: PromptFilter, field: str) -> None:
    """Lists beyond the limit are refused by name."""
    async with db.read() as session:
        with pytest.raises(TooManyRowsError) as caught:
            await prompts_page(session, wanted, BY_NAME, EVERYTHING)
    assert field == caught.value.field


NAME, CREATED_AT = PromptOrderField.NAME, PromptOrderField.CREATED_AT
ORDERS = {
    (NAME, Direction.ASC): ["gone@4", "support/answer@2", "support/triage@3", "supporting@1"],
    (NAME, Direction.DESC): ["supporting@1", "support/triage@3", "support/answer@2", "gone@4"],
    (CREATED_AT, Direction.ASC): ["gone@4", "support/triage@3", "supporting@1", "support/answer@2"],
    (CREATED_AT, Direction.DESC): ["support/answer@2", "supporting@1", "support/triage@3", "gone@4"],
}
POSITIONS = {
    (NAME, Direction.ASC): ("gone", 4),
    (NAME, Direction.DESC): ("supporting", 1),
    (CREATED_AT, Direction.ASC): ("2026-02-28T12:00:00.000000+00:00", 7),
    (CREATED_AT, Direction.DESC): ("2026-03-02T12:00:00.000000+00:00", 5),
}


async def test_orders_and_positions_are_the_same_everywhere(db: Database) -> None:
    """Both orders, both ways, with the very same positions on both databases."""
    async with db.write() as session:
        await filled(session)
        for (field, direction), expected in ORDERS.items():
            order = PromptOrder(field, direction)
            page = await prompts_page(session, PromptFilter(retired=None), order, EVERYTHING)
            assert expected == short(page)
            assert POSITIONS[field, direction] == position_of(PROMPTS_ORDERS[order], page.items[0])


async def test_names_compare_by_bytes(db: Database) -> None:
    """Punctuation and digits sort as their bytes do, whatever the locale of the server."""
    names = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "aa", "b"]
    async with db.write() as session:
        for name in reversed(names):
            await stock(session, name)
        page = await prompts_page(session, PromptFilter(), BY_NAME, EVERYTHING)
    assert sorted(names, key=str.encode) == [prompt.name for prompt in page.items]


async def test_neighbours_skip_numbers_that_were_left_out(db: Database, statements: Statements) -> None:
    """The next lower and higher stored version, in two statements for all."""
    async with db.write() as session:
        a = (await stock(session, "a", (1, 3, 10))).id
        b = (await stock(session, "b", (2,))).id
    keys = {
        NeighbourKey(a, 3, -1): "a@1",
        NeighbourKey(a, 3, 1): "a@10",
        NeighbourKey(a, 1, -1): None,
        NeighbourKey(a, 10, 1): None,
        NeighbourKey(b, 2, 1): None,
        NeighbourKey(b, 2, -1): None,
        NeighbourKey(999, 1, 1): None,
        NeighbourKey(a, 10, -1): "a@3",
    }
    async with db.read() as session:
        with statements.counted(2):
            found = await neighbours(session, list(keys))
    assert list(keys.values()) == short(found)


async def test_agent_s_prompts_are_what_its_assignments_resolve_to(
    db: Database, statements: Statements
) -> None:
    """Each version once, by name; what resolves to nothing is left out."""
    async with db.write() as session:
        shelf = await filled(session)
        triage, answer = shelf.prompts["support/triage@2"], shelf.prompts["support/answer@1"]
        busy = await stock_agent(
            session,
            "busy",
            use("triage", "support/triage@production", triage),
            use("triage", "support/triage@2", triage, position=1),
            use("answer", "support/answer@production", answer),
            use("later", "not/yet", None),
        )
        idle = await stock_agent(session, "idle")
    keys = [PageKey(busy, PageArgs(1)), PageKey(idle, PageArgs(1)), PageKey(999, PageArgs(1))]
    async with db.read() as session:
        with statements.counted(1):
            pages = await prompts_by_agent(session, keys)
        with statements.counted(1):
            counts = await count_prompts_by_agent(session, [busy, idle, 999])
        after = position_of(AGENT_PROMPTS_ORDER, pages[0].items[0])
        [second] = await prompts_by_agent(session, [PageKey(busy, PageArgs(1, after=after))])
    assert [["support/answer@1"], [], []] == [short(page) for page in pages]
    assert [True, False, False] == [page.has_next for page in pages]
    assert [2, 0, 0] == counts
    assert (["support/triage@2"], True, False) == (short(second), second.has_previous, second.has_next)


async def test_label_s_past_is_known(db: Database, statements: Statements) -> None:
    """What a label served at any moment, half-open: a move counts from its own instant on."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2, 3), former_names=("before",))
        other = await stock(session, "b", (1,))
        await point(session, family, "production", 1, at=NOW)
        await point(session, family, "production", 2, at=NOW + DAY)
        await point(session, family, "production", 3, at=NOW + DAY)
        await point(session, family, "production", None, at=NOW + 2 * DAY)
        await point(session, family, "production", 1, at=NOW + 3 * DAY)
        await point(session, other, "production", 1, at=NOW)
    tick = dt.timedelta(microseconds=1)
    moments = {
        MomentKey("a", "production", NOW - tick): None,
        MomentKey("a", "production", NOW): "a@1",
        MomentKey("a", "production", NOW + DAY - tick): "a@1",
        MomentKey("a", "production", NOW + DAY): "a@3",
        MomentKey("a", "production", NOW + 2 * DAY): None,
        MomentKey("a", "production", (NOW + 4 * DAY).astimezone(dt.timezone(dt.timedelta(hours=5)))): "a@1",
        MomentKey("before", "production", NOW): "a@1",
        MomentKey("b", "production", NOW): "b@1",
        MomentKey("b", "staging", NOW): None,
        MomentKey("nobody", "production", NOW): None,
    }
    async with db.read() as session:
        assert list(moments.values()) == short(await prompt_at(session, list(moments)))
        with statements.counted(3):
            await prompt_at(session, [MomentKey("a", "production", NOW + n * tick) for n in range(100)])
        many = await prompt_at(session, [MomentKey("a", "production", NOW + n * tick) for n in range(250)])
    assert ["a@1"] * 250 == short(many)
