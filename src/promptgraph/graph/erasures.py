"""The mutation that erases what calls were about."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from promptgraph.domain.erasure import Erasure
from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError
from promptgraph.domain.keys import Caller
from promptgraph.graph.field import input_shape, words
from promptgraph.graph.inputs import described
from promptgraph.graph.loaders import Context, Info
from promptgraph.record.erasing import erasable, erase

SECONDS = 5.0
"""After which it answers how many it has erased, for a request has an end."""
UNFINISHED = "Time was up, and more are left to be erased: send the same again, until there is no error."


@input_shape()
class EraseCallsInput:
    """Which calls, named in exactly one way, and why."""

    call_ids: list[UUID] | None = described("The calls with these ids: at most 1000.", None)
    user_id: str | None = described("All calls for this user.", None)
    conversation_id: str | None = described("All calls of this conversation.", None)
    reason: str = described("Why, in a line; it is written down, so name nobody in it.")
    dry_run: bool | None = described("Whether to say only how many there are.", default=True)


@dataclass(frozen=True, slots=True)
class CallsErased:
    """How many calls were erased, or why none was."""

    erased: int = 0
    error: PromptgraphError | None = None


async def erase_calls(
    info: Info, input: Annotated[EraseCallsInput, words("Which calls, and why.")]
) -> CallsErased:
    """Erase what calls were about: variables, output, metadata, error messages, comments of scores, and the
    ids of user, conversation and trace. Ids, hashes and figures stay; nothing brings back what is gone.
    """
    done, error = await info.context.settle(_erase(info.context, input))
    return done or CallsErased(error=error)


async def _erase(context: Context, given: EraseCallsInput) -> CallsErased:
    wanted = Erasure(
        reason=given.reason,
        call_ids=None if given.call_ids is None else tuple(given.call_ids),
        user_id=given.user_id,
        conversation_id=given.conversation_id,
    )
    if given.dry_run is not False:
        return CallsErased(await erasable(context.db, wanted))
    done, end = 0, time.monotonic() + SECONDS
    async with aclosing(erase(context.db, wanted, by=_name(context.caller))) as steps:
        async for done in steps:
            if time.monotonic() > end:
                return CallsErased(done, StoreUnavailableError(UNFINISHED))
    return CallsErased(done)


def _name(caller: Caller) -> str:
    """Who erases, for the record of it."""
    return caller.name if caller.public_id is None else f"{caller.name} ({caller.public_id})"
