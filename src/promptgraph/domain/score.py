"""Scores: what somebody or something thinks of a recorded call."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from uuid import UUID

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import global_id
from promptgraph.domain.text import checked_line, checked_text

DEFAULT_SOURCE = "api"
MAX_VALUE = 1_000_000_000
MAX_WORD, MAX_LABEL, MAX_COMMENT = 64, 200, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class NewScore:
    """What a caller says of a call: a value, a label, or both. One per call, name and source."""

    call_id: UUID
    name: str
    value: float | None = None
    label: str | None = None
    comment: str | None = None
    source: str = DEFAULT_SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(NewScore):
    """A score that is stored; `created_at` is when it got its present value."""

    created_at: dt.datetime

    @property
    def global_id(self) -> str:
        return global_id("Score", str(self.call_id), self.name, self.source)


def check_score(score: NewScore) -> None:
    """Nothing, if every part of `score` may be stored.

    raises  InvalidInputError  the first that may not be; the sentence says what may
    """
    for field, text, limit in (
        ("name", score.name, MAX_WORD),
        ("source", score.source, MAX_WORD),
        ("label", score.label, MAX_LABEL),
    ):
        if text is not None:
            checked_line(text, field=field, limit=limit)
    if score.comment is not None:
        checked_text(score.comment, field="comment", limit=MAX_COMMENT)
    if score.value is None and score.label is None:
        raise InvalidInputError("A score needs a value or a label.", field="value")
    if score.value is not None and not _is_number(score.value):
        raise InvalidInputError(f"value must be a number from -{MAX_VALUE} to {MAX_VALUE}.", field="value")


def _is_number(value: float) -> bool:
    return type(value) is not bool and math.isfinite(value) and abs(value) <= MAX_VALUE
