"""Assignments made by hand."""

from __future__ import annotations

import pytest

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError, ManagedByFileError, NotFoundError
from promptgraph.store.database import Database
from promptgraph.sync.assignments import NewAssignment, assign, unassign
from tests.sync.test_apply import FULL, held, sync
from tests.sync.trees import NOON

NAME = "support/triage"


async def test_assignment_resolves_at_once_and_names_a_new_agent(db: Database) -> None:
    """An agent that no file declares is made, declared: false."""
    await sync(db, FULL)
    made = await assign(
        db, NewAssignment("web-widget", "route", f"{NAME}@production", {"plan": "pro"}), now=lambda: NOON
    )
    stored = await held(db)
    assert made.prompt_id == stored.versions[NAME, 2].id
    assert made.when == {"plan": "pro"}
    assert not stored.agents["web-widget"].declared


async def test_same_assignment_again_changes_it(db: Database) -> None:
    """(agent, role, selector) is one row; others keep their places."""
    await sync(db, FULL)
    for when in ({"plan": "pro"}, {"plan": "free"}):
        await assign(db, NewAssignment("bot", "extra", NAME, dict(when)), now=lambda: NOON)
    mine = {a.position: a for a in (await held(db)).assignments if a.agent_name == "bot"}
    assert {position: a.role for position, a in mine.items()} == {0: "triage", 1: "new", 2: "extra"}
    assert mine[2].when == {"plan": "free"}


async def test_assignment_by_hand_survives_a_sync(db: Database) -> None:
    """The file owns what it names and nothing else."""
    await sync(db, FULL)
    await assign(db, NewAssignment("bot", "extra", NAME), now=lambda: NOON)
    await sync(db, FULL | {"agents/bot.agent.yaml": f"prompts: {{triage: {NAME}@staging}}\n"})
    mine = [a.role for a in (await held(db)).assignments if a.agent_name == "bot"]
    assert sorted(mine) == ["extra", "triage"]


async def test_assignment_of_the_file_is_refused_with_the_file(db: Database) -> None:
    """Git owns it."""
    await sync(db, FULL)
    with pytest.raises(ManagedByFileError, match="agents/bot.agent.yaml"):
        await assign(db, NewAssignment("bot", "triage", f"{NAME}@production"), now=lambda: NOON)
    with pytest.raises(ManagedByFileError, match="agents/bot.agent.yaml"):
        await unassign(db, "bot", "triage", f"{NAME}@production")


@pytest.mark.parametrize(
    ("agent", "role", "selector", "when", "error"),
    [
        ("bot", "x", "nothing", {}, NotFoundError),
        ("bot", "x", f"{NAME}@9", {}, NotFoundError),
        ("bot", "x", f"{NAME}@nothing", {}, NotFoundError),
        ("bot", "x", "Not A Name", {}, InvalidInputError),
        ("bot", "x", f"{NAME}@latest", {}, InvalidInputError),
        ("bot", "Not A Role", NAME, {}, InvalidInputError),
        ("Not/../agent", "x", NAME, {}, InvalidInputError),
        ("bot", "x", NAME, {"k": "\x00"}, InvalidInputError),
        ("bot", "x", NAME, {"k": "x" * 20_000}, InvalidInputError),
        ("bot", "x", NAME, {"k": [[[[[[[[[[[1]]]]]]]]]]]}, InvalidInputError),
    ],
)
async def test_wrong_assignment_is_refused(
    db: Database, agent: str, role: str, selector: str, when: JsonObject, error: type[Exception]
) -> None:
    """And leaves everything as it was."""
    await sync(db, FULL)
    before = await held(db)
    with pytest.raises(error):
        await assign(db, NewAssignment(agent, role, selector, when), now=lambda: NOON)
    assert await held(db) == before


async def test_unknown_assignment_cannot_be_taken_away(db: Database) -> None:
    """There is nothing to take."""
    await sync(db, FULL)
    with pytest.raises(NotFoundError):
        await unassign(db, "bot", "triage", f"{NAME}@staging")
