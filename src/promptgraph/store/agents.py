"""Agents and their assignments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import distinct, func, select

from promptgraph.domain.asking import Page, PageArgs
from promptgraph.domain.registry import Agent, Assignment
from promptgraph.store.database import Session
from promptgraph.store.keys import narrowed, storable
from promptgraph.store.paging import Order, PageKey, Rows, Term, counts_by, page_of, pages_of
from promptgraph.store.records import AGENT_COLUMNS, ASSIGNMENT_COLUMNS, A, P, S, agent_of, assignment_of
from promptgraph.store.tables import AGENTS, ASSIGNMENTS, PROMPTS

AGENTS_ORDER: Order = (Term(A.name, "name"),)


class AssignmentKey(NamedTuple):
    """What makes an assignment one of its kind: what its global id holds."""

    agent: str
    role: str
    selector: str


async def agents_by_id(session: Session, ids: Sequence[int]) -> list[Agent | None]:
    """Agents in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(select(*AGENT_COLUMNS).where(A.id.in_(storable(ids))))
    found = {row[0]: agent_of(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def agents_by_name(session: Session, names: Sequence[str]) -> list[Agent | None]:
    """Agents in the order of `names`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(select(*AGENT_COLUMNS).where(A.name.in_(set(names))))
    found = {agent.name: agent for agent in map(agent_of, rows)}
    return [found.get(name) for name in names]


async def agents_page(session: Session, page: PageArgs) -> Page[Agent]:
    """A page of all agents, by name.

    cost  one statement; a second one where the page has a cursor
    """
    return await page_of(session, select(*AGENT_COLUMNS), AGENTS_ORDER, page, agent_of)


async def count_agents(session: Session) -> int:
    """How many agents there are.

    cost  one statement
    """
    return int((await session.execute(select(func.count()).select_from(AGENTS))).scalar_one())


async def count_undeclared(session: Session) -> int:
    """How many agents no file declares: they were seen in calls.

    cost  one statement
    """
    stmt = select(func.count()).select_from(AGENTS).where(~A.declared)
    return int((await session.execute(stmt)).scalar_one())


async def agents_by_prompt(session: Session, keys: Sequence[PageKey]) -> list[Page[Agent]]:
    """A page per prompt id of the agents assigned to that version now, by name, in key order.

    cost  one statement per distinct page; a second one where it has a cursor
    """
    ids = storable(key.id for key in keys)
    users = select(S.prompt_id, S.agent_id).where(S.prompt_id.in_(ids)).distinct().subquery("users")
    rows = select(*AGENT_COLUMNS).join_from(AGENTS, users, users.c.agent_id == A.id)
    return await pages_of(session, keys, rows, AGENTS_ORDER, users.c.prompt_id, agent_of)


async def count_agents_by_prompt(session: Session, ids: Sequence[int]) -> list[int]:
    """How many agents are assigned to each version now, in the order of `ids`.

    cost  one statement
    """
    return await counts_by(session, S.prompt_id, func.count(distinct(S.agent_id)), ids)


async def agents_by_family(session: Session, keys: Sequence[PageKey]) -> list[Page[Agent]]:
    """A page per family id of the agents assigned to any of its versions now, by name, in key order.

    cost  one statement per distinct page; a second one where it has a cursor
    """
    ids = storable(key.id for key in keys)
    users = (
        select(P.family_id, S.agent_id)
        .join_from(ASSIGNMENTS, PROMPTS, S.prompt_id == P.id)
        .where(P.family_id.in_(ids))
        .distinct()
        .subquery("users")
    )
    rows = select(*AGENT_COLUMNS).join_from(AGENTS, users, users.c.agent_id == A.id)
    return await pages_of(session, keys, rows, AGENTS_ORDER, users.c.family_id, agent_of)


async def count_agents_by_family(session: Session, ids: Sequence[int]) -> list[int]:
    """How many agents are assigned to any version of each family now, in the order of `ids`.

    cost  one statement
    """
    stmt = (
        select(P.family_id, func.count(distinct(S.agent_id)))
        .join_from(ASSIGNMENTS, PROMPTS, S.prompt_id == P.id)
        .where(P.family_id.in_(storable(ids)))
        .group_by(P.family_id)
    )
    counts = {id_: int(number) for id_, number in await session.execute(stmt)}
    return [counts.get(id_, 0) for id_ in ids]


def assignments() -> Rows:
    """Every assignment, with the name of its agent."""
    return select(*ASSIGNMENT_COLUMNS).join_from(ASSIGNMENTS, AGENTS, S.agent_id == A.id)


async def assignments_by_agent(session: Session, ids: Sequence[int]) -> list[list[Assignment]]:
    """The assignments of each agent, by role and position, in the order of `ids`.

    cost  one statement
    """
    stmt = assignments().where(S.agent_id.in_(storable(ids))).order_by(S.role, S.position, S.id)
    found: defaultdict[int, list[Assignment]] = defaultdict(list)
    for assignment in map(assignment_of, await session.execute(stmt)):
        found[assignment.agent_id].append(assignment)
    return [found[id_] for id_ in ids]


async def assignments_by_key(session: Session, keys: Sequence[AssignmentKey]) -> list[Assignment | None]:
    """Assignments in key order; None where there is none.

    cost  one statement
    """
    stmt = narrowed(assignments(), (A.name, S.role, S.selector), set(keys))
    found = {
        AssignmentKey(assignment.agent_name, assignment.role, assignment.selector): assignment
        for assignment in map(assignment_of, await session.execute(stmt))
    }
    return [found.get(key) for key in keys]
