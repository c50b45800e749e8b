"""What a bound key may record: each call is held against the bindings by what it says itself. Nothing that is
stored is looked at, so that no refusal tells what there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.domain.errors import ForbiddenError, InvalidInputError, PromptgraphError
from promptgraph.domain.keys import UNBOUND, Bindings
from promptgraph.record.linking import FIELD, parse_prompt_id
from promptgraph.record.recorder import Recorded, Recorder

BY_NUMBER = "This key is bound to prompts by their names: send Prompt.id as promptId, not a number."


async def record_bound(recorder: Recorder, calls: Sequence[NewCall], bindings: Bindings) -> list[Recorded]:
    """What became of each call, in order; those outside the bindings are rejected, and hold up no other.

    raises  TooManyRowsError  more than a request may hold
    """
    if bindings == UNBOUND:
        return await recorder.record(calls)
    flaws = [outside(call, bindings) for call in calls]
    inside = [call for call, flaw in zip(calls, flaws, strict=True) if flaw is None]
    results = iter(await recorder.record(inside))
    return [
        next(results) if flaw is None else Recorded(RecordStatus.REJECTED, call.call_id, error=flaw)
        for call, flaw in zip(calls, flaws, strict=True)
    ]


def outside(call: NewCall, bindings: Bindings) -> PromptgraphError | None:
    """Why a key with these bindings may not record a call, None if it may."""
    if bindings.environments is not None and call.environment not in bindings.environments:
        return _beyond("environments", bindings.environments, "environment")
    if bindings.agents is not None and call.agent not in bindings.agents:
        return _beyond("agents", bindings.agents, "agent")
    return None if bindings.name_prefix is None else _misnamed(call.prompt_id, bindings.name_prefix)


def _misnamed(prompt_id: str | None, prefix: str) -> PromptgraphError | None:
    try:
        named = None if prompt_id is None else parse_prompt_id(prompt_id)
    except InvalidInputError as error:
        return error
    if isinstance(named, int):
        return ForbiddenError(BY_NUMBER, field=FIELD)
    if named is None or not named.name.startswith(prefix):
        return ForbiddenError(
            f"This key may record calls of prompts alone whose name begins with {prefix!r}.", field=FIELD
        )
    return None


def _beyond(what: str, names: frozenset[str], field: str) -> ForbiddenError:
    words = ", ".join(sorted(names))
    return ForbiddenError(f"This key may record calls of these {what} alone: {words}.", field=field)
