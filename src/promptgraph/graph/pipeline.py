"""One GraphQL request from its JSON to its answer: asked → prepared → chosen → executed → answered.
No HTTP here: every door hands in a `Request` and dresses the `Answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType
from strawberry.types.execution import ExecutionResult

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError, PromptgraphError, StoreUnavailableError
from promptgraph.domain.text import forbidden_character
from promptgraph.graph.documents import DocumentRefusedError, Documents, Prepared
from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context
from promptgraph.graph.schema import Schema, told
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


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. `flaw` is a text in the variables that cannot be stored."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    flaw: str | None = None


class Kind(Enum):
    """What became of a request; a door turns it into its own words."""

    DATA = auto()
    PARTIAL = auto()
    """Data and errors."""
    FAILED = auto()
    """Errors where all the data would be."""
    REFUSED = auto()
    """Nothing was executed: the document or its variables are wrong."""
    MALFORMED = auto()
    """Nothing was executed: this is no GraphQL request, or not one for this door."""
    NOT_READING = auto()
    """Nothing was executed: a mutation came by a way that is for reading."""
    TOO_LARGE = auto()
    """Nothing was executed: only what `BULKY` names may be so large."""
    UNAVAILABLE = auto()
    """The database is out of reach, or time is up: try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`payload` is the GraphQL response, ready to be encoded."""

    payload: dict[str, Any]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Way:
    """How a request came. `reading`: it may change nothing.

    units  size: bytes
    """

    reading: bool = False
    size: int = 0


class RequestRefusedError(InvalidInputError):
    """Ends a request before anything is executed."""

    def __init__(self, kind: Kind, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.kind = kind
        self.errors = errors


def malformed(message: str) -> RequestRefusedError:
    return RequestRefusedError(Kind.MALFORMED, GraphQLError(message))


def refused(error: PromptgraphError, kind: Kind = Kind.MALFORMED) -> Answer:
    """The answer to a request that ends before anything is executed."""
    own = error.errors if isinstance(error, RequestRefusedError) else None
    errors = own or [GraphQLError(str(error), original_error=error)]
    return Answer({"errors": [told(each).formatted for each in errors]}, kind)


def asked(value: Json) -> Request:
    """The request that a JSON object stands for.

    raises  RequestRefusedError  it is none
    """
    if not isinstance(value, dict):
        raise malformed("A request is a JSON object; batches are not supported.")
    query, name = value.get("query"), value.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise malformed("`query` must be a text that is not empty.")
    if name is not None and not isinstance(name, str):
        raise malformed("`operationName` must be a text or null.")
    variables, extensions = value.get("variables") or {}, value.get("extensions")
    if not isinstance(variables, dict) or value.get("variables") in (False, 0, "", []):
        raise malformed("`variables` must be an object or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise malformed("`extensions` must be an object or null.")
    return Request(query, variables, name, _flaw(variables))


def _flaw(variables: dict[str, Json]) -> str | None:
    """The text that cannot be stored, in words; None if all can. A key is looked at before what it stands
    for, so that no path shows a text that cannot be written.
    """
    waiting: list[tuple[str, Json]] = [("variables", variables)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [(f"{path}.{key}", child) for key, child in item.items()]
            waiting += [(f"a key in {path}", key) for key in item]
        elif isinstance(item, list):
            waiting += [(f"{path}[{index}]", child) for index, child in enumerate(item)]
        elif isinstance(item, str) and (found := forbidden_character(item)):
            return f"{path} holds the character {found}."
    return None


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
    ) -> None:
        self._schema = schema
        self._context = context
        self._documents = Documents(schema.core, limits, introspection=schema.is_open)
        self._seconds = {False: seconds, True: bulky_seconds}

    async def answer(self, request: Request, way: Way = Way()) -> Answer:
        """What `request` gets. Never raises for what a client sent, or for what the registry answers."""
        try:
            prepared = self._prepared(request)
            operation = chosen(prepared, request.operation_name)
            check_way(operation, way)
            check_texts(operation, request)
            check_fit(prepared)
            result = await self._executed(request, prepared, operation)
        except RequestRefusedError as error:
            return refused(error, error.kind)
        return answered(result)

    def _prepared(self, request: Request) -> Prepared:
        try:
            return self._documents.prepare(request.query)
        except DocumentRefusedError as error:
            raise RequestRefusedError(Kind.REFUSED, error.error) from error

    async def _executed(
        self, request: Request, prepared: Prepared, operation: OperationDefinitionNode
    ) -> ExecutionResult:
        """The result, or the error that says that time was up.

        raises  RequestRefusedError  the variables do not fit their types
        """
        seconds = self._seconds[bulk_of(operation).slow]
        context = self._context()
        context.document = prepared.document
        try:
            async with asyncio.timeout(seconds):
                result = await self._schema.execute(
                    request.query,
                    variable_values=dict(request.variables),
                    context_value=context,
                    operation_name=request.operation_name,
                )
        except TimeoutError:
            late = StoreUnavailableError(
                f"This took longer than {seconds:g} s and was given up: ask for less, or try again."
            )
            return ExecutionResult(data=None, errors=[told(GraphQLError(str(late), original_error=late))])
        if result.data is None:
            self._check_variables(request, operation)
        return result

    def _check_variables(self, request: Request, operation: OperationDefinitionNode) -> None:
        schema = self._schema
        hidden = not schema.is_open
        if wrong := wrong_variables(schema.core, operation, request.variables, hide_suggestions=hidden):
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
    if operation.operation is OperationType.SUBSCRIPTION:
        raise malformed("A subscription needs a connection that stays open: this door answers once.")
    if way.reading and operation.operation is not OperationType.QUERY:
        raise RequestRefusedError(Kind.NOT_READING, GraphQLError("A mutation is sent by POST."))
    if way.size > bulk_of(operation).limit:
        names = ", ".join(name for name, bulk in BULKY.items() if way.size <= bulk.limit)
        advice = f"only {names} may be this large, alone in its mutation" if names else "send less at once"
        raise RequestRefusedError(Kind.TOO_LARGE, GraphQLError(f"This request is too large: {advice}."))


def check_texts(operation: OperationDefinitionNode, request: Request) -> None:
    """Nothing, where each text can be stored, or is looked at row by row.

    raises  RequestRefusedError  one of them cannot
    """
    if request.flaw is not None and not bulk_of(operation).rowwise:
        raise RequestRefusedError(Kind.REFUSED, GraphQLError(request.flaw))


def bulk_of(operation: OperationDefinitionNode) -> Bulk:
    """How much the operation may take: that of the one mutation of `BULKY` that it does and nothing else."""
    roots = operation.selection_set.selections
    names = {item.name.value if isinstance(item, FieldNode) else "" for item in roots}
    if operation.operation is not OperationType.MUTATION or len(names) != 1:
        return USUAL
    return BULKY.get(names.pop(), USUAL)


def answered(result: ExecutionResult) -> Answer:
    """A result in the form of a response, and what it amounts to."""
    errors = list(result.errors or ())
    payload: dict[str, Any] = {"errors": [error.formatted for error in errors]} if errors else {}
    if errors and result.data is None and all(error.path is None for error in errors):
        return Answer(payload, Kind.UNAVAILABLE if _is_away(errors) else Kind.REFUSED)
    payload["data"] = result.data
    if not errors:
        return Answer(payload, Kind.DATA)
    if not any((result.data or {}).values()) and _is_away(errors):
        return Answer(payload, Kind.UNAVAILABLE)
    return Answer(payload, Kind.FAILED if result.data is None else Kind.PARTIAL)


def _is_away(errors: list[GraphQLError]) -> bool:
    codes = {(error.extensions or {}).get("code") for error in errors}
    return StoreUnavailableError.code in codes
