"""What the resolvers of one request share: batches of store queries, the database, the clock."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import strawberry
from graphql import DocumentNode
from strawberry.dataloader import DataLoader

from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.errors import ForbiddenError, PromptgraphError
from promptgraph.graph.live import Live
from promptgraph.graph.measured import CountedBy, CountedInBins, counted, counted_by, counted_in_bins
from promptgraph.record.recorder import Recorder
from promptgraph.store import registry
from promptgraph.store.agents import (
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
from promptgraph.store.callers import callers_by_prompt, count_callers_by_prompt
from promptgraph.store.calls import (
    Counts,
    calls_by_agent,
    calls_by_family,
    calls_by_id,
    calls_by_prompt,
    calls_page,
    contents_by_call,
    count_calls,
    count_calls_by_agent,
    count_calls_by_family,
    count_calls_by_prompt,
)
from promptgraph.store.database import Database, Opens, Session
from promptgraph.store.families import count_families, families_by_id, families_by_name, families_page
from promptgraph.store.labels import (
    count_moves_by_family,
    labels_by_family,
    labels_by_prompt,
    moves_by_family,
    moves_by_id,
)
from promptgraph.store.metrics import Group, Measured
from promptgraph.store.prompts import (
    count_prompts,
    count_prompts_by_agent,
    count_prompts_by_family,
    neighbours,
    prompt_at,
    prompts_by_agent,
    prompts_by_family,
    prompts_by_id,
    prompts_by_ref,
    prompts_page,
)
from promptgraph.store.runs import count_runs, last_run, runs_by_id, runs_page
from promptgraph.store.scores import scores_by_call

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")
Query = Callable[[Session, Sequence[K]], Awaitable[Sequence[V | BaseException]]]
"""Answers each key, with an error where that one is refused."""


class Batched(Generic[K, V]):
    """A store query as a loader, declared on `Loaders`, of which each makes its own when it is first used."""

    def __init__(self, query: Query[K, V]) -> None:
        self._query = query

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: Loaders, _owner: type) -> DataLoader[K, V]:
        made: DataLoader[K, V] = batched(loaders.read, self._query, loaders.kind)
        vars(loaders)[self._name] = made  # which hides this descriptor from now on
        return made


class Shared(DataLoader[K, V]):
    """A loader for several who do not know of each other: who stops waiting stops nobody else."""

    def load(self, key: K) -> Awaitable[V]:
        return asyncio.shield(super().load(key))


def batched(
    read: Opens, query: Query[K, V], kind: type[DataLoader[Any, Any]] = DataLoader
) -> DataLoader[K, V]:
    """A store query as a loader that opens its own session per batch."""

    async def load(keys: list[K]) -> list[V | BaseException]:
        async with read() as session:
            return list(await query(session, keys))

    return kind(load_fn=load)


def each(query: Callable[..., Awaitable[V]]) -> Query[tuple[Any, ...], V]:
    """A store query for one thing as one for several: a key holds its arguments."""

    async def queries(session: Session, keys: Sequence[tuple[Any, ...]]) -> list[V]:
        return [await query(session, *key) for key in keys]

    return queries


def by_filter(query: Callable[..., Awaitable[Counts]]) -> Query[tuple[int, LlmCallFilter], int | None]:
    """A count of ids that share a filter as one of keys that may not: (id, filter)."""

    async def queries(session: Session, keys: Sequence[tuple[int, LlmCallFilter]]) -> Counts:
        found: dict[tuple[int, LlmCallFilter], int | None] = {}
        for wanted in dict.fromkeys(wanted for _, wanted in keys):
            ids = [id_ for id_, same in keys if same == wanted]
            counts = await query(session, ids, wanted)
            found |= {(id_, wanted): count for id_, count in zip(ids, counts, strict=True)}
        return [found[key] for key in keys]

    return queries


class Loaders:
    """One per request: results are kept for its length and no longer. `shared`: several requests have it."""

    def __init__(self, read: Opens, *, shared: bool = False) -> None:
        self.read = read
        self.kind: type[DataLoader[Any, Any]] = Shared if shared else DataLoader

    prompt = Batched(prompts_by_id)
    prompt_by_ref = Batched(prompts_by_ref)
    prompt_at = Batched(prompt_at)
    neighbour = Batched(neighbours)
    prompts = Batched(each(prompts_page))
    prompt_count = Batched(each(count_prompts))
    prompts_of_family = Batched(prompts_by_family)
    prompt_count_of_family = Batched(count_prompts_by_family)
    prompts_of_agent = Batched(prompts_by_agent)
    prompt_count_of_agent = Batched(count_prompts_by_agent)
    family = Batched(families_by_id)
    family_by_name = Batched(families_by_name)
    families = Batched(each(families_page))
    family_count = Batched(each(count_families))
    labels_of_family = Batched(labels_by_family)
    labels_of_prompt = Batched(labels_by_prompt)
    move = Batched(moves_by_id)
    moves_of_family = Batched(moves_by_family)
    move_count_of_family = Batched(count_moves_by_family)
    agent = Batched(agents_by_id)
    agent_by_name = Batched(agents_by_name)
    agents = Batched(each(agents_page))
    agent_count = Batched(each(count_agents))
    agents_of_prompt = Batched(agents_by_prompt)
    agent_count_of_prompt = Batched(count_agents_by_prompt)
    agents_of_family = Batched(agents_by_family)
    agent_count_of_family = Batched(count_agents_by_family)
    assignment_by_key = Batched(assignments_by_key)
    assignments_of_agent = Batched(assignments_by_agent)
    run = Batched(runs_by_id)
    runs = Batched(each(runs_page))
    run_count = Batched(each(count_runs))
    last_run = Batched(each(last_run))
    call = Batched(calls_by_id)
    content = Batched(contents_by_call)
    scores = Batched(scores_by_call)
    calls = Batched(each(calls_page))
    call_count = Batched(each(count_calls))
    calls_of_prompt = Batched(calls_by_prompt)
    calls_of_family = Batched(calls_by_family)
    calls_of_agent = Batched(calls_by_agent)
    call_count_of_prompt = Batched(by_filter(count_calls_by_prompt))
    call_count_of_family = Batched(by_filter(count_calls_by_family))
    call_count_of_agent = Batched(by_filter(count_calls_by_agent))
    callers_of_prompt = Batched(callers_by_prompt)
    caller_count_of_prompt = Batched(count_callers_by_prompt)
    metrics = Batched(counted)
    series: Batched[CountedInBins, list[Measured]] = Batched(counted_in_bins)
    groups: Batched[CountedBy, list[Group]] = Batched(counted_by)
    revision = Batched(each(registry.revision))
    live_count = Batched(each(registry.prompt_count))


@dataclass
class Context:
    """What every resolver of a request may reach. `document` is what the pipeline has prepared, if it did.
    `at` is now, the same for the whole request. `trace_url` is an address with {trace_id} and {span_id} in
    it. `measures`, `fields`: what lookahead has found; `figures`: how many the series of this request come
    to.
    """

    db: Database
    recorder: Recorder
    live: Live
    now: Callable[[], dt.datetime]
    mode: str
    trace_url: str | None = None
    document: DocumentNode | None = None
    load: Loaders = field(init=False)
    at: dt.datetime = field(init=False)
    measures: dict[object, tuple[str, ...]] = field(default_factory=dict)
    fields: dict[object, int] = field(default_factory=dict)
    figures: int = 0

    def __post_init__(self) -> None:
        self.load = Loaders(self.db.read)
        self.at = self.now()

    async def settle(self, act: Awaitable[T]) -> tuple[T | None, PromptgraphError | None]:
        """What `act` gives, or the expected error that its payload reports. What was loaded is forgotten.

        raises  StoreUnavailableError, ForbiddenError  they are about the request, not about the act
        """
        try:
            return await act, None
        except PromptgraphError as error:
            if error.retryable or isinstance(error, ForbiddenError):
                raise
            return None, error
        finally:
            self.load = Loaders(self.db.read)


Info = strawberry.Info[Context, None]
