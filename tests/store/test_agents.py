"""Agents, and what they use."""

from __future__ import annotations

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.registry import Agent, Assignment
from promptgraph.store import registry
from promptgraph.store.agents import (
    AGENTS_ORDER,
    AssignmentKey,
    agents_by_family,
    agents_by_id,
    agents_by_name,
    agents_by_prompt,
    agents_page,
    assignments_by_agent,
    assignments_by_key,
    count_agents,
    count_agents_by_family,
    count_agents_by_prompt,
)
from promptgraph.store.database import Database
from promptgraph.store.paging import PageKey, position_of
from promptgraph.store.registry import NewAssignment
from tests.conftest import Statements
from tests.store.stock import NOW, stock, stock_agent, use

WHEN: JsonObject = {"plan": ["a", "b"], "x": 1}


def names(found: object) -> list[str | None]:
    assert isinstance(found, list | tuple)
    return [agent.name if isinstance(agent, Agent) else None for agent in found]


async def test_an_agent_comes_back_whole_and_keeps_its_row(db: Database) -> None:
    """Putting it again changes its facts, not its id nor when it was made."""
    async with db.write() as session:
        first = await registry.put_agent(
            session, name="bot", description="First line.", declared=True, source="default", at=NOW
        )
        again = await registry.put_agent(
            session, name="bot", description=None, declared=False, source=None, at=NOW.replace(year=2027)
        )
        found = await agents_by_id(session, [first])
    assert first == again
    assert [Agent(id=first, name="bot", declared=False, created_at=NOW)] == found


async def test_agents_answer_in_the_order_asked(db: Database, statements: Statements) -> None:
    """By id, by name, by page of all names."""
    async with db.write() as session:
        ids = {name: await stock_agent(session, name) for name in ("b", "B", "a c", "é", "a")}
    async with db.read() as session:
        with statements.counted(4):
            assert ["é", None, "b", None] == names(
                await agents_by_id(session, [ids["é"], 99, ids["b"], -(2**70)])
            )
            assert ["B", None, "b"] == names(await agents_by_name(session, ["B", "x", "b"]))
            page = await agents_page(session, PageArgs(3))
            assert 5 == await count_agents(session)
        after = position_of(AGENTS_ORDER, page.items[-1])
        with statements.counted(2):
            rest = await agents_page(session, PageArgs(3, after=after))
    assert ["B", "a", "a c"] == names(page.items)
    assert (["b", "é"], True, False) == (names(rest.items), rest.has_previous, rest.has_next)


async def test_assignments_stand_by_role_and_position(db: Database, statements: Statements) -> None:
    """Those of each agent in one statement, whole, and each by its key."""
    async with db.write() as session:
        family = await stock(session, "support/answer", (1,))
        agent = await stock_agent(
            session,
            "bot",
            use("triage", "x", None),
            use(
                "answer", "support/answer@1", family.prompts[1], position=1, when={"plan": ["a", "b"], "x": 1}
            ),
            use("answer", "support/answer", family.prompts[1], position=0),
        )
        idle = await stock_agent(session, "idle")
    async with db.read() as session:
        with statements.counted(1):
            [found, none, missing] = await assignments_by_agent(session, [agent, idle, 99])
        keys = [AssignmentKey("bot", "triage", "x"), AssignmentKey("idle", "triage", "x")]
        with statements.counted(1):
            by_key = await assignments_by_key(session, keys)
    assert ["support/answer", "support/answer@1", "x"] == [each.selector for each in found]
    assert ([], []) == (none, missing)
    assert [found[2], None] == by_key
    assert found[1] == Assignment(
        id=2,
        agent_id=agent,
        agent_name="bot",
        role="answer",
        position=1,
        selector="support/answer@1",
        prompt_id=family.prompts[1],
        when=WHEN,
        managed_by_file=True,
    )


async def test_users_of_a_version_and_of_a_family(db: Database, statements: Statements) -> None:
    """Each agent once, by name; a page per parent in one statement."""
    async with db.write() as session:
        a, b = await stock(session, "a", (1, 2)), await stock(session, "b", (1,))
        await stock_agent(session, "zoe", use("r", "a@1", a.prompts[1]), use("s", "a@1", a.prompts[1]))
        await stock_agent(session, "ann", use("r", "a", a.prompts[2]), use("s", "a@1", a.prompts[1]))
        await stock_agent(session, "bob", use("r", "a@9", None))
    async with db.read() as session:
        keys = [PageKey(id_, PageArgs(1)) for id_ in (a.prompts[1], a.prompts[2], b.prompts[1], 99)]
        with statements.counted(1):
            by_prompt = await agents_by_prompt(session, keys)
        with statements.counted(1):
            counts = await count_agents_by_prompt(session, [key.id for key in keys])
        with statements.counted(1):
            by_family = await agents_by_family(session, [PageKey(id_, PageArgs(5)) for id_ in (a.id, b.id)])
        with statements.counted(1):
            assert [0, 2] == await count_agents_by_family(session, [b.id, a.id])
    assert [["ann"], ["ann"], [], []] == [names(page.items) for page in by_prompt]
    assert [True, False, False, False] == [page.has_next for page in by_prompt]
    assert [2, 1, 0, 0] == counts
    assert [["ann", "zoe"], []] == [names(page.items) for page in by_family]


async def test_putting_assignments_replaces_those_of_the_kind(db: Database) -> None:
    """What stays keeps its id, what is gone goes, what the other side made stays unless it is the same."""
    async with db.write() as session:
        agent = await stock_agent(session, "bot", use("r", "a", None), use("r", "b", None, position=1))
        await registry.put_assignments(session, agent, [use("r", "by-hand", None)], managed_by_file=False)
        [before] = await assignments_by_agent(session, [agent])
        rows: list[NewAssignment] = [
            use("r", "b", None, when={"x": 1}),
            use("r", "c", None, position=1),
            use("r", "by-hand", None, position=2),
        ]
        await registry.put_assignments(session, agent, rows, managed_by_file=True)
        [after] = await assignments_by_agent(session, [agent])
        ids = {each.selector: each.id for each in before}
        assert [("b", ids["b"]), ("c", 4), ("by-hand", ids["by-hand"])] == [(x.selector, x.id) for x in after]
        assert {True} == {each.managed_by_file for each in after}
        assert [{"x": 1}, {}, {}] == [each.when for each in after]
        await registry.drop_assignment(session, ids["b"])
        await registry.put_assignments(session, agent, [], managed_by_file=False)
        [after] = await assignments_by_agent(session, [agent])
        assert ["c", "by-hand"] == [each.selector for each in after]


async def test_resolutions_are_written_by_id(db: Database) -> None:
    """Many at once, nothing among them; none at all is fine."""
    async with db.write() as session:
        family = await stock(session, "a", (1,))
        agent = await stock_agent(session, "bot", use("r", "a", None), use("r", "b", family.prompts[1]))
        await registry.resolve_assignments(session, {})
        await registry.resolve_assignments(session, {1: family.prompts[1], 2: None})
        [found] = await assignments_by_agent(session, [agent])
    assert [family.prompts[1], None] == [each.prompt_id for each in found]
