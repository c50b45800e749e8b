"""Which recorded calls a reader may ask for."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from promptgraph.domain.call import CallStatus
from promptgraph.domain.call_rules import DAY_MS, api_name
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.names import MAX_VERSION
from promptgraph.domain.text import forbidden_character
from promptgraph.domain.window import Window

MAX_CHOICES = 1000
MAX_TEXT = 200
WIDEST = dt.timedelta(days=31)
"""How wide a window must be at most, where nothing else narrows a search for what is rare."""

ANY_TIME = Window()

_ALONE = ("prompts", "agents", "conversation_id", "user_id", "trace_id", "call_ids")
_RARE = ("versions", "models", "providers", "environments", "statuses", "error_types", "min_latency_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmCallFilter:
    """Which calls; None asks nothing, and each that is given must hold. `prompts` and `agents` are names.

    raises  InvalidInputError, TooManyRowsError  a value that no call can have, or more than one may list
    """

    window: Window = ANY_TIME
    prompts: tuple[str, ...] | None = None
    versions: tuple[int, ...] | None = None
    agents: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None
    environments: tuple[str, ...] | None = None
    statuses: tuple[CallStatus, ...] | None = None
    error_types: tuple[str, ...] | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    trace_id: str | None = None
    min_latency_ms: float | None = None
    call_ids: tuple[UUID, ...] | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, tuple):
                _check_choices(item.name, value)
            elif isinstance(value, str):
                _check_text(item.name, value)
        _check_versions(self.versions or ())
        latency = self.min_latency_ms
        if latency is not None and not (math.isfinite(latency) and 0 <= latency <= DAY_MS):
            raise InvalidInputError(
                f"filter.minLatencyMs must be a number of milliseconds from 0 to {DAY_MS}.",
                field="filter.minLatencyMs",
            )

    def check_narrow(self) -> None:
        """Nothing, if the calls of all prompts and agents need not be read to find these.

        raises  InvalidInputError  something rare is asked for over a long or open window
        """
        if any(getattr(self, name) is not None for name in _ALONE):
            return
        rare = next((name for name in _RARE if getattr(self, name) is not None), None)
        since, until = self.window.since, self.window.until
        wide = since is None or until is None or until - since > WIDEST
        if rare and wide:
            raise InvalidInputError(
                f"{_word(rare)} alone would read every call: add a window with both ends of at most"
                f" {WIDEST.days} days, or prompts, agents, conversationId, userId, traceId or callIds.",
                field="filter.window",
            )


def _word(name: str) -> str:
    return f"filter.{api_name(name)}"


def check_count(name: str, values: Sequence[object]) -> None:
    """Nothing, if a field of a filter may list so many values.

    raises  TooManyRowsError  more than MAX_CHOICES
    """
    if len(values) > MAX_CHOICES:
        field = _word(name)
        raise TooManyRowsError(
            f"{field} may hold at most {MAX_CHOICES} values.", limit=MAX_CHOICES, field=field
        )


def _check_choices(name: str, values: tuple[object, ...]) -> None:
    check_count(name, values)
    for value in values:
        if isinstance(value, str):
            _check_text(name, value)


def _check_text(name: str, text: str) -> None:
    field = _word(name)
    if len(text) > MAX_TEXT:
        raise InvalidInputError(f"{field} may hold texts of at most {MAX_TEXT} characters.", field=field)
    if found := forbidden_character(text):
        raise InvalidInputError(f"{field} holds the character {found}.", field=field)


def _check_versions(versions: tuple[int, ...]) -> None:
    if any(not 1 <= version <= MAX_VERSION for version in versions):
        raise InvalidInputError(
            f"A version is a whole number from 1 to {MAX_VERSION}.", field="filter.versions"
        )
