"""Which operation a request asks for, and whether it may be executed."""

from __future__ import annotations

from typing import NamedTuple

from graphql import GraphQLError, OperationType

from promptgraph.domain.errors import ForbiddenError, TooManyRowsError
from promptgraph.domain.keys import NOBODY, Caller
from promptgraph.graph.answer import Kind, RequestRefusedError, malformed
from promptgraph.graph.bulk import BULKY, USUAL, Bulk
from promptgraph.graph.documents import Operation, Prepared
from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.fast.program import Program
from promptgraph.graph.reach import check_caller
from promptgraph.graph.request import Request, Way
from promptgraph.graph.variables import MOST_LEVELS, MOST_ROWS, MOST_VALUES, Survey, surveyed


class Checked(NamedTuple):
    """A request whose operation may be executed. `program`: what the fast executor has for it, or why it has
    nothing; None where it is not to be asked. `current`: see `Way`.
    """

    request: Request
    prepared: Prepared
    operation: Operation
    program: Program | DeoptError | None = None
    caller: Caller = NOBODY
    current: bool = False


def chosen(prepared: Prepared, name: str | None) -> Operation:
    """The operation to execute.

    raises  RequestRefusedError  the name fits none, or there are several and no name
    """
    known = prepared.operations
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    found = known.get(name) if name is not None else None
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


def check_right(operation: Operation, request: Request, caller: Caller) -> None:
    """Nothing, where the caller may do what is asked; of a document that fits the schema.

    raises  RequestRefusedError  it may not
    """
    try:
        check_caller(operation.reach, caller, request.variables)
    except ForbiddenError as error:
        raise RequestRefusedError(Kind.FORBIDDEN, GraphQLError(str(error), original_error=error)) from error


def check_way(operation: Operation, way: Way) -> None:
    """Nothing, for an operation that may come this way.

    raises  RequestRefusedError  a subscription, a mutation by a way for reading, one that is too large
    """
    if operation.kind is OperationType.SUBSCRIPTION and not way.streams:
        raise malformed(
            "A subscription needs a connection that stays open: use WebSocket, or accept text/event-stream."
        )
    if way.reading and operation.kind is OperationType.MUTATION:
        raise RequestRefusedError(Kind.NOT_READING, GraphQLError("A mutation is sent by POST."))
    if way.size > operation.bulk.limit:
        names = ", ".join(name for name, bulk in BULKY.items() if way.size <= bulk.limit)
        advice = f"only {names} may be this large, alone in its mutation" if names else "send less at once"
        raise RequestRefusedError(Kind.TOO_LARGE, GraphQLError(f"This request is too large: {advice}."))


def check_variables(request: Request, bulk: Bulk) -> None:
    """Nothing, where each text can be stored, or is looked at row by row, and there are not too many values,
    nor too deep ones.

    raises  RequestRefusedError  one of them cannot, or there are
    """
    survey = request.survey or surveyed(request.variables)
    if survey.levels > MOST_LEVELS:
        deep = GraphQLError(f"The variables are nested deeper than {MOST_LEVELS}.")
        raise RequestRefusedError(Kind.REFUSED, deep)
    if survey.flaw is not None and not bulk.rowwise:
        raise RequestRefusedError(Kind.REFUSED, GraphQLError(survey.flaw))
    _check_numbers(survey, bulk)


def _check_numbers(survey: Survey, bulk: Bulk) -> None:
    for found, limit, what in (
        (survey.values if bulk is USUAL else survey.listed, MOST_VALUES, "values in variables"),
        (survey.rows, MOST_ROWS, "entries in a list"),
    ):
        if found > limit:
            many = TooManyRowsError(
                f"At most {limit:,} {what}, these are {found:,}: send less at once.", limit=limit
            )
            raise RequestRefusedError(Kind.REFUSED, GraphQLError(str(many), original_error=many))
