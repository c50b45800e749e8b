"""The agents seen in the calls of prompts, found in the figures rather than in the calls."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from promptgraph.domain.asking import Page, PageArgs
from promptgraph.domain.metrics_key import Dimension, MetricsKey, OwnerKind
from promptgraph.domain.registry import Agent
from promptgraph.store.agents import AGENTS_ORDER, agents_by_id
from promptgraph.store.database import Session
from promptgraph.store.metrics import MAX_GROUPS, GroupsKey, groups
from promptgraph.store.paging import Bounds, PageKey, position_of


async def callers_by_prompt(session: Session, keys: Sequence[PageKey]) -> list[Page[Agent]]:
    """A page per prompt id of the agents seen in its calls, by name, in key order. Of a prompt with more
    than a hundred agents on one day, those that made few calls may be missing.

    cost    as `metrics.groups`, and a statement for the agents
    raises  InvalidInputError  a cursor is of another list
    """
    for key in keys:
        Bounds.of(AGENTS_ORDER, key.page)
    found = await _callers(session, [key.id for key in keys])
    agents = await agents_by_id(session, sorted(set().union(*found)))
    known = {agent.id: agent for agent in agents if agent is not None}
    return [
        _page([known[id_] for id_ in ids if id_ in known], key.page)
        for key, ids in zip(keys, found, strict=True)
    ]


async def count_callers_by_prompt(session: Session, ids: Sequence[int]) -> list[int]:
    """How many agents were seen in the calls of each prompt, in the order of `ids`.

    cost  as `metrics.groups`
    """
    return [len(found) for found in await _callers(session, ids)]


async def _callers(session: Session, ids: Sequence[int]) -> list[set[int]]:
    """By prompt, the ids of the agents."""
    asked = [GroupsKey(MetricsKey(OwnerKind.PROMPT, id_), Dimension.AGENT, MAX_GROUPS) for id_ in ids]
    return [
        {group.id for group in found if group.id is not None and group.figures["calls"]}
        for found in await groups(session, asked, ["calls"])
    ]


def _page(agents: list[Agent], page: PageArgs) -> Page[Agent]:
    """The part of a whole list that a page asks for."""
    agents.sort(key=lambda agent: position_of(AGENTS_ORDER, agent))
    places = [position_of(AGENTS_ORDER, agent) for agent in agents]
    start = bisect_right(places, page.after) if page.after is not None else 0
    end = max(start, bisect_left(places, page.before) if page.before is not None else len(agents))
    if page.backward:
        start = max(start, end - page.size)
    else:
        end = min(end, start + page.size)
    return Page(tuple(agents[start:end]), has_next=end < len(agents), has_previous=start > 0)
