"""Every list in pages: its order by name, and the resolvers that answer with one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, TypeAlias, TypeVar

from strawberry import Parent
from strawberry.dataloader import DataLoader

from promptgraph.domain.asking import Page, PromptOrder
from promptgraph.domain.call import LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.domain.registry import Agent, LabelMove, SyncRun
from promptgraph.graph.call_inputs import LlmCallFilterInput, call_filter
from promptgraph.graph.field import words
from promptgraph.graph.inputs import PromptFilterInput, PromptOrderInput, prompt_filter, prompt_order
from promptgraph.graph.loaders import Info
from promptgraph.graph.paging import Asked, Listed, Listing
from promptgraph.store.agents import AGENTS_ORDER
from promptgraph.store.call_owners import CALLS_ORDER
from promptgraph.store.calls import CallsKey
from promptgraph.store.families import FAMILIES_ORDER
from promptgraph.store.labels import MOVES_ORDER
from promptgraph.store.paging import PageKey
from promptgraph.store.prompts import AGENT_PROMPTS_ORDER, PROMPTS_ORDERS, VERSIONS_ORDER
from promptgraph.store.runs import RUNS_ORDER

T = TypeVar("T")
Owned: TypeAlias = tuple[int, LlmCallFilter]
"""A parent's id, and which of its calls."""

FAMILIES = Listing("families", FAMILIES_ORDER)
VERSIONS = Listing("versions", VERSIONS_ORDER)
AGENT_PROMPTS = Listing("prompts-of-agent", AGENT_PROMPTS_ORDER)
MOVES = Listing("label-moves", MOVES_ORDER)
AGENTS = Listing("agents", AGENTS_ORDER)
RUNS = Listing("sync-runs", RUNS_ORDER)
CALLS = Listing("llm-calls", CALLS_ORDER)
CallFilter = Annotated[LlmCallFilterInput | None, words("Which calls; all of them by default.")]


def prompts_listing(order: PromptOrder) -> Listing:
    """The list of prompts in one of its orders."""
    return Listing(f"prompts-{order.field}-{order.direction}", PROMPTS_ORDERS[order])


async def prompts(
    info: Info,
    page: Asked,
    filter: Annotated[PromptFilterInput | None, words("Which prompts; live ones by default.")] = None,
    order_by: Annotated[PromptOrderInput | None, words("The order; by name ascending by default.")] = None,
) -> Listed[Prompt]:
    """Prompts: the latest version of each name, or what the filter asks for."""
    wanted, order = prompt_filter(filter), prompt_order(order_by)
    listing, load = prompts_listing(order), info.context.load
    found = await load.prompts.load((wanted, order, page.of(listing)))
    return Listed(found, listing, partial(load.prompt_count.load, (wanted,)))


async def families(
    info: Info,
    page: Asked,
    filter: Annotated[PromptFilterInput | None, words("Which names; live ones by default.")] = None,
) -> Listed[PromptFamily]:
    """Prompt families by name; of the filter, `label` asks for the names that have it."""
    wanted, load = prompt_filter(filter).any_version(), info.context.load
    found = await load.families.load((wanted, page.of(FAMILIES)))
    return Listed(found, FAMILIES, partial(load.family_count.load, (wanted,)))


async def agents(info: Info, page: Asked) -> Listed[Agent]:
    """Agents by name."""
    load = info.context.load
    found = await load.agents.load((page.of(AGENTS),))
    return Listed(found, AGENTS, partial(load.agent_count.load, ()))


async def sync_runs(info: Info, page: Asked) -> Listed[SyncRun]:
    """The syncs that were applied, the newest first."""
    load = info.context.load
    found = await load.runs.load((page.of(RUNS),))
    return Listed(found, RUNS, partial(load.run_count.load, ()))


