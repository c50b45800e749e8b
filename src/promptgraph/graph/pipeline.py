"""One GraphQL request from its JSON to its answer: asked → prepared → chosen → executed → answered.
No HTTP here: every door hands in a `Request` and dresses the `Answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult

from promptgraph.domain.errors import PromptgraphError
from promptgraph.domain.keys import ANYONE
from promptgraph.domain.visit import CURRENT
from promptgraph.graph.admission import Checked, check_fit, check_right, check_variables, check_way, chosen
from promptgraph.graph.answer import Answer, Kind, RequestRefusedError, answered, failed, refused
from promptgraph.graph.bulk import QUERY_BYTES
from promptgraph.graph.counters import Counters
from promptgraph.graph.documents import DocumentRefusedError, Documents, Prepared
from promptgraph.graph.executors import Executing, Executors
from promptgraph.graph.feed import Feed
from promptgraph.graph.forms import Forms
from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context, Loaders
from promptgraph.graph.programs import decodes
from promptgraph.graph.request import Request, Way, asked
from promptgraph.graph.schema import Schema
from promptgraph.graph.standard import Seconds
from promptgraph.graph.state import State
from promptgraph.graph.streams import Answers, Sharing
from promptgraph.graph.trusted import Trusted
from promptgraph.graph.variables import surveyed
from promptgraph.graph.wire import decoded

EVERY = Trusted()
USUAL = Executing()
PLAIN = Way(caller=ANYONE)
"""How this process asks itself."""


class Pipeline:
    """The stages, over one schema. `context` makes what a request's resolvers share."""

    def __init__(
        self,
        schema: Schema,
        context: Callable[[], Context],
        *,
        limits: Limits,
        seconds: Seconds,
        trusted: Trusted = EVERY,
        executing: Executing = USUAL,
    ) -> None:
        self._schema = schema
        self._context = context
        self.documents = Documents(schema.core, limits, introspection=schema.is_open)
        self._forms = Forms()
        self._trusted = trusted
        self._limit = limits.cost
        self._executors = Executors(schema, self.documents, context, seconds, executing)
        self._sharing = Sharing(lambda: Loaders(context().db.read))

    @property
    def counters(self) -> Counters:
        """How many operations were executed, and how."""
        return self._executors.counters

    @property
    def state(self) -> State:
        """Which state of the registry is answered from."""
        return self._executors.state

    async def read(self, body: bytes) -> Request:
        """The request in a body.

        raises  RequestRefusedError  with what is wrong
        cost    a large body is decoded in a thread, so that other requests go on
        """
        if len(body) <= QUERY_BYTES:
            return self._forms.read(body)
        return await asyncio.to_thread(_looked_through, body)

    async def answer(self, request: Request, way: Way = PLAIN) -> Answer:
        """What `request` gets. Never raises for what a client sent, or for what the registry answers."""
        try:
            return await self._answered(self._checked(request, way), way)
        except RequestRefusedError as error:
            return refused(error, error.kind)

    async def subscribe(self, request: Request, way: Way = PLAIN) -> Answer | Answers:
        """The answers to a subscription, as its events come, until they are closed; to anything else, and to
        what is refused, the one answer. Never raises for what a client sent.
        """
        try:
            checked = self._checked(request, replace(way, streams=True))
            if checked.operation.kind is not OperationType.SUBSCRIPTION:
                return await self._answered(checked, way)
            context = self._context()
            context.caller = way.caller
            found = await self._schema.feed(
                checked.prepared.document,
                context,
                dict(request.variables),
                request.operation_name,
            )
            if isinstance(found, Feed):
                return Answers(found, partial(self._events, checked, found))
            self._executors.strawberry.check_types(checked)
        except RequestRefusedError as error:
            return refused(error, error.kind)
        return answered(ExecutionResult(data=None, errors=found))

    async def _events(
        self, checked: Checked, feed: Feed[Any], keys: Sequence[Any]
    ) -> Sequence[Answer | None]:
        async with self._sharing.turn():
            load = self._sharing.since(feed.told_at)
            return await asyncio.gather(*(self._event(checked, feed, key, load) for key in keys))

    async def _event(self, checked: Checked, feed: Feed[Any], key: Any, load: Loaders) -> Answer | None:
        """The answer for one event; None if what it is about is gone. What fails is an answer, too."""
        try:
            value = await getattr(load, feed.loader).load(key)
        except PromptgraphError as error:
            return failed(error)
        if value is None:
            return None
        context = self._context()
        context.load = load
        return await self._executors.strawberry.answer(checked, context, value)

    def _checked(self, request: Request, way: Way) -> Checked:
        """The operation that is asked for.

        raises  RequestRefusedError  it may not be executed
        """
        prepared = self._prepared(request)
        operation = chosen(prepared, request.operation_name)
        CURRENT.get().operation = operation.name or ""
        check_way(operation, way)
        if not prepared.errors:
            check_right(operation, request, way.caller)
        program = None if prepared.errors else self._executors.program(prepared, operation)
        if not decodes(program, operation, request):
            check_variables(request, operation.bulk)
        check_fit(prepared)
        return Checked(request, prepared, operation, program, way.caller, way.current)

    async def _answered(self, checked: Checked, way: Way) -> Answer:
        found = await self._executors.answer(checked)
        if way.tell_cost:
            cost = checked.operation.cost
            found.payload["extensions"] = {"cost": {"requested": cost, "limit": self._limit}}
        return found

    def _prepared(self, request: Request) -> Prepared:
        """The document that is asked for.

        raises  RequestRefusedError  it is not known, not allowed, does not parse, or asks for too much
        """
        try:
            return self.documents.prepare(self._trusted.text(request.query, request.document))
        except DocumentRefusedError as error:
            raise RequestRefusedError(Kind.REFUSED, error.error) from error
        except PromptgraphError as error:
            raise RequestRefusedError(Kind.REFUSED, GraphQLError(str(error), original_error=error)) from error


def _looked_through(body: bytes) -> Request:
    """The request in a body, with all that takes long."""
    request = asked(decoded(body))
    return replace(request, survey=surveyed(request.variables))
