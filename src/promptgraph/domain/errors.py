"""Every expected failure.

PromptgraphError
├── InvalidInputError      INVALID_INPUT     a value is wrong                              .field
│   ├── TooOldError        TOO_OLD           a call started before what is kept
│   ├── TemplateError                        a template is refused or cannot be rendered   .line
│   └── PromptFilesError                     files of the tree are wrong
├── NotFoundError          NOT_FOUND         nothing has this id or name
├── TooManyRowsError       TOO_MANY_ROWS     more than one request may ask for             .limit
├── SyncConflictError      SYNC_CONFLICT     stored content would be overwritten
├── SyncOutdatedError      SYNC_OUTDATED     a newer tree was applied already
├── PromptMismatchError    PROMPT_MISMATCH   another content was rendered
├── IdempotencyConflictError  IDEMPOTENCY_CONFLICT  this call id was used for another call
├── ManagedByFileError     MANAGED_BY_FILE   git owns it                                   .path
├── ForbiddenError         FORBIDDEN         not allowed here, or not with this key
├── EventsMissedError      EVENTS_MISSED     a subscriber was not told of everything
├── InvalidRollupError     UNAVAILABLE       stored figures are damaged; trying again does not help
└── StoreUnavailableError  UNAVAILABLE       the database is out of reach; try again

A message is a sentence that says what is wrong and, where there is something to do, what to do.
"""

from __future__ import annotations

from typing import ClassVar


class PromptgraphError(Exception):
    """What nobody expected, where a client sees it; the root of the rest."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidInputError(PromptgraphError):
    """A value is wrong: the sentence says which, and what is allowed."""

    code = "INVALID_INPUT"


class TemplateError(InvalidInputError):
    """A template is refused or cannot be rendered; `line` counts from 1 in its own text, None for no line."""

    def __init__(self, message: str, *, line: int | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.line = line


class PromptFilesError(InvalidInputError):
    """Files of the tree are wrong; the problems themselves travel beside it, each with file and line."""


class TooOldError(InvalidInputError):
    """A call started before anything that is kept."""

    code = "TOO_OLD"


class NotFoundError(PromptgraphError):
    """Nothing has this id, name or version."""

    code = "NOT_FOUND"


class TooManyRowsError(PromptgraphError):
    """More than one request may ask for; `limit` is how many it may."""

    code = "TOO_MANY_ROWS"

    def __init__(self, message: str, *, limit: int, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.limit = limit


class SyncConflictError(PromptgraphError):
    """Stored content would be overwritten; the conflicts themselves are steps of the plan beside it."""

    code = "SYNC_CONFLICT"


class SyncOutdatedError(PromptgraphError):
    """A newer commit of this source was applied already."""

    code = "SYNC_OUTDATED"


class PromptMismatchError(PromptgraphError):
    """The caller rendered another content than this version has."""

    code = "PROMPT_MISMATCH"


class IdempotencyConflictError(PromptgraphError):
    """This call id was used for another call; the first one stays."""

    code = "IDEMPOTENCY_CONFLICT"


class ManagedByFileError(PromptgraphError):
    """A file in git owns this: change it there, and sync."""

    code = "MANAGED_BY_FILE"

    def __init__(self, message: str, *, path: str, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.path = path


class ForbiddenError(PromptgraphError):
    """Not allowed here, or not with this key."""

    code = "FORBIDDEN"


class EventsMissedError(PromptgraphError):
    """A subscription ends that has missed events: ask for what is there now, and subscribe again."""

    code = "EVENTS_MISSED"
    retryable = True


class InvalidRollupError(PromptgraphError):
    """Stored figures are damaged: `promptgraph rollup rebuild` makes them anew from the calls."""

    code = "UNAVAILABLE"


class StoreUnavailableError(PromptgraphError):
    """The database is out of reach or busy, or time was up; nothing is known to be written."""

    code = "UNAVAILABLE"
    retryable = True
