"""Calls that come as spans of traces: each recorded once, however often its span is sent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from promptgraph.domain.call import NewCall
from promptgraph.domain.call_rules import MAX_ROWS
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.domain.keys import UNBOUND, Bindings
from promptgraph.record.binding import record_bound
from promptgraph.record.conventions import PROMPT_ID, PROMPT_NAME, PROMPT_VERSION, call_of, is_call
from promptgraph.record.linking import FIELD, parse_prompt_id
from promptgraph.record.recorder import Recorder
from promptgraph.record.span import Span

log = logging.getLogger("promptgraph.record")

MAX_REASONS = 5
"""How many different reasons one answer tells."""

NO_PROMPT = (
    f"It names no prompt: set {PROMPT_NAME} and {PROMPT_VERSION}, which is a number, or {PROMPT_ID}."
    " Without one it is taken only where PROMPTGRAPH_UNLINKED_CALLS=accept."
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of spans: how many of them are refused, and why."""

    rejected: int = 0
    message: str = ""


class Traces:
    """Records the calls that spans tell of."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def record(self, spans: Sequence[Span], bindings: Bindings = UNBOUND) -> Taken:
        """What is refused of these spans, once the calls of the others are on disk. Spans that tell of no
        call are passed over; a call that is stored already is not refused.

        raises  StoreUnavailableError  calls are not known to be stored: all spans may be sent again
        """
        told = await asyncio.to_thread(lambda: [_told(span) for span in spans if is_call(span)])
        reasons = Counter(str(each) for each in told if isinstance(each, InvalidInputError))
        calls = [each for each in told if not isinstance(each, InvalidInputError)]
        for start in range(0, len(calls), MAX_ROWS):
            reasons += await self._refused(calls[start : start + MAX_ROWS], bindings)
        if not reasons:
            return Taken()
        taken = Taken(reasons.total(), _sentence(reasons))
        log.info("Refused %d of %d spans of calls. %s", taken.rejected, len(told), taken.message)
        return taken

    async def _refused(self, calls: Sequence[NewCall], bindings: Bindings) -> Counter[str]:
        reasons: Counter[str] = Counter()
        results = await record_bound(self._recorder, calls, bindings)
        for call, result in zip(calls, results, strict=True):
            if isinstance(result.error, StoreUnavailableError):
                raise result.error
            if result.error is not None:
                reasons[_reason(call, result.error)] += 1
        return reasons


def _told(span: Span) -> NewCall | InvalidInputError:
    try:
        return call_of(span)
    except InvalidInputError as error:
        return error


def _reason(call: NewCall, error: PromptgraphError) -> str:
    """Why a call is refused, in the words of its span."""
    if call.prompt_id is None and isinstance(error, InvalidInputError) and error.field == FIELD:
        return NO_PROMPT
    if call.prompt_id is not None and isinstance(error, NotFoundError):
        named = parse_prompt_id(call.prompt_id)
        if not isinstance(named, int):
            return f"There is no prompt {named.name} of version {named.version} here: sync it."
    return str(error)


def _sentence(reasons: Counter[str]) -> str:
    """The reasons that refused most, each with how many spans."""
    most = reasons.most_common(MAX_REASONS)
    rest = reasons.total() - sum(count for _, count in most)
    words = [f"{count} x: {reason}" for reason, count in most]
    return " ".join((*words, *([f"{rest} for other reasons."] if rest else [])))
