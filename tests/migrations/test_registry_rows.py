"""An old database becomes a registry: ids stay, texts stay, and every change is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest

from promptgraph.domain.names import is_name
from promptgraph.domain.prompt import Engine, Message, MessageRole, Prompt
from promptgraph.store import migrate
from promptgraph.store.agents import agents_by_id
from promptgraph.store.database import Database
from promptgraph.store.families import families_by_name
from promptgraph.store.filters import search_text
from promptgraph.store.prompts import PromptRef, prompts_by_id, prompts_by_ref
from promptgraph.store.registry import advance_revision, inventory
from promptgraph.store.tables import FAMILIES
from tests.migrations.legacy_rows import AGENTS, PROMPTS, fill, rows_of
from tests.store.stock import stock

LEFT_ALONE = ("llm_calls", "prompt_usages", "prompt_evaluations")


@pytest.fixture
async def old(empty_url: str) -> AsyncIterator[Database]:
    """A database at the legacy baseline, with its rows."""
    db = Database(empty_url)
    await migrate.upgrade(db, "legacy_baseline")
    await fill(db)
    yield db
    await db.close()


@pytest.fixture
async def moved(old: Database) -> Database:
    """The same, at head."""
    await migrate.upgrade(old)
    return old


async def prompts(db: Database) -> dict[int, Prompt]:
    async with db.read() as session:
        found = await prompts_by_id(session, [row.id for row in PROMPTS])
    return {row.id: prompt for row, prompt in zip(PROMPTS, found, strict=True) if prompt is not None}


async def test_every_prompt_keeps_its_id_and_text(moved: Database) -> None:
    """Each old row is one user message under its old id, character by character."""
    found = await prompts(moved)
    assert {row.id: (Message(MessageRole.USER, row.content or ""),) for row in PROMPTS} == {
        id_: prompt.messages for id_, prompt in found.items()
    }


async def test_every_hash_is_the_content_s(moved: Database) -> None:
    """The stored hash is what the domain computes today."""
    found = await prompts(moved)
    assert {id_: prompt.digest() for id_, prompt in found.items()} == {
        id_: prompt.content_hash for id_, prompt in found.items()
    }


NAMES = {
    3: ("support/triage", 1),
    4: ("support/triage", 2),
    7: ("support/triage", 3),
    8: ("support/triage", 4),
    9: ("support/triage", 5),
    10: ("greet-the-user-2", 1),
    11: ("greet-the-user", 1),
    12: ("greet-the-user-3", 5),
    13: ("unicode/name", 1),
    14: ("prompt-14", 1),
    15: ("prompt-15", 1),
    16: ("prompt-16", 1),
    17: ("prompt-17", 1),
    18: ("etc/passwd", 1),
    19: ("x" * 100, 1),
    20: ("broken", 1),
    21: ("broken", 2),
    22: ("broken", 3),
    23: ("broken", 4),
    24: ("empty", 1),
    25: ("missing", 1),
    26: ("times", 1),
    27: ("times", 2),
    2**40: ("big/id", 2_147_483_647),
    2**40 + 1: ("big/id", 1),
}


async def test_every_name_and_version_is_right_and_unique(moved: Database) -> None:
    """Names outside the rule get a slug, doubled and missing versions the next free one."""
    found = await prompts(moved)
    assert {id_: (prompt.name, prompt.version) for id_, prompt in found.items()} == NAMES
    assert all(is_name(prompt.name) for prompt in found.values())


async def test_old_names_still_find_their_prompts(moved: Database) -> None:
    """An old name answers as a former name; families know their latest version."""
    odd = [row for row in PROMPTS if row.name and NAMES[row.id][0] != row.name]
    async with moved.read() as session:
        found = await prompts_by_ref(session, [PromptRef(str(row.name)) for row in odd])
        families = await families_by_name(session, ["support/triage", "big/id"])
    assert [row.id for row in odd] == [prompt.id for prompt in found if prompt]
    assert [5, 2_147_483_647] == [family.latest_version for family in families if family]
    assert ["default"] * 2 == [family.source for family in families if family]


async def test_only_plain_templates_are_rendered(moved: Database) -> None:
    """What is no template that the revision knows is kept verbatim; the rest names its variables."""
    found = await prompts(moved)
    assert [20, 21, 22, 23] == [id_ for id_, prompt in found.items() if prompt.engine is Engine.NONE]
    variables = {id_: [v.name for v in prompt.variables] for id_, prompt in found.items() if prompt.variables}
    assert {3: ["ticket"], 4: ["ticket", "tone"], 10: ["user"], 13: ["a", "xs"]} == variables
    assert all(variable.required for prompt in found.values() for variable in prompt.variables)


async def test_times_are_utc_instants(moved: Database) -> None:
    """Times of old count as UTC; a missing one is the last change, or now."""
    found = await prompts(moved)
    assert dt.datetime(2024, 6, 1, 8, 30, 0, 123456, dt.UTC) == found[3].created_at
    assert dt.datetime(2024, 7, 1, tzinfo=dt.UTC) == found[27].created_at
    assert dt.timedelta(0) <= dt.datetime.now(dt.UTC) - found[26].created_at < dt.timedelta(minutes=5)


async def test_every_agent_keeps_its_id(moved: Database) -> None:
    """Agents are undeclared and have a name of their own each."""
    async with moved.read() as session:
        found = await agents_by_id(session, [id_ for id_, _ in AGENTS])
    names = {agent.id: agent.name for agent in found if agent}
    assert {
        1: "support-bot",
        2: "agent-2",
        5: "support-bot-2",
        6: "Botwithtabs",
        7: "ü" * 128,
        8: "agent-8",
    } == names
    assert {(False, None)} == {(agent.declared, agent.source) for agent in found if agent}


async def test_every_change_is_told(moved: Database) -> None:
    """The report names each row that was changed, and none that was not."""
    async with moved.read() as session:
        notes = await migrate.legacy_notes(session)
    told: dict[int, list[str]] = {}
    for note in notes:
        if note.subject == "prompt":
            told.setdefault(note.legacy_id or 0, []).append(note.note)
    assert {row.id for row in PROMPTS} - {3, 4, 11, 24, 2**40} == told.keys()
    assert ["The version '2' became 3."] == told[7]
    assert ["The version (none) became 4."] == told[8]
    assert [
        "The name 'Greet the User!' became greet-the-user-2; the old one is kept as a former name."
    ] == told[10]
    assert ["It had no content; its message is empty."] == told[25]
    assert {2, 5, 6, 7, 8} == {note.legacy_id for note in notes if note.subject == "agent"}


async def test_calls_are_left_for_later(old: Database) -> None:
    """The tables of calls, usages and evaluations are not touched."""
    before = {table: await rows_of(old, table) for table in LEFT_ALONE}
    await migrate.upgrade(old, "registry_rows")
    assert before == {table: await rows_of(old, table) for table in LEFT_ALONE}
    assert [1, 1, 1] == [len(rows) for rows in before.values()]


async def test_registry_goes_on_from_here(moved: Database) -> None:
    """What is added later gets ids of its own, and searches find what was adopted."""
    async with moved.write() as session:
        added = await stock(session, "new/prompt", (1,))
        assert 1 == await advance_revision(session)
        stored = await inventory(session)
        searched = {row.name: row.search_text for row in await session.execute(FAMILIES.select())}
    assert {name: search_text(name, None, []) for name in searched} == searched
    assert 2**40 + 2 == added.prompts[1]
    assert len({family.id for family in stored.families.values()}) == len(stored.families)
    assert [] == await migrate.drift(moved)


async def test_way_back_restores_the_old_shape(old: Database) -> None:
    """Down again: the same columns, the same ids and texts, nothing that was null before is refused."""
    columns = {table: list((await rows_of(old, table))[0]) for table in ("prompts", "agents")}
    await migrate.upgrade(old)
    await migrate.downgrade(old, "legacy_baseline")
    rows = await rows_of(old, "prompts")
    assert {row.id: row.content or "" for row in PROMPTS} == {row["id"]: row["content"] for row in rows}
    assert NAMES == {row["id"]: (row["name"], row["version"]) for row in rows}
    assert all(row["created_at"] == row["updated_at"] for row in rows)
    assert {table: set(names) for table, names in columns.items()} == {
        table: set((await rows_of(old, table))[0]) for table in columns
    }
    assert [id_ for id_, _ in AGENTS] == [row["id"] for row in await rows_of(old, "agents")]


async def test_second_way_up_changes_nothing_more(old: Database) -> None:
    """Up, down, up: the second time every name and version is right already."""
    await migrate.upgrade(old)
    first = {id_: (p.name, p.version, p.content_hash) for id_, p in (await prompts(old)).items()}
    await migrate.downgrade(old, "legacy_baseline")
    await migrate.upgrade(old)
    second = {id_: (p.name, p.version, p.content_hash) for id_, p in (await prompts(old)).items()}
    assert first == second
    async with old.read() as session:
        notes = await migrate.legacy_notes(session)
    assert {20, 21, 22, 23} == {note.legacy_id for note in notes if note.subject == "prompt"}
    assert [] == await migrate.drift(old)
