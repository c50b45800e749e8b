"""Assignments made by hand, beside those of agent files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError, ManagedByFileError, NotFoundError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.names import NAME_RULE, ROLE_RULE, Selector, is_name, is_role
from promptgraph.domain.registry import Agent, Assignment
from promptgraph.domain.text import MAX_METADATA_BYTES, checked_json
from promptgraph.store import registry as store
from promptgraph.store.database import Database
from promptgraph.sync.apply import refresh


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """What somebody wants: the agent uses what `selector` names in this role, `when` all of it matches."""

    agent: str
    role: str
    selector: str
    when: JsonObject = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)


async def assign(db: Database, wanted: NewAssignment, *, now: Callable[[], dt.datetime]) -> Assignment:
    """Add the assignment after the agent's others, or change the one with the same role and selector.

    raises  InvalidInputError   a name, role, selector, `when` or metadata is wrong
            NotFoundError       the selector names nothing
            ManagedByFileError  the agent's file makes this very assignment
    """
    selector = _checked(wanted)
    async with db.write() as session:
        await store.lock_registry(session)
        stored = await store.inventory(session)
        prompt_id = stored.prompt_id(selector)
        if prompt_id is None:
            raise NotFoundError(f"{wanted.selector} names no prompt of this registry.", field="selector")
        agent = stored.agents.get(wanted.agent)
        mine = [a for a in stored.assignments if agent is not None and a.agent_id == agent.id]
        same = next((a for a in mine if (a.role, a.selector) == (wanted.role, str(selector))), None)
        if same is not None and same.managed_by_file:
            raise _managed(same)
        agent_id = (
            agent.id
            if agent is not None
            else await store.put_agent(
                session, name=wanted.agent, description=None, declared=False, source=None, at=now()
            )
        )
        rows = [_row(a) for a in mine if not a.managed_by_file and a is not same]
        position = same.position if same else max((a.position for a in mine), default=-1) + 1
        rows.append(
            store.NewAssignment(
                wanted.role, position, wanted.selector, wanted.when, wanted.metadata, prompt_id
            )
        )
        await store.put_assignments(session, agent_id, rows, managed_by_file=False)
        await refresh(session)
        return _find(await store.inventory(session), wanted.agent, wanted.role, wanted.selector)


async def unassign(db: Database, agent: str, role: str, selector: str) -> Agent:
    """Take an assignment away; the agent stays.

    raises  NotFoundError       there is no such assignment
            ManagedByFileError  the agent's file makes it
    """
    async with db.write() as session:
        await store.lock_registry(session)
        stored = await store.inventory(session)
        found = _find(stored, agent, role, selector)
        if found.managed_by_file:
            raise _managed(found)
        await store.drop_assignment(session, found.id)
        await refresh(session)
        return stored.agents[agent]


def _find(stored: Inventory, agent: str, role: str, selector: str) -> Assignment:
    for assignment in stored.assignments:
        if (assignment.agent_name, assignment.role, assignment.selector) == (agent, role, selector):
            return assignment
    raise NotFoundError(f"{agent} has no assignment of {selector} as {role}.", field="id")


def _row(assignment: Assignment) -> store.NewAssignment:
    return store.NewAssignment(
        assignment.role,
        assignment.position,
        assignment.selector,
        assignment.when,
        assignment.metadata,
        assignment.prompt_id,
    )


def _managed(assignment: Assignment) -> ManagedByFileError:
    path = f"agents/{assignment.agent_name}.agent.yaml"
    return ManagedByFileError(
        f"{path} makes this assignment: change it there and sync.", path=path, field="selector"
    )


def _checked(wanted: NewAssignment) -> Selector:
    if not is_name(wanted.agent):
        raise InvalidInputError(f"An agent's name is made of {NAME_RULE}.", field="agent")
    if not is_role(wanted.role):
        raise InvalidInputError(f"A role is made of {ROLE_RULE}.", field="role")
    checked_json(wanted.when, field="when", limit=MAX_METADATA_BYTES)
    checked_json(wanted.metadata, field="metadata", limit=MAX_METADATA_BYTES)
    return Selector.parse(wanted.selector)
