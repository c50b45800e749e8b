"""What runs: a level answers all objects of one place at once, its links each give a column of values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Protocol

from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType, get_nullable_type
from graphql.pyutils import gather_with_cancel

from promptgraph.graph.fast.asking import Asking, Spot
from promptgraph.graph.fast.batches import Batch
from promptgraph.graph.fast.declared import Resolving
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.selection import Place, Selected
from promptgraph.graph.fast.variables import Values
from promptgraph.graph.fast.writing import Function
from promptgraph.graph.field import Link, Reader
from promptgraph.graph.loaders import Context


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program. `at_once`: what only needs the registry is answered without waiting. `shared`:
    columns by what is selected and of which records, where fragments stand in several places.
    """

    context: Context
    values: Values
    at_once: bool
    shared: dict[tuple[int, ...], asyncio.Future[list[Any]]] | None = None


class Completion(Protocol):
    """Makes parts of the answer of what was found."""

    async def complete(self, run: Run, found: Sequence[Any]) -> list[Any]:
        """A part for each."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Written:
    """A completion for what needs no link below."""

    function: Function

    async def complete(self, run: Run, found: Sequence[Any]) -> list[Any]:  # noqa: ARG002  # as the protocol has it
        return self.function.rows(found)


@dataclass(frozen=True, slots=True)
class Nested:
    """A completion for objects, or lists of them, that have links of their own: `levels` by class, None for
    any.
    """

    of: GraphQLOutputType
    levels: Mapping[type | None, Level]

    async def complete(self, run: Run, found: Sequence[Any]) -> list[Any]:
        return await self._completed(run, self.of, found)

    async def _completed(self, run: Run, type_: GraphQLOutputType, found: Sequence[Any]) -> list[Any]:
        plain, present = get_nullable_type(type_), [each for each in found if each is not None]
        if len(present) != len(found) and isinstance(type_, GraphQLNonNull):
            raise DeoptError(Reason.NULL)
        if isinstance(plain, GraphQLList):
            flat = iter(await self._completed(run, plain.of_type, list(chain.from_iterable(present))))
            made: list[Any] = [list(islice(flat, len(each))) for each in present]
        else:
            made = await self._objects(run, present)
        if len(present) == len(found):
            return made
        rest = iter(made)
        return [None if each is None else next(rest) for each in found]

    async def _objects(self, run: Run, found: list[Any]) -> list[Any]:
        if level := self.levels.get(None):
            return await level.rows(run, found)
        by_class: dict[type, list[Any]] = {}
        for each in found:
            by_class.setdefault(type(each), []).append(each)
        if by_class.keys() - self.levels.keys():
            raise DeoptError(Reason.RECORD)
        made = {kind: iter(await self.levels[kind].rows(run, some)) for kind, some in by_class.items()}
        return [next(made[type(each)]) for each in found]


@dataclass(frozen=True, slots=True)
class Step:
    """A link of a level: gives a column. `ready`: with the registry in memory it does not wait; `at_once`:
    nothing below does, either.
    """

    selected: Selected
    completion: Completion
    ready: bool
    at_once: bool

    async def column(self, run: Run, records: Sequence[Any]) -> list[Any]:
        """A part of the answer for each record."""
        return await self.completion.complete(run, await self.found(run, records))

    async def found(self, run: Run, records: Sequence[Any]) -> Sequence[Any]:
        """What each record's field is, before it is made a part of the answer."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ReadStep(Step):
    """An object that the record holds, and that has links of its own."""

    read: Reader

    async def found(self, run: Run, records: Sequence[Any]) -> Sequence[Any]:  # noqa: ARG002  # as `Step` has it
        return [self.read(record) for record in records]


@dataclass(frozen=True, slots=True)
class LinkStep(Step):
    """What a loader finds: each key is asked for and completed once, however many records have it."""

    link: Link

    async def column(self, run: Run, records: Sequence[Any]) -> list[Any]:
        keys = [self.link.key(record) for record in records]
        once = list(dict.fromkeys(keys))
        found = await self.loaded(run, [key for key in once if key is not None])
        if self.link.give is not None:
            found = [self.link.give(each) for each in found]
        loaded = iter(found)
        made = await self.completion.complete(run, [None if key is None else next(loaded) for key in once])
        if len(once) == len(keys):
            return made
        by_key = dict(zip(once, made, strict=True))
        return [by_key[key] for key in keys]

    async def loaded(self, run: Run, keys: Sequence[Any]) -> list[Any]:
        """What the loader finds."""
        loader = getattr(run.context.load, self.link.loader)
        if len(keys) == 1 or (run.at_once and self.ready):
            return [await loader.load(key) for key in keys]
        return await asyncio.gather(*map(loader.load, keys))


@dataclass(frozen=True, slots=True)
class ResolverStep(Step):
    """What a resolver gives, asked for each record."""

    resolving: Resolving
    spot: Spot

    async def found(self, run: Run, records: Sequence[Any]) -> Sequence[Any]:
        return await self.answers(run, self.questions(run, records))

    def questions(self, run: Run, records: Sequence[Any]) -> list[Mapping[str, Any]]:
        """What the resolver is called with for each record."""
        resolving, given = self.resolving, dict(self.selected.arguments.read(run.values))
        if resolving.info is not None:
            given[resolving.info] = Asking(run.context, self.spot)
        if resolving.parent is None:
            return [given for _ in records]
        return [{**given, resolving.parent: record} for record in records]

    async def answers(self, run: Run, asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """What it gives."""
        resolve = self.resolving.call
        if not self.resolving.waits:
            return [resolve(**each) for each in asked]
        if len(asked) == 1 or (run.at_once and self.ready):
            return [await resolve(**each) for each in asked]
        return await gather_with_cancel(*(resolve(**each) for each in asked))


@dataclass(frozen=True, slots=True)
class BatchStep(Step):
    """What is read for all records at once; now and then by the resolver after all."""

    batch: Batch
    otherwise: ResolverStep

    async def column(self, run: Run, records: Sequence[Any]) -> list[Any]:
        given = self.selected.arguments.read(run.values)
        found = await self.batch.read(run.context, records, given)
        if found is None:
            return await self.otherwise.column(run, records)
        return list(found) if self.batch.shaped else await self.completion.complete(run, found)


@dataclass(frozen=True, slots=True)
class Level:
    """The objects of one place. `function` writes them, with the columns of `steps` beside them."""

    place: Place
    steps: tuple[Step, ...]
    function: Function
    at_once: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_once", all(step.at_once for step in self.steps))

    async def rows(self, run: Run, records: list[Any]) -> list[Any]:
        """The parts of the answer that these records are."""
        if not self.steps or not records:
            return self.function.rows(records, *([] for _ in self.steps))
        return self.function.rows(records, *await self._columns(run, records))

    async def _columns(self, run: Run, records: list[Any]) -> list[list[Any]]:
        """Side by side, so that loaders see the keys of all; what needs no waiting, one after the other."""
        if len(self.steps) == 1 or (run.at_once and self.at_once):
            return [await _column(step, run, records) for step in self.steps]
        return await gather_with_cancel(*(_column(step, run, records) for step in self.steps))


def _column(step: Step, run: Run, records: list[Any]) -> Awaitable[list[Any]]:
    """What a step gives; what has no links below is made once for the same selection of the same records."""
    if run.shared is None or (not isinstance(step, BatchStep) and not isinstance(step.completion, Written)):
        return step.column(run, records)
    key = (id(step.selected), *map(id, records))
    if key not in run.shared:
        run.shared[key] = asyncio.ensure_future(step.column(run, records))
    return run.shared[key]
