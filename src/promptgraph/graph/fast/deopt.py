"""What the fast executor leaves to the standard one, and why."""

from __future__ import annotations

from enum import StrEnum
from types import TracebackType

from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError


class Reason(StrEnum):
    """Why an operation, or one run of it, is left to the standard executor: the names under which it is
    counted.
    """

    OPERATION = "operation"
    """It is a subscription, or a mutation that is not compiled."""
    FIELD = "field"
    """A field is declared in a way that is not known here."""
    ARGUMENTS = "arguments"
    """An argument does not fit its type."""
    VARIABLES = "variables"
    """A variable does not fit its type."""
    REFUSED = "refused"
    """A resolver refuses what it is asked."""
    NULL = "null"
    """There is nothing where something must be, such as a row that was just deleted."""
    RECORD = "record"
    """A record is not of the type that is declared."""
    ERROR = "error"
    """Something unforeseen: a value that cannot be written, a resolver that fails."""


class DeoptError(Exception):
    """This is not for the fast executor. `detail` is a place in the schema, such as `Prompt.render`."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class UnansweredError(Exception):
    """A mutation is done, and its answer could not be made: nobody may do it again."""


class _OrDeopt:
    """Inside, whatever is refused or fails is for the standard executor, which then tells of it.

    raises  DeoptError             instead of any other error
    raises  StoreUnavailableError  as it is: nobody tries again
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, DeoptError | StoreUnavailableError):
            return
        raise DeoptError(Reason.REFUSED if isinstance(error, PromptgraphError) else Reason.ERROR) from error


or_deopt = _OrDeopt()
