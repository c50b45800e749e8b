"""One GraphQL request from its JSON to its answer: asked → prepared → chosen → executed → answered.
No HTTP here: every door hands in a `Request` and dresses the `Answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType as Allowed

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError, TooManyRowsError
from promptgraph.graph.answer import (
    Answer,
    Kind,
    RequestRefusedError,
    answered,
    failed,
    malformed,
    refused,
)
from promptgraph.graph.documents import DocumentRefusedError, Documents, Prepared
from promptgraph.graph.feed import Feed
from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context, Loaders
from promptgraph.graph.schema import Schema, told
from promptgraph.graph.streams import Answers, Sharing
from promptgraph.graph.trusted import PREFIX, DocumentId, Trusted
from promptgraph.graph.variables import EMPTY, MOST_LEVELS, MOST_ROWS, MOST_VALUES, Survey, surveyed
from promptgraph.graph.wording import wrong_variables

MIB = 1024 * 1024
QUERY_BYTES = MIB
"""How large a request may be, but for one that does what `BULKY` names."""


class Bulk(NamedTuple):
    """How much one mutation may take. `slow`: longer than others. `rowwise`: its rows are refused one by
    one, for a text in them too.
    """

    limit: int
    slow: bool = False
    rowwise: bool = False


BULKY: Mapping[str, Bulk] = {
    "syncPrompts": Bulk(64 * MIB, slow=True),
    "recordLlmCall": Bulk(16 * MIB, rowwise=True),
    "recordLlmCalls": Bulk(16 * MIB, rowwise=True),
    "scoreLlmCalls": Bulk(16 * MIB, rowwise=True),
}
"""The mutations whose requests may be large, alone in their operation."""
USUAL = Bulk(QUERY_BYTES)
EVERY = Trusted()


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. `query` is empty where `document` says which is meant."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    document: DocumentId | None = None
    survey: Survey = EMPTY


@dataclass(frozen=True, slots=True)
class Way:
    """How a request came. `reading`: it may change nothing; `tell_cost`: the answer says what it cost;
    `streams`: there may be any number of answers.

    units  size: bytes
    """

    reading: bool = False
    size: int = 0
    tell_cost: bool = False
    streams: bool = False


class Checked(NamedTuple):
    """A request whose operation may be executed."""

    request: Request
    prepared: Prepared
    operation: OperationDefinitionNode


class Event(NamedTuple):
    """What a subscription's selection is executed for, and what others may have loaded of it."""

    value: object
    load: Loaders


