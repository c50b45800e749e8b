"""Every expected failure.

PromptgraphError
├── InvalidInputError      INVALID_INPUT     a value is wrong                              .field
│   ├── TemplateError                        a template is refused or cannot be rendered   .line
│   └── PromptFilesError                     files of the tree are wrong                   .problems
├── NotFoundError          NOT_FOUND         nothing has this id or name
├── TooManyRowsError       TOO_MANY_ROWS     more than one request may ask for             .limit
├── SyncConflictError      SYNC_CONFLICT     stored content would be overwritten           .steps
├── SyncOutdatedError      SYNC_OUTDATED     a newer tree was applied already
├── ManagedByFileError     MANAGED_BY_FILE   git owns it                                   .path
├── ForbiddenError         FORBIDDEN         not allowed here
└── StoreUnavailableError  UNAVAILABLE       the database is out of reach; try again

A message is a sentence that says what is wrong and, where there is something to do, what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptgraph.domain.registry import SyncStep
    from promptgraph.domain.tree import FileProblem


class PromptgraphError(Exception):
    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidInputError(PromptgraphError):
    code = "INVALID_INPUT"


class TemplateError(InvalidInputError):
    """`line` counts from 1 in the template's own text; None where no line is to blame."""

    def __init__(self, message: str, *, line: int | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.line = line


class PromptFilesError(InvalidInputError):
    def __init__(self, problems: Sequence[FileProblem]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the prompt files.")
        self.problems = tuple(problems)


class NotFoundError(PromptgraphError):
    code = "NOT_FOUND"


class TooManyRowsError(PromptgraphError):
    code = "TOO_MANY_ROWS"

    def __init__(self, message: str, *, limit: int, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.limit = limit


class SyncConflictError(PromptgraphError):
    """`steps` are the plan's conflicts, each with its sentence."""

    code = "SYNC_CONFLICT"

    def __init__(self, message: str, *, steps: Sequence[SyncStep] = ()) -> None:
        super().__init__(message)
        self.steps = tuple(steps)


class SyncOutdatedError(PromptgraphError):
    code = "SYNC_OUTDATED"


class ManagedByFileError(PromptgraphError):
    code = "MANAGED_BY_FILE"

    def __init__(self, message: str, *, path: str, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.path = path


class ForbiddenError(PromptgraphError):
    code = "FORBIDDEN"


class StoreUnavailableError(PromptgraphError):
    code = "UNAVAILABLE"
    retryable = True
