"""The standard executor: strawberry, which executes any operation."""

from __future__ import annotations

from typing import NamedTuple

from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType as Allowed

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.graph.admission import Checked
from promptgraph.graph.answer import Answer, Kind, RequestRefusedError, answered, unavailable
from promptgraph.graph.documents import Operation
from promptgraph.graph.loaders import Context
from promptgraph.graph.patience import within
from promptgraph.graph.schema import Schema
from promptgraph.graph.wording import wrong_variables


class Seconds(NamedTuple):
    """After which an operation is given up, and one that may be slow."""

    usual: float
    slow: float

    def limit(self, operation: Operation) -> float:
        """After which this one is given up."""
        return self.slow if operation.bulk.slow else self.usual


class Standard:
    """Strawberry, over one schema."""

    def __init__(self, schema: Schema, seconds: Seconds) -> None:
        self._schema = schema
        self._seconds = seconds

    async def answer(self, checked: Checked, context: Context, root: object = None) -> Answer:
        """The answer to an operation; `root` is what a subscription's selection is executed for.

        raises  RequestRefusedError  the variables do not fit their types
        """
        context.document, context.caller = checked.prepared.document, checked.caller
        seconds = self._seconds.limit(checked.operation)
        try:
            result = await within(seconds, self._result(checked, context, root))
        except TimeoutError:
            return late(seconds)
        if result.data is None:
            self.check_types(checked)
        return answered(result)

    async def _result(self, checked: Checked, context: Context, root: object) -> ExecutionResult:
        return await self._schema.execute(
            checked.prepared.text,
            variable_values=dict(checked.request.variables),
            context_value=context,
            root_value=root,
            operation_name=checked.request.operation_name,
            allowed_operation_types=Allowed,
        )

    def check_types(self, checked: Checked) -> None:
        """Nothing, where the variables fit their types.

        raises  RequestRefusedError  with every way in which they do not
        """
        core, hidden = self._schema.core, not self._schema.is_open
        node, variables = checked.operation.node, checked.request.variables
        if wrong := wrong_variables(core, node, variables, hide_suggestions=hidden):
            raise RequestRefusedError(Kind.REFUSED, *wrong)


def late(seconds: float) -> Answer:
    """The answer that says that time is up."""
    return unavailable(
        StoreUnavailableError(
            f"This took longer than {seconds:g} s and was given up: ask for less, such as a shorter window,"
            " or try again."
        )
    )
