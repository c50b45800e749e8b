"""The schema, and what clients are told of errors: the one place that masks what they should not see."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Iterator
from functools import cache
from inspect import isawaitable
from typing import Any, TypeVar

import strawberry
from graphql import (
    ConstObjectValueNode,
    DocumentNode,
    ExecutionResult,
    GraphQLDefaultInput,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    ValueNode,
    create_source_event_stream,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from promptgraph.domain.errors import InvalidInputError, PromptgraphError
from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.feed import Feed
from promptgraph.graph.loaders import Context
from promptgraph.graph.roots import Mutation, Query, Subscription
from promptgraph.graph.scalars import SCALARS
from promptgraph.graph.wording import plain

log = logging.getLogger("promptgraph.graph")
T = TypeVar("T")


class UsePrepared(SchemaExtension):
    """The document that the pipeline has parsed, guarded and validated is executed as it is."""

    def on_operation(self) -> Iterator[None]:
        execution = self.execution_context
        if execution.context.document is not None:
            execution.graphql_document = execution.context.document
            execution.pre_execution_errors = []
        yield


class Schema(strawberry.Schema):
    """`is_open`: clients may read the schema and are helped with misspelt names."""

    def __init__(self, *, is_open: bool) -> None:
        super().__init__(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            extensions=[UsePrepared],
            config=StrawberryConfig(scalar_map=SCALARS),
        )
        self.is_open = is_open
        _write_json_defaults(self._schema)

    @property
    def core(self) -> GraphQLSchema:
        """graphql-core's view, for parsing and validation."""
        return self._schema

    async def feed(
        self, document: DocumentNode, context: Context, variables: dict[str, Any], operation_name: str | None
    ) -> Feed[Any] | list[GraphQLError]:
        """Where the events of a subscription come from, or what is wrong with what it asks."""
        built = self.execution_context_class.build(
            self._schema,
            document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation_name,
            operation_extensions=None,
        )
        if isinstance(built, list):
            return built
        made = create_source_event_stream(built)
        found = await made if isawaitable(made) else made
        if isinstance(found, Feed):
            return found
        errors = list(found.errors or ()) if isinstance(found, ExecutionResult) else []
        self.process_errors(errors)
        return errors

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,  # noqa: ARG002  # strawberry's signature
    ) -> None:
        for error in errors:
            if not self.is_open:
                error.message = error.message.partition(" Did you mean")[0]
            told(error)


def _write_json_defaults(core: GraphQLSchema) -> None:
    """Give a JSON argument's default as a literal: introspection can write no other."""
    for kind in core.type_map.values():
        for declared in kind.fields.values() if isinstance(kind, GraphQLObjectType) else ():
            for argument in declared.args.values():
                if argument.default_value == {}:
                    argument.default = GraphQLDefaultInput(literal=ConstObjectValueNode(fields=()))


def told(error: GraphQLError) -> GraphQLError:
    """`error` as a client may read it: an expected one with its code, its field, and whether the same again
    may succeed; any other masked and logged.
    """
    cause = error.original_error
    if "code" in (error.extensions or {}):
        return error
    if isinstance(cause, PromptgraphError) and cause.code != PromptgraphError.code:
        facts = {"code": cause.code, "field": cause.field, "retryable": cause.retryable or None}
        error.extensions = {key: value for key, value in facts.items() if value is not None}
    elif cause is None or (isinstance(cause, GraphQLError) and _is_about_input(error, cause)):
        error.message = plain(error.message)
        error.extensions = {"code": InvalidInputError.code}
    else:
        number = secrets.token_hex(8)
        log.error("Internal error %s at %s", number, error.path, exc_info=cause)
        error.message = f"Internal error. The server's log says more under {number}."
        error.extensions = {"code": PromptgraphError.code, "id": number}
    return error


def _is_about_input(error: GraphQLError, cause: GraphQLError) -> bool:
    """Whether a value of the client's is wrong, found before execution or when an argument was read; the
    other values that graphql-core finds wrong are our answers.
    """
    return error.path is None or any(isinstance(node, ValueNode) for node in cause.nodes or ())


class FailedError(Exception):
    """A mutation failed in a way that nobody foresaw; `error` is what its client is told."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__(error.message)
        self.error = error


async def acted(work: Awaitable[T]) -> T:
    """What a mutation of the fast executor gives.

    raises  FailedError  it failed in a way that nobody foresaw: it may be done, so nobody tries again
    """
    try:
        return await work
    except (DeoptError, PromptgraphError):
        raise
    except Exception as error:
        raise FailedError(told(GraphQLError(str(error), original_error=error))) from error


@cache
def sdl() -> str:
    """The schema definition of this code, with one line end at its end."""
    return tidy(Schema(is_open=True).as_str()).rstrip("\n") + "\n"


def tidy(printed: str) -> str:
    """What graphql-core prints, an empty object as people write it."""
    return printed.replace("{  }", "{}")
