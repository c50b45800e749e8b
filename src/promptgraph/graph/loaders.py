"""What the resolvers of one request share: batches of store queries, the database, the clock."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import strawberry
from graphql import DocumentNode
from strawberry.dataloader import DataLoader

from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.errors import ForbiddenError, PromptgraphError
from promptgraph.domain.keys import NOBODY, Caller
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
from promptgraph.store.direct_source import reading
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
from promptgraph.store.snapshot import Snapshot

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")
Query = Callable[[Session, Sequence[K]], Awaitable[Sequence[V | BaseException]]]
"""Answers each key, with an error where that one is refused."""


class Batched(Generic[K, V]):
    """A store query as a loader, declared on `Loaders`, of which each makes its own when it is first used. If
    `Snapshot` has a method of its name, that answers first.
    """

    def __init__(self, query: Query[K, V]) -> None:
        self._query = query

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name
        self._look: Callable[..., V] | None = getattr(Snapshot, name, None)

    def __get__(self, loaders: Loaders, _owner: type) -> DataLoader[K, V]:
        made: DataLoader[K, V]
        if loaders.snapshot is None or self._look is None:
            made = self.asking(loaders)
        else:
            made = Remembered(self._looking(partial(self._look, loaders.snapshot)), self, loaders)
        vars(loaders)[self._name] = made  # which hides this descriptor from now on
        return made

    def asking(self, loaders: Loaders) -> DataLoader[K, V]:
        """The loader that asks the database."""
        return batched(loaders.read, self._query)

    def _looking(self, look: Callable[..., V]) -> Callable[[K], V]:
        return look


class Single(Batched[tuple[Any, ...], V]):
    """A store query for one thing as a loader: a key holds its arguments."""

    def __init__(self, query: Callable[..., Awaitable[V]]) -> None:
        super().__init__(each(query))

    def _looking(self, look: Callable[..., V]) -> Callable[[tuple[Any, ...]], V]:
        return lambda key: look(*key)


class Figured(Batched[K, V]):
    """A query for figures, which are read from what is open for them."""

    def asking(self, loaders: Loaders) -> DataLoader[K, V]:
        return batched(loaders.figures, self._query)


class Remembered(DataLoader[K, V]):
    """Answers from the snapshot at once, and has the database asked for what that does not know."""

    def __init__(self, look: Callable[[K], V], declared: Batched[K, V], loaders: Loaders) -> None:
        self._look = look
        self._declared = declared
        self._loaders = loaders
        self._asking: DataLoader[K, V] | None = None

    def load(self, key: K) -> Awaitable[V]:
        try:
            return Ready(self._look(key))
        except KeyError:
            self._loaders.fell_through = True
        if self._asking is None:
            self._asking = self._declared.asking(self._loaders)
        return self._asking.load(key)


class Ready(Generic[V]):
    """A value that nobody has to wait for."""

    __slots__ = ("_value",)

    def __init__(self, value: V) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, V]:
        yield from ()
        return self._value


class Shared(DataLoader[K, V]):
    """A loader for several who do not know of each other: who stops waiting stops nobody else. An error gives
    up what is beside it in the answer, and the same key may be asked for elsewhere.
    """

    def load(self, key: K) -> Awaitable[V]:
        return asyncio.shield(super().load(key))


def batched(read: Opens, query: Query[K, V]) -> DataLoader[K, V]:
    """A store query as a loader that opens its own session per batch."""

    async def load(keys: list[K]) -> list[V | BaseException]:
        async with read() as session:
            return list(await query(session, keys))

    return Shared(load_fn=load)


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
    """One per request: results are kept for its length and no longer. `snapshot` answers for the registry as
    far as it knows; `fell_through`: it did not know something.
    """

    def __init__(
        self, read: Opens, *, figures: Callable[..., Any] | None = None, snapshot: Snapshot | None = None
    ) -> None:
        """`figures` opens what figures are read from, where that is not a session."""
        self.read = read
        self.figures = figures or read
        self.snapshot = snapshot
        self.fell_through = False

    prompt = Batched(prompts_by_id)
    prompt_by_ref = Batched(prompts_by_ref)
    prompt_at = Batched(prompt_at)
    neighbour = Batched(neighbours)
    prompts = Single(prompts_page)
    prompt_count = Single(count_prompts)
    prompts_of_family = Batched(prompts_by_family)
    prompt_count_of_family = Batched(count_prompts_by_family)
    prompts_of_agent = Batched(prompts_by_agent)
    prompt_count_of_agent = Batched(count_prompts_by_agent)
    family = Batched(families_by_id)
    family_by_name = Batched(families_by_name)
    families = Single(families_page)
    family_count = Single(count_families)
    labels_of_family = Batched(labels_by_family)
    labels_of_prompt = Batched(labels_by_prompt)
    move = Batched(moves_by_id)
    moves_of_family = Batched(moves_by_family)
    move_count_of_family = Batched(count_moves_by_family)
    agent = Batched(agents_by_id)
    agent_by_name = Batched(agents_by_name)
    agents = Single(agents_page)
    agent_count = Single(count_agents)
    agents_of_prompt = Batched(agents_by_prompt)
    agent_count_of_prompt = Batched(count_agents_by_prompt)
    agents_of_family = Batched(agents_by_family)
    agent_count_of_family = Batched(count_agents_by_family)
    assignment_by_key = Batched(assignments_by_key)
    assignments_of_agent = Batched(assignments_by_agent)
    run = Batched(runs_by_id)
    runs = Single(runs_page)
    run_count = Single(count_runs)
    last_run = Single(last_run)
    call = Batched(calls_by_id)
    content = Batched(contents_by_call)
    scores = Batched(scores_by_call)
    calls = Single(calls_page)
    call_count = Single(count_calls)
    calls_of_prompt = Batched(calls_by_prompt)
    calls_of_family = Batched(calls_by_family)
    calls_of_agent = Batched(calls_by_agent)
    call_count_of_prompt = Batched(by_filter(count_calls_by_prompt))
    call_count_of_family = Batched(by_filter(count_calls_by_family))
    call_count_of_agent = Batched(by_filter(count_calls_by_agent))
    callers_of_prompt = Batched(callers_by_prompt)
    caller_count_of_prompt = Batched(count_callers_by_prompt)
    metrics = Figured(counted)
    series: Figured[CountedInBins, list[Measured]] = Figured(counted_in_bins)
    groups: Figured[CountedBy, list[Group]] = Figured(counted_by)
    revision = Single(registry.revision)
    live_count = Single(registry.prompt_count)


@dataclass
class Context:
    """What every resolver of a request may reach. `document` is what the pipeline has prepared, if it did.
    `at` is now, the same for the whole request. `snapshot`: the registry in memory, where it may answer.
    `caller` asks. `trace_url` is an address with {trace_id} and {span_id} in it. `measures`, `fields`: what
    lookahead has found; `figures`: how many the series of this request come to.
    """

    db: Database
    recorder: Recorder
    live: Live
    now: Callable[[], dt.datetime]
    mode: str
    trace_url: str | None = None
    document: DocumentNode | None = None
    caller: Caller = NOBODY
    load: Loaders = field(init=False)
    at: dt.datetime = field(init=False)
    snapshot: Snapshot | None = None
    measures: dict[object, tuple[str, ...]] = field(default_factory=dict)
    fields: dict[object, int] = field(default_factory=dict)
    figures: int = 0

    def __post_init__(self) -> None:
        self.load = self._loaders()
        self.at = self.now()

    def ask(self, db: Database) -> None:
        """Read from this one."""
        self.db = db
        self.load = self._loaders()

    def remember(self, snapshot: Snapshot | None) -> None:
        """Answer from this one, as far as it knows."""
        self.snapshot = snapshot
        self.load = self._loaders()

    def _loaders(self) -> Loaders:
        return Loaders(self.db.read, figures=partial(reading, self.db), snapshot=self.snapshot)

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
            self.load = self._loaders()


Info = strawberry.Info[Context, None]
