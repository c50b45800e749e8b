"""What mutations answer with: what became of it, and `errors` for what was refused."""

from __future__ import annotations

from uuid import UUID

from promptgraph.domain.call import RecordStatus
from promptgraph.domain.call_rules import MAX_ROWS
from promptgraph.graph import acts, call_acts
from promptgraph.graph.enums import ErrorCode
from promptgraph.graph.field import attribute, linked, resolved, shape
from promptgraph.graph.part_shapes import FileProblem
from promptgraph.graph.scalars import BigInt
from promptgraph.graph.shapes import (
    Agent,
    Assignment,
    LabelMove,
    LlmCall,
    PromptFamily,
    Score,
    SyncRun,
    SyncStep,
)

FEW = 3
"""How many there are of what there mostly is none of."""


@shape
class MutationError:
    """Why a mutation did nothing."""

    code: ErrorCode = attribute("The kind of failure.")
    field: str | None = attribute("The input's field to blame.")
    message: str = attribute("What is wrong, and what to do.")
    retryable: bool = attribute("Whether the same again may succeed.")


@shape
class SyncPromptsPayload:
    """What a sync planned and did."""

    plan: list[SyncStep] = attribute("The steps, those that change nothing too.", of="steps")
    problems: list[FileProblem] = attribute("What is wrong with the files.")
    run: SyncRun | None = attribute("The sync, once applied; null on a dry run and when it was refused.")
    errors: list[MutationError] = resolved(acts.errors)


@shape
class SetPromptLabelPayload:
    """What became of the label."""

    move: LabelMove | None = attribute("The move; null if it pointed there already.")
    family: PromptFamily | None = linked("The prompt's family, as it is now.", "family_by_name", acts.changed)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class RemovePromptLabelPayload:
    """What became of the label."""

    move: LabelMove | None = attribute("The move that took it away.")
    family: PromptFamily | None = linked("The prompt's family, as it is now.", "family_by_name", acts.changed)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class AssignPromptPayload:
    """What became of the assignment."""

    assignment: Assignment | None = attribute("The assignment.")
    agent: Agent | None = linked("The agent, as it is now.", "agent_by_name", acts.changed)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class UnassignPromptPayload:
    """What became of the assignment."""

    agent: Agent | None = linked("The agent, as it is now.", "agent_by_name", acts.changed)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class RecordWarning:
    """Something odd about a call that was recorded all the same."""

    code: str = attribute("What it is, in one word.")
    field: str | None = attribute("The input's field that it is about.")
    message: str = attribute("It in a sentence.")


@shape
class RecordLlmCallPayload:
    """What became of the call."""

    llm_call: LlmCall | None = attribute("The call as it is stored; null if it was refused.", of="call")
    duplicate: bool = attribute("Whether it was stored before; nothing changed then.")
    warnings: list[RecordWarning] = attribute("What was odd about it.", rows=FEW)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class RecordResult:
    """What became of a row."""

    call_id: UUID | None = attribute("The call's id; made here where the caller sent none.")
    status: RecordStatus = attribute("What became of it.")
    warnings: list[RecordWarning] = attribute("What was odd about it.", rows=FEW)
    error: MutationError | None = resolved(call_acts.row_error)
    llm_call: LlmCall | None = attribute("The call as it is stored; null if it was refused.", of="call")


@shape
class RecordLlmCallsPayload:
    """What became of the calls."""

    results: list[RecordResult] = attribute("A result for each row, in order.", rows=MAX_ROWS)
    recorded: int = attribute("How many rows were stored.")
    duplicates: int = attribute("How many rows were stored before.")
    rejected: int = attribute("How many rows were refused.")
    errors: list[MutationError] = resolved(acts.errors)


@shape
class ScoreResult:
    """What became of a score."""

    call_id: UUID = attribute("The callId that was given.")
    score: Score | None = attribute("The score as it is stored; null if it was refused.")
    llm_call: LlmCall | None = linked("The call, with its scores as they are now.", "call", "call_id")
    error: MutationError | None = resolved(call_acts.row_error)


@shape
class EraseCallsPayload:
    """What became of what the calls were about."""

    erased: BigInt = attribute(
        "How many calls it was erased of; on a dry run, how many have something to erase."
    )
    errors: list[MutationError] = resolved(acts.errors)


@shape
class ScoreLlmCallsPayload:
    """What became of the scores."""

    results: list[ScoreResult] = attribute("A result for each row, in order.", rows=MAX_ROWS)
    errors: list[MutationError] = resolved(acts.errors)
