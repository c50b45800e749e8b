"""What becomes of a request: the GraphQL response, and what it amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult

from promptgraph.domain.errors import InvalidInputError, PromptgraphError, StoreUnavailableError
from promptgraph.graph.schema import told


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
    FORBIDDEN = auto()
    """Nothing was executed: the caller lacks the right to it."""
    UNAVAILABLE = auto()
    """The database is out of reach, or time is up: try again."""


class Path(StrEnum):
    """Who executed an operation."""

    FAST = "fast"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Answer:
    """`payload` is the GraphQL response, ready to be encoded. `path`: none where nothing was executed;
    `revision`: the registry's, no later than what was read; `tag` stands for the state of the registry that
    this is an answer from, where it is one from the registry alone.
    """

    payload: dict[str, Any]
    kind: Kind
    path: Path | None = None
    revision: int | None = None
    tag: str | None = None


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


def failed(error: PromptgraphError) -> Answer:
    """The answer where there is nothing but an error."""
    return Answer(
        {"errors": [told(GraphQLError(str(error), original_error=error)).formatted], "data": None},
        Kind.FAILED,
    )


def unavailable(error: StoreUnavailableError) -> Answer:
    """The answer where the database is out of reach, or time is up."""
    errors = [told(GraphQLError(str(error), original_error=error)).formatted]
    return Answer({"errors": errors}, Kind.UNAVAILABLE)


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
    return any(isinstance(error.original_error, StoreUnavailableError) for error in errors)
