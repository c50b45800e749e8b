"""The registry in memory answers what the database answers, whatever is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import product
from random import Random
from typing import Any

import pytest

from promptgraph.domain.asking import (
    Direction,
    Page,
    PageArgs,
    Position,
    PromptFilter,
    PromptOrder,
    PromptOrderField,
)
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.store import agents, families, filters, labels, prompts, registry
from promptgraph.store.agents import AGENTS_ORDER, AssignmentKey
from promptgraph.store.database import Database, Session
from promptgraph.store.families import FAMILIES_ORDER
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.paging import Order, PageKey, position_of
from promptgraph.store.prompts import (
    AGENT_PROMPTS_ORDER,
    PROMPTS_ORDERS,
    VERSIONS_ORDER,
    NeighbourKey,
    PromptRef,
)
from promptgraph.store.snapshot import Snapshot
from tests.store.registries import AGENTS, LABELS, NAMES, ROLES, TAGS, WORDS, Chance, changed, filled
from tests.store.stock import NOW

Ask = Callable[[Any], Awaitable[Any]]
Many = Callable[[Session, Sequence[Any]], Awaitable[Sequence[Any]]]
UNKNOWN: tuple[Any, ...] = (None, Page(), [], 0)
"""What the database says of what is not there."""
SEEDS = range(4)
IDS = range(-1, 60)
EVERY = PromptFilter(all_versions=True, retired=None)
STRANGE: tuple[Position, ...] = (("nothing", 3), (NOW.isoformat(timespec="microseconds"), 7), ("m",), (4,))
"""Positions where no row stands; each fits some of the orders."""


async def kept(db: Database) -> Snapshot:
    found = await RegistryMemory(db).current()
    assert found is not None
    return found


async def told(ask: Ask | Callable[[Any], Any], key: Any) -> Any:
    """The answer; of what is refused, the error; KeyError where a snapshot does not know."""
    try:
        found = ask(key)
        return await found if isinstance(found, Awaitable) else found
    except (InvalidInputError, TooManyRowsError) as error:
        return type(error), str(error)
    except KeyError:
        return KeyError


async def same(look: Callable[[Any], Any], ask: Ask, keys: Iterable[Any]) -> None:
    """The snapshot refuses what the database refuses, and gives the same answer, if it knows one."""
    for key in keys:
        mine, theirs = await told(look, key), await told(ask, key)
        assert theirs == mine or (mine is KeyError and refused(theirs)), key


def refused(answer: Any) -> bool:
    return answer in UNKNOWN or issubclass(answer[0], InvalidInputError)


async def alike(
    session: Session,
    look: Callable[[Any], Any],
    query: Many,
    keys: Iterable[Any],
    *,
    missed: int | None = None,
) -> None:
    """As `same`, of many keys at once; `missed`: so many the snapshot does not know, some if that is None."""
    asked = list(keys)
    mine = [await told(look, key) for key in asked]
    for key, found, theirs in zip(asked, mine, await query(session, asked), strict=True):
        assert theirs == found or (found is KeyError and theirs in UNKNOWN), key
    unknown = mine.count(KeyError)
    assert 0 < unknown if missed is None else missed == unknown


def first(query: Many, session: Session) -> Ask:
    """A query for many as one for one."""

    async def ask(key: Any) -> Any:
        return (await query(session, [key]))[0]

    return ask


def spread(query: Callable[..., Any], *before: Any) -> Callable[[Any], Any]:
    return lambda key: query(*before, *key)


def pages(rows: Sequence[Any], order: Order, random: Random, count: int) -> Iterator[PageArgs]:
    """Pages of all kinds, with cursors of rows that are there and of some that are not."""
    places = [position_of(order, row) for row in rows]
    places += [place for place in STRANGE if len(place) == len(order)]
    for _ in range(count):
        after, before = (random.choice([None, *places]) for _ in range(2))
        yield PageArgs(random.choice((0, 1, 2, 3, 100)), random.random() < 0.5, after, before)
    yield PageArgs(after=("a", "b", "c"))


def prompt_filters(random: Random, count: int) -> Iterator[PromptFilter]:
    """Filters of all kinds, of each several at once."""
    yield from (PromptFilter(), EVERY, PromptFilter(label=LABELS[0]))
    for _ in range(count):
        label = random.choice((None, None, *LABELS))
        yield PromptFilter(
            name_in=random.choice((None, None, (), tuple(random.sample(NAMES, 5)))),
            name_prefix=random.choice((None, None, "", "a", "support/", "Z", "é")),
            tags_all=random.choice(
                (None, None, (), (random.choice(TAGS),), tuple(random.choices(TAGS, k=2)))
            ),
            search=random.choice(
                (None, None, *WORDS, "STRASSE", "k", "%", "A_B", "suppor", "\n", "y" * 20_000)
            ),
            label=label,
            retired=random.choice((False, True, None)),
            all_versions=label is None and random.random() < 0.5,
        )
    yield PromptFilter(name_in=("a",) * 1001)
    yield PromptFilter(tags_all=tuple(map(str, range(33))))


async def check_points(session: Session, snapshot: Snapshot, chance: Chance) -> None:
    """Everything that has a key of its own."""
    names = (*NAMES, "old", "older", "new", "late", "nobody")
    refs = [
        PromptRef(*each) for each in product(names, (None, 0, 1, 2, 5, 2**40), (None, LABELS[0], LABELS[3]))
    ]
    near = [
        NeighbourKey(family.id, version, step)
        for family in chance.families.values()
        for version, step in product([*family.prompts, 99], (-1, 1))
    ]
    keys = [AssignmentKey(*each) for each in product([*AGENTS, "x"], ROLES, ("x@production", "x@2", "y"))]
    await alike(session, snapshot.prompt, prompts.prompts_by_id, IDS)
    await alike(session, snapshot.prompt_by_ref, prompts.prompts_by_ref, refs)
    await alike(session, snapshot.neighbour, prompts.neighbours, near, missed=2 * len(chance.families))
    await alike(session, snapshot.family, families.families_by_id, IDS)
    await alike(session, snapshot.family_by_name, families.families_by_name, names)
    await alike(session, snapshot.agent, agents.agents_by_id, IDS)
    await alike(session, snapshot.agent_by_name, agents.agents_by_name, [*AGENTS, "nobody"])
    await alike(session, snapshot.assignment_by_key, agents.assignments_by_key, keys)


async def check_lists(session: Session, snapshot: Snapshot) -> None:
    """Everything that belongs to a parent, whole, and counted."""
    queries: Sequence[tuple[Callable[[int], Any], Many]] = (
        (snapshot.labels_of_family, labels.labels_by_family),
        (snapshot.labels_of_prompt, labels.labels_by_prompt),
        (snapshot.assignments_of_agent, agents.assignments_by_agent),
        (snapshot.prompt_count_of_family, prompts.count_prompts_by_family),
        (snapshot.prompt_count_of_agent, prompts.count_prompts_by_agent),
        (snapshot.agent_count_of_prompt, agents.count_agents_by_prompt),
        (snapshot.agent_count_of_family, agents.count_agents_by_family),
    )
    for look, query in queries:
        await alike(session, look, query, IDS)


async def check_pages(session: Session, snapshot: Snapshot, random: Random) -> None:
    """Everything that comes in pages."""
    orders = [PromptOrder(*each) for each in product(PromptOrderField, Direction)]
    for wanted in prompt_filters(random, 12):
        counts = [(wanted,)]
        await same(spread(snapshot.prompt_count), spread(prompts.count_prompts, session), counts)
        await same(spread(snapshot.family_count), spread(families.count_families, session), counts)
        order = random.choice(orders)
        rows = snapshot.prompts(EVERY, order, PageArgs(100)).items
        keys = [(wanted, order, page) for page in pages(rows, PROMPTS_ORDERS[order], random, 4)]
        await same(spread(snapshot.prompts), spread(prompts.prompts_page, session), keys)
        named = snapshot.families(EVERY.any_version(), PageArgs(100)).items
        some = [(wanted, page) for page in pages(named, FAMILIES_ORDER, random, 2)]
        await same(spread(snapshot.families), spread(families.families_page, session), some)
    every_agent = snapshot.agents(PageArgs(100)).items
    agent_pages = [(page,) for page in pages(every_agent, AGENTS_ORDER, random, 20)]
    await same(spread(snapshot.agents), spread(agents.agents_page, session), agent_pages)
    rows = snapshot.prompts(EVERY, PromptOrder(), PageArgs(100)).items
    owned: Sequence[tuple[Callable[[PageKey], Any], Many, Sequence[Any], Order]] = (
        (snapshot.prompts_of_family, prompts.prompts_by_family, rows, VERSIONS_ORDER),
        (snapshot.prompts_of_agent, prompts.prompts_by_agent, rows, AGENT_PROMPTS_ORDER),
        (snapshot.agents_of_prompt, agents.agents_by_prompt, every_agent, AGENTS_ORDER),
        (snapshot.agents_of_family, agents.agents_by_family, every_agent, AGENTS_ORDER),
    )
    for look, query, whole, order_ in owned:
        await alike(session, look, query, [PageKey(id_, PageArgs(2)) for id_ in IDS])
        parents = [PageKey(random.choice(IDS[:20]), page) for page in pages(whole, order_, random, 12)]
        await same(look, first(query, session), parents)


async def check_all(db: Database, snapshot: Snapshot, chance: Chance) -> None:
    async with db.read() as session:
        await check_points(session, snapshot, chance)
        await check_lists(session, snapshot)
        await check_pages(session, snapshot, chance.random)
        assert await registry.prompt_count(session) == snapshot.live_count()
        assert await agents.count_agents(session) == snapshot.agent_count()
        assert await registry.revision(session) == snapshot.revision


@pytest.mark.parametrize("seed", SEEDS)
async def test_it_answers_as_the_database_does(db: Database, seed: int) -> None:
    """Every method, for a registry by chance and after changes by chance to it: the same records, pages,
    counts and errors; and what it does not know is not there.
    """
    memory = RegistryMemory(db, fresh_for=0)
    async with db.write() as session:
        chance = await filled(session, seed)
    tags = set()
    for _ in range(2):
        snapshot = await memory.current()
        assert snapshot is not None
        await check_all(db, snapshot, chance)
        tags.add(snapshot.tag)
        assert snapshot is await memory.current()
        async with db.write() as session:
            for _ in range(6):
                await changed(session, chance)
            await registry.advance_revision(session)
    assert 2 == len(tags)


async def test_nothing_is_an_answer(db: Database) -> None:
    """A registry without anything in it has empty pages, and knows no name."""
    snapshot = await kept(db)
    assert Page() == snapshot.prompts(PromptFilter(), PromptOrder(), PageArgs(after=("a", 1)))
    assert Page() == snapshot.families(PromptFilter(), PageArgs())
    assert Page() == snapshot.agents(PageArgs(backward=True))
    with pytest.raises(KeyError):
        snapshot.prompt_by_ref(PromptRef("a"))


def test_every_predicate_has_both_forms() -> None:
    """What SQL can filter by can be filtered by in memory."""
    assert filters.PREDICATES.keys() == filters.TESTS.keys()