async def prompt_agents(root: Parent[Prompt], info: Info, page: Asked) -> Listed[Agent]:
    """The agents assigned to this version now, by name."""
    load = info.context.load
    return await _of(root.id, page, AGENTS, load.agents_of_prompt, load.agent_count_of_prompt)


async def family_agents(root: Parent[PromptFamily], info: Info, page: Asked) -> Listed[Agent]:
    """The agents assigned to any version now, by name."""
    load = info.context.load
    return await _of(root.id, page, AGENTS, load.agents_of_family, load.agent_count_of_family)


async def family_versions(root: Parent[PromptFamily], info: Info, page: Asked) -> Listed[Prompt]:
    """The versions, the newest first."""
    load = info.context.load
    return await _of(root.id, page, VERSIONS, load.prompts_of_family, load.prompt_count_of_family)


async def family_label_moves(root: Parent[PromptFamily], info: Info, page: Asked) -> Listed[LabelMove]:
    """How its labels moved, the newest move first."""
    load = info.context.load
    return await _of(root.id, page, MOVES, load.moves_of_family, load.move_count_of_family)


async def agent_prompts(root: Parent[Agent], info: Info, page: Asked) -> Listed[Prompt]:
    """The prompts that its assignments resolve to now, each once, by name."""
    load = info.context.load
    return await _of(root.id, page, AGENT_PROMPTS, load.prompts_of_agent, load.prompt_count_of_agent)


async def prompt_callers(root: Parent[Prompt], info: Info, page: Asked) -> Listed[Agent]:
    """The agents seen in its calls, by name."""
    load = info.context.load
    return await _of(root.id, page, AGENTS, load.callers_of_prompt, load.caller_count_of_prompt)


async def _of(
    id_: int,
    page: Asked,
    listing: Listing,
    pages: DataLoader[PageKey, Page[T]],
    counts: DataLoader[int, int],
) -> Listed[T]:
    """A page of what belongs to the parent with this id."""
    found = await pages.load(PageKey(id_, page.of(listing)))
    return Listed(found, listing, partial(counts.load, id_))


# ---------------------------------------------------------------- calls


async def llm_calls(info: Info, page: Asked, filter: CallFilter = None) -> Listed[LlmCall]:
    """Recorded calls, the newest start first."""
    load, wanted = info.context.load, call_filter(filter, info.context.at)
    wanted.check_narrow()
    found = await load.calls.load((wanted, page.of(CALLS)))
    return Listed(found, CALLS, partial(load.call_count.load, (wanted,)))


async def prompt_calls(
    root: Parent[Prompt], info: Info, page: Asked, filter: CallFilter = None
) -> Listed[LlmCall]:
    """The calls of this version, the newest start first."""
    load, owned = info.context.load, (root.id, call_filter(filter, info.context.at))
    return await _calls_of(owned, page, load.calls_of_prompt, load.call_count_of_prompt)


async def family_calls(
    root: Parent[PromptFamily], info: Info, page: Asked, filter: CallFilter = None
) -> Listed[LlmCall]:
    """The calls of all versions, the newest start first."""
    load, owned = info.context.load, (root.id, call_filter(filter, info.context.at))
    return await _calls_of(owned, page, load.calls_of_family, load.call_count_of_family)


async def agent_calls(
    root: Parent[Agent], info: Info, page: Asked, filter: CallFilter = None
) -> Listed[LlmCall]:
    """The calls that the agent made, the newest start first."""
    load, owned = info.context.load, (root.id, call_filter(filter, info.context.at))
    return await _calls_of(owned, page, load.calls_of_agent, load.call_count_of_agent)


async def _calls_of(
    owned: Owned,
    page: Asked,
    pages: DataLoader[CallsKey, Page[LlmCall]],
    counts: DataLoader[Owned, int | None],
) -> Listed[LlmCall]:
    """A page of the calls of one parent."""
    id_, wanted = owned
    found = await pages.load(CallsKey(id_, page.of(CALLS), wanted))
    return Listed(found, CALLS, partial(counts.load, owned))
