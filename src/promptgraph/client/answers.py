"""What a server answered: the data, or the error that it stands for."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from promptgraph.client.patience import Patience, retry_after_s
from promptgraph.client.steps import Ask, Reply, Wait, Work
from promptgraph.domain.call_rules import MAX_ROWS
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import (
    ForbiddenError,
    IdempotencyConflictError,
    InvalidInputError,
    InvalidRollupError,
    NotFoundError,
    PromptgraphError,
    PromptMismatchError,
    StoreUnavailableError,
    SyncConflictError,
    SyncOutdatedError,
    TooManyRowsError,
    TooOldError,
)

ERRORS: Mapping[str, type[PromptgraphError]] = {
    cls.code: cls
    for cls in (
        InvalidInputError,
        TooOldError,
        NotFoundError,
        PromptMismatchError,
        IdempotencyConflictError,
        SyncConflictError,
        SyncOutdatedError,
        ForbiddenError,
        StoreUnavailableError,
    )
}
"""The error that each code stands for; any other code is a plain PromptgraphError."""

BUSY = (408, 425, 429)
DENIED: Mapping[int, str] = {
    401: "The server refuses the API key: give api_key=, or set PROMPTGRAPH_API_KEY.",
    403: "The server forbids this to the API key.",
}
MISPLACED = (301, 302, 303, 307, 308, 404, 405, 410)
TOO_LARGE = 413
SERVER = "server"
"""The field of an error that is about the address, not about what was sent."""


class ServerAwayError(StoreUnavailableError):
    """The server is out of reach or busy, or what answers makes no sense: the same again may succeed.

    units  after_s: seconds that it asks to be left alone, None if it says nothing
    """

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


def error_of(
    code: str, message: str, field: str | None = None, *, retryable: bool = False
) -> PromptgraphError:
    """The error that a code of the API stands for."""
    if code == InvalidRollupError.code and not retryable:
        return InvalidRollupError(message, field=field)
    if code == TooManyRowsError.code:
        return TooManyRowsError(message, limit=MAX_ROWS, field=field)
    return ERRORS.get(code, PromptgraphError)(message, field=field)


def told_error(told: Json) -> PromptgraphError:
    """The error that a MutationError, or an entry of a response's `errors`, stands for."""
    facts = told if isinstance(told, dict) else {}
    extensions = facts.get("extensions")
    more = extensions if isinstance(extensions, dict) else facts
    code = more.get("code")
    field = more.get("field")
    # what GraphQL itself refuses has no code
    return error_of(
        str(code or InvalidInputError.code),
        str(facts.get("message")),
        field if isinstance(field, str) else None,
        retryable=more.get("retryable") is True,
    )


def data_of(reply: Reply) -> JsonObject:
    """The data of a complete answer.

    raises  PromptgraphError  the server's refusal, by its code
            ServerAwayError   it is busy, or this is no answer of such a server
    """
    body = _object(reply.body)
    errors = body.get("errors")
    if isinstance(errors, list) and errors:
        error = told_error(errors[0])
        if isinstance(error, StoreUnavailableError):
            raise ServerAwayError(str(error), after_s=_asked(reply))
        raise error
    data = body.get("data")
    if isinstance(data, dict) and reply.status == 200:  # noqa: PLR2004  # OK
        return data
    raise _refusal(reply)


def _object(body: bytes) -> JsonObject:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(reply: Reply) -> PromptgraphError:
    """What a status alone says."""
    if reply.status in DENIED:
        return ForbiddenError(f"{DENIED[reply.status]} (HTTP {reply.status})")
    if reply.status == TOO_LARGE:
        return InvalidInputError("The server finds this too large (HTTP 413).", field="input")
    if reply.status in MISPLACED:
        words = f"There is no GraphQL (HTTP {reply.status}): give the address of the server itself."
        return InvalidInputError(words, field=SERVER)
    why = "is busy" if reply.status in BUSY else "does not answer as a promptgraph server does"
    return ServerAwayError(f"The server {why} (HTTP {reply.status}); try again.", after_s=_asked(reply))


def _asked(reply: Reply) -> float | None:
    return retry_after_s(reply.retry_after, time.time)


def answered(ask: Ask, patience: Patience) -> Work[JsonObject]:
    """The data of the answer, after as many tries as `patience` allows.

    raises  PromptgraphError  as `data_of`
    """
    failures = 0
    while True:
        try:
            reply = yield ask
            assert reply is not None  # noqa: S101  # a shell's promise
            return data_of(reply)
        except StoreUnavailableError as error:
            failures += 1
            pause = patience.pause(failures, getattr(error, "after_s", None))
            if pause is None:
                raise
        yield Wait(pause)
