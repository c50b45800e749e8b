"""The mutations about calls: recording and scoring, each with a result per row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from strawberry import Parent

from promptgraph.domain.call import LlmCall, NewCall, RecordStatus, RecordWarning
from promptgraph.domain.call_rules import check_rows
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.domain.score import NewScore, Score, check_score
from promptgraph.graph.acts import Refusal, refusal
from promptgraph.graph.call_inputs import LlmCallInput, ScoreInput
from promptgraph.graph.field import words
from promptgraph.graph.loaders import Context, Info
from promptgraph.record.binding import record_bound
from promptgraph.record.recorder import Recorded
from promptgraph.store.attempts import attempted
from promptgraph.store.bound_calls import calls_within
from promptgraph.store.bulk import within
from promptgraph.store.ledger import clock
from promptgraph.store.scores import put_scores

NO_CALL = "There is no call with this id: it was never recorded, or it was pruned."


@dataclass(frozen=True, slots=True)
class CallsRecorded:
    """What became of each call, or why none was looked at."""

    results: Sequence[Recorded] = ()
    error: PromptgraphError | None = None

    def count(self, status: RecordStatus) -> int:
        return Counter(result.status for result in self.results)[status]

    @property
    def recorded(self) -> int:
        return self.count(RecordStatus.RECORDED)

    @property
    def duplicates(self) -> int:
        return self.count(RecordStatus.DUPLICATE)

    @property
    def rejected(self) -> int:
        return self.count(RecordStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class CallRecorded:
    """What became of one call."""

    call: LlmCall | None = None
    duplicate: bool = False
    warnings: tuple[RecordWarning, ...] = ()
    error: PromptgraphError | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one score."""

    call_id: UUID
    score: Score | None = None
    error: PromptgraphError | None = None


@dataclass(frozen=True, slots=True)
class CallsScored:
    """What became of each score, or why none was looked at."""

    results: Sequence[Scored] = ()
    error: PromptgraphError | None = None


async def record_llm_call(
    info: Info, input: Annotated[NewCall, words("The call, as it went.", shape=LlmCallInput)]
) -> CallRecorded:
    """Record one call; answered once it is on disk."""
    done, error = await info.context.settle(_record(info.context, [input]))
    if not done:
        return CallRecorded(error=error)
    (result,) = done
    return CallRecorded(result.call, result.status is RecordStatus.DUPLICATE, result.warnings, result.error)


async def record_llm_calls(
    info: Info,
    input: Annotated[list[NewCall], words("The calls: at most 1000.", shape=list[LlmCallInput])],
) -> CallsRecorded:
    """Record calls; answered once they are on disk. A row that is refused holds up no other."""
    done, error = await info.context.settle(_record(info.context, input))
    return CallsRecorded(done or (), error)


async def _record(context: Context, given: Sequence[NewCall]) -> list[Recorded]:
    """raises  StoreUnavailableError  nothing is known to be stored, and the same again may succeed"""
    check_rows(given)
    results = await record_bound(context.recorder, given, context.caller.bindings)
    away = [result.error for result in results if isinstance(result.error, StoreUnavailableError)]
    if away and len(away) == len(results):
        raise away[0]
    return results


async def score_llm_calls(
    info: Info,
    input: Annotated[list[NewScore], words("The scores: at most 1000.", shape=list[ScoreInput])],
) -> CallsScored:
    """Say what recorded calls are worth. A row that is refused holds up no other."""
    done, error = await info.context.settle(_score(info.context, input))
    return CallsScored(done or (), error)


async def _score(context: Context, given: Sequence[NewScore]) -> list[Scored]:
    check_rows(given)
    flaws = [_flaw(row) for row in given]
    sound = [row for row, flaw in zip(given, flaws, strict=True) if flaw is None]
    stored = iter(await attempted(lambda: _stored(context, sound)) if sound else [])
    return [_scored(row.call_id, flaw or next(stored)) for row, flaw in zip(given, flaws, strict=True)]


async def _stored(context: Context, rows: Sequence[NewScore]) -> list[Score | None]:
    """To a bound key a call outside its bindings is not there."""
    async with context.db.write() as session:
        mine = await calls_within(session, {row.call_id for row in rows}, context.caller.bindings)
        sought = [row for row in rows if row.call_id in mine]
        done = iter(await put_scores(session, sought, await within(session, clock)) if sought else [])
        return [next(done) if row.call_id in mine else None for row in rows]


def _flaw(row: NewScore) -> InvalidInputError | None:
    try:
        check_score(row)
    except InvalidInputError as error:
        return error
    return None


def _scored(call_id: UUID, found: Score | InvalidInputError | None) -> Scored:
    if isinstance(found, Score):
        return Scored(call_id, found)
    return Scored(call_id, error=found or NotFoundError(NO_CALL, field="callId"))


# ---------------------------------------------------------------- payloads


def row_error(root: Parent[Recorded | Scored]) -> Refusal | None:
    """Why the row is not stored; null if it is."""
    return refusal(root.error) if root.error else None