def asked(value: Json) -> Request:
    """The request that a JSON object stands for.

    raises  RequestRefusedError  it is none
    """
    if not isinstance(value, dict):
        raise malformed("A request is a JSON object; batches are not supported.")
    document = _document(value)
    query, name = value.get("query"), value.get("operationName")
    if document is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise malformed("`query` must be a text that is not empty.")
    if name is not None and not isinstance(name, str):
        raise malformed("`operationName` must be a text or null.")
    variables, extensions = value.get("variables") or {}, value.get("extensions")
    if not isinstance(variables, dict) or value.get("variables") in (False, 0, "", []):
        raise malformed("`variables` must be an object or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise malformed("`extensions` must be an object or null.")
    return Request(query, variables, name, document, surveyed(variables))


def _document(value: JsonObject) -> DocumentId | None:
    """The id that stands for a document, alone, or in Apollo's extension.

    raises  RequestRefusedError  it is no id, or there is a text beside it
    """
    name, extensions = value.get("documentId"), value.get("extensions")
    if name is not None:
        if not isinstance(name, str) or not name:
            raise malformed("`documentId` must be a text that is not empty.")
        if value.get("query") is not None:
            raise malformed("Send `query` or `documentId`, not both.")
        return DocumentId(name)
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(found, str):
        raise malformed("`extensions.persistedQuery` must be an object with the text `sha256Hash`.")
    return DocumentId(PREFIX + found.lower().removeprefix(PREFIX), automatic=True)


class Pipeline:
    """The stages, over one schema. `context` makes what a request's resolvers share."""

    def __init__(
        self,
        schema: Schema,
        context: Callable[[], Context],
        *,
        limits: Limits,
        seconds: float,
        bulky_seconds: float,
        trusted: Trusted = EVERY,
    ) -> None:
        self._schema = schema
        self._context = context
        self._documents = Documents(schema.core, limits, introspection=schema.is_open)
        self._seconds = {False: seconds, True: bulky_seconds}
        self._trusted = trusted
        self._limit = limits.cost
        self._sharing = Sharing(lambda: Loaders(context().db.read, shared=True))

    async def answer(self, request: Request, way: Way = Way()) -> Answer:
        """What `request` gets. Never raises for what a client sent, or for what the registry answers."""
        try:
            return await self._answered(self._checked(request, way), way)
        except RequestRefusedError as error:
            return refused(error, error.kind)

    async def subscribe(self, request: Request, way: Way = Way()) -> Answer | Answers:
        """The answers to a subscription, as its events come, until they are closed; to anything else, and to
        what is refused, the one answer. Never raises for what a client sent.
        """
        try:
            checked = self._checked(request, replace(way, streams=True))
            if checked.operation.operation is not OperationType.SUBSCRIPTION:
                return await self._answered(checked, way)
            found = await self._schema.feed(
                checked.prepared.document,
                self._context(),
                dict(request.variables),
                request.operation_name,
            )
            if isinstance(found, Feed):
                return Answers(found, partial(self._events, checked, found))
            self._check_variables(checked)
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
        return answered(await self._executed(checked, Event(value, load))) if value is not None else None

    def _checked(self, request: Request, way: Way) -> Checked:
        """The operation that is asked for.

        raises  RequestRefusedError  it may not be executed
        """
        prepared = self._prepared(request)
        operation = chosen(prepared, request.operation_name)
        check_way(operation, way)
        check_variables(operation, request.survey)
        check_fit(prepared)
        return Checked(request, prepared, operation)

    async def _answered(self, checked: Checked, way: Way) -> Answer:
        found = answered(await self._executed(checked))
        if way.tell_cost:
            name = checked.operation.name
            cost = checked.prepared.costs[name.value if name else None]
            found.payload["extensions"] = {"cost": {"requested": cost, "limit": self._limit}}
        return found

    def _prepared(self, request: Request) -> Prepared:
        """The document that is asked for.

        raises  RequestRefusedError  it is not known, not allowed, does not parse, or asks for too much
        """
        try:
            return self._documents.prepare(self._trusted.text(request.query, request.document))
        except DocumentRefusedError as error:
            raise RequestRefusedError(Kind.REFUSED, error.error) from error
        except PromptgraphError as error:
            raise RequestRefusedError(Kind.REFUSED, GraphQLError(str(error), original_error=error)) from error

    async def _executed(self, checked: Checked, event: Event | None = None) -> ExecutionResult:
        """The result, or the error that says that time was up.

        raises  RequestRefusedError  the variables do not fit their types
        """
        request, seconds = checked.request, self._seconds[bulk_of(checked.operation).slow]
        context = self._context()
        context.document = checked.prepared.document
        if event is not None:
            context.load = event.load
        try:
            async with asyncio.timeout(seconds):
                result = await self._schema.execute(
                    checked.prepared.text,
                    variable_values=dict(request.variables),
                    context_value=context,
                    root_value=event and event.value,
                    operation_name=request.operation_name,
                    allowed_operation_types=Allowed,
                )
        except TimeoutError:
            late = StoreUnavailableError(
                f"This took longer than {seconds:g} s and was given up: ask for less, such as a shorter"
                " window, or try again."
            )
            return ExecutionResult(data=None, errors=[told(GraphQLError(str(late), original_error=late))])
        if result.data is None:
            self._check_variables(checked)
        return result

    def _check_variables(self, checked: Checked) -> None:
        core, hidden = self._schema.core, not self._schema.is_open
        variables = checked.request.variables
        if wrong := wrong_variables(core, checked.operation, variables, hide_suggestions=hidden):
            raise RequestRefusedError(Kind.REFUSED, *wrong)


def chosen(prepared: Prepared, name: str | None) -> OperationDefinitionNode:
    """The operation to execute.

    raises  RequestRefusedError  the name fits none, or there are several and no name
    """
    known = list(prepared.operations.values())
    if name is None and len(known) == 1:
        return known[0]
    found = prepared.operations.get(name) if name is not None else None
    if found is None:
        several = "This document has several operations: say which by `operationName`."
        other = "No operation of this document has that `operationName`."
        message = (several if name is None else other) if known else "This document has no operation."
        raise RequestRefusedError(Kind.REFUSED, GraphQLError(message))
    return found


def check_fit(prepared: Prepared) -> None:
    """Nothing, for a document that fits the schema.

    raises  RequestRefusedError  with every way in which it does not
    """
    if prepared.errors:
        raise RequestRefusedError(Kind.REFUSED, *prepared.errors)


def check_way(operation: OperationDefinitionNode, way: Way) -> None:
    """Nothing, for an operation that may come this way.

    raises  RequestRefusedError  a subscription, a mutation by a way for reading, one that is too large
    """
    if operation.operation is OperationType.SUBSCRIPTION and not way.streams:
        raise malformed(
            "A subscription needs a connection that stays open: use WebSocket, or accept text/event-stream."
        )
    if way.reading and operation.operation is OperationType.MUTATION:
        raise RequestRefusedError(Kind.NOT_READING, GraphQLError("A mutation is sent by POST."))
    if way.size > bulk_of(operation).limit:
        names = ", ".join(name for name, bulk in BULKY.items() if way.size <= bulk.limit)
        advice = f"only {names} may be this large, alone in its mutation" if names else "send less at once"
        raise RequestRefusedError(Kind.TOO_LARGE, GraphQLError(f"This request is too large: {advice}."))


def check_variables(operation: OperationDefinitionNode, survey: Survey) -> None:
    """Nothing, where each text can be stored, or is looked at row by row, and there are not too many values,
    nor too deep ones.

    raises  RequestRefusedError  one of them cannot, or there are
    """
    bulk = bulk_of(operation)
    if survey.levels > MOST_LEVELS:
        deep = GraphQLError(f"The variables are nested deeper than {MOST_LEVELS}.")
        raise RequestRefusedError(Kind.REFUSED, deep)
    if survey.flaw is not None and not bulk.rowwise:
        raise RequestRefusedError(Kind.REFUSED, GraphQLError(survey.flaw))
    for found, limit, what in (
        (survey.values if bulk is USUAL else survey.listed, MOST_VALUES, "values in variables"),
        (survey.rows, MOST_ROWS, "entries in a list"),
    ):
        if found > limit:
            many = TooManyRowsError(
                f"At most {limit:,} {what}, these are {found:,}: send less at once.", limit=limit
            )
            raise RequestRefusedError(Kind.REFUSED, GraphQLError(str(many), original_error=many))


def bulk_of(operation: OperationDefinitionNode) -> Bulk:
    """How much the operation may take: that of the one mutation of `BULKY` that it does and nothing else."""
    roots = operation.selection_set.selections
    names = {item.name.value if isinstance(item, FieldNode) else "" for item in roots}
    if operation.operation is not OperationType.MUTATION or len(names) != 1:
        return USUAL
    return BULKY.get(names.pop(), USUAL)
