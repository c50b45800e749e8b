"""Rows of calls and the records they stand for, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptgraph.domain.call import CallContent, CallStatus, ContentState, CostSource, LlmCall
from promptgraph.domain.score import Score
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, C

CALL_FIELDS = LlmCall._fields
_COLUMN = {"content_hash": "request_hash"}
"""A field whose column has another name: what is hashed is what the caller sent."""
CALL_COLUMNS = tuple(C[_COLUMN.get(name, name)] for name in CALL_FIELDS)
CONTENT_COLUMNS = tuple(CALL_CONTENTS.c)
SCORE_COLUMNS = tuple(CALL_SCORES.c)

_STATUS, _COST_SOURCE, _CONTENT_STATE, _REASONS, _HASH = map(
    CALL_FIELDS.index, ("status", "cost_source", "content_state", "finish_reasons", "content_hash")
)


def call_of(row: Sequence[Any]) -> LlmCall:
    """From CALL_COLUMNS."""
    values: list[Any] = list(row[: len(CALL_FIELDS)])
    values[_STATUS] = CallStatus(values[_STATUS])
    values[_CONTENT_STATE] = ContentState(values[_CONTENT_STATE])
    values[_REASONS] = tuple(values[_REASONS])
    if (source := values[_COST_SOURCE]) is not None:
        values[_COST_SOURCE] = CostSource(source)
    if (digest := values[_HASH]) is not None:
        values[_HASH] = bytes(digest).hex()
    return LlmCall(*values)


def call_values(call: LlmCall) -> list[Any]:
    """The inverse of `call_of`: a value per column of CALL_COLUMNS."""
    values: list[Any] = list(call)
    values[_STATUS] = call.status.value
    values[_CONTENT_STATE] = call.content_state.value
    values[_REASONS] = list(call.finish_reasons)
    if call.cost_source is not None:
        values[_COST_SOURCE] = call.cost_source.value
    if call.content_hash is not None:
        values[_HASH] = bytes.fromhex(call.content_hash)
    return values


def content_of(row: Sequence[Any]) -> CallContent:
    """From CONTENT_COLUMNS."""
    call_id, variables, output, metadata, hashes, redacted = row[:6]
    return CallContent(
        call_id=call_id,
        variables=variables,
        output=output,
        metadata=metadata or {},
        hashes=hashes,
        redacted=tuple(redacted or ()),
    )


def content_values(content: CallContent) -> list[Any]:
    """The inverse of `content_of`."""
    redacted = list(content.redacted) or None
    return [
        content.call_id,
        content.variables,
        content.output,
        content.metadata or None,
        content.hashes,
        redacted,
    ]


def score_of(row: Sequence[Any]) -> Score:
    """From SCORE_COLUMNS."""
    call_id, name, source, value, label, comment, created_at = row[:7]
    return Score(
        call_id=call_id,
        name=name,
        source=source,
        value=value,
        label=label,
        comment=comment,
        created_at=created_at,
    )
