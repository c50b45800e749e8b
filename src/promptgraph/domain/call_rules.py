"""Which calls may be recorded: the rules of each value, row by row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from promptgraph.domain.call import NewCall, RecordWarning
from promptgraph.domain.call_ids import made_at
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError, TooOldError
from promptgraph.domain.names import checked_label
from promptgraph.domain.text import (
    MAX_METADATA_BYTES,
    MAX_VARIABLES_BYTES,
    checked_json,
    checked_line,
    checked_text,
    is_line,
)

EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MAX_AHEAD = dt.timedelta(days=1)
MAX_COUNT = 2_147_483_647
"""GraphQL's Int has 32 bits."""
DAY_MS = 86_400_000
MAX_DECIMALS = 9
MAX_REASON = 64
MAX_ROWS = 1_000
"""How many calls, or scores, one request may hold."""

_HASH = re.compile("[0-9a-f]{64}")


class Kind(NamedTuple):
    """A sort of value. `holds` says whether a value is within the rule's limits, or raises an error that
    knows more; `words` complete the sentence that starts with the field's name.
    """

    holds: Callable[[Any, Rule], bool]
    words: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field of a call may be. `name` is the attribute of NewCall."""

    name: str
    kind: Kind
    low: int = 0
    high: int = 0

    @property
    def field(self) -> str:
        """The name in the API."""
        return api_name(self.name)

    @property
    def sentence(self) -> str:
        return f"{self.field} {self.kind.words.format(low=self.low, high=self.high)}."


def check_rows(given: Sequence[object]) -> None:
    """Nothing, for a batch that is not too large.

    raises  TooManyRowsError  more than MAX_ROWS
    """
    if len(given) > MAX_ROWS:
        raise TooManyRowsError(
            f"At most {MAX_ROWS} rows at once, these are {len(given)}: send the rest in another request.",
            limit=MAX_ROWS,
            field="input",
        )


def check_call(call: NewCall, now: dt.datetime, oldest: dt.datetime = EARLIEST) -> None:
    """Nothing, if every value of `call` may be recorded. Calls that started before `oldest` are not kept.

    raises  InvalidInputError  the first value that may not be; the sentence says what may
            TooOldError        it started before `oldest` or the year 2000; or, if it does not say when, its
                               id was made before `oldest`
    cost    12 µs for a call of 20 fields, and what domain.text.checked_json takes for the contents
    """
    for rule, value in zip(RULES, _values(call), strict=True):
        if value is not None and not rule.kind.holds(value, rule):
            raise InvalidInputError(rule.sentence, field=rule.field)
    if call.started_at is not None:
        _check_start(call.started_at, now)
    check_kept(call.call_id if oldest > EARLIEST else None, call.started_at, max(oldest, EARLIEST))


def began(call_id: UUID | None, started_at: dt.datetime | None) -> dt.datetime | None:
    """When a call began, as far as it says: one that sends no start is as old as its id."""
    return started_at or (made_at(call_id) if call_id else None)


def check_kept(call_id: UUID | None, started_at: dt.datetime | None, kept_since: dt.datetime) -> None:
    """Nothing, for a call of a time whose calls are kept.

    raises  TooOldError  it began earlier
    """
    at = began(call_id, started_at)
    if at is not None and at < kept_since:
        field, must = ("startedAt", "must be") if started_at else ("callId", "must be made")
        raise TooOldError(
            f"{field} {must} {kept_since.isoformat()} or later: older calls are not kept.", field=field
        )


def _check_start(at: dt.datetime, now: dt.datetime) -> None:
    if at.tzinfo is None:
        raise InvalidInputError(
            "startedAt must name its time zone, as in 2026-01-31T12:00:00Z.", field="startedAt"
        )
    if at > now + MAX_AHEAD:
        latest = (now + MAX_AHEAD).isoformat(timespec="seconds")
        raise InvalidInputError(
            f"startedAt must be at most a day ahead of the server's clock: {latest} now.", field="startedAt"
        )


def warnings_of(call: NewCall) -> tuple[RecordWarning, ...]:
    """What contradicts itself in a call that may be recorded all the same; such a call gets no price."""
    if not any(_parts(call)):
        return ()
    return tuple(
        RecordWarning(
            "TOKENS_CONTRADICT",
            api_name(total),
            f"{api_name(total)} includes {' and '.join(map(api_name, parts))}, yet it is less."
            " The cost cannot be computed.",
        )
        for total, parts in INCLUDED.items()
        if not _adds_up(call, total, parts)
    )


def _adds_up(call: NewCall, total: str, parts: tuple[str, ...]) -> bool:
    whole: int | None = getattr(call, total)
    return whole is None or sum(getattr(call, part) or 0 for part in parts) <= whole


@cache
def api_name(name: str) -> str:
    """The name that a field of ours has in the API."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _is_line(value: Any, rule: Rule) -> bool:
    return is_line(value, rule.high) or checked_line(value, field=rule.field, limit=rule.high) is value


def _is_text(value: Any, rule: Rule) -> bool:
    return checked_text(value, field=rule.field, limit=rule.high) is value


def _is_label(value: Any, rule: Rule) -> bool:
    return checked_label(value, field=rule.field) is value


def _is_hash(value: Any, _: Rule) -> bool:
    return _HASH.fullmatch(value) is not None


def _are_lines(value: Any, rule: Rule) -> bool:
    return len(value) <= rule.high and all(is_line(text, MAX_REASON) for text in value)


def _is_whole(value: Any, rule: Rule) -> bool:
    return type(value) is int and rule.low <= value <= rule.high


def _is_number(value: Any, rule: Rule) -> bool:
    return type(value) is not bool and rule.low <= value <= rule.high  # NaN compares as false


def _is_money(value: Decimal, rule: Rule) -> bool:
    if not value.is_finite() or not rule.low <= value < rule.high:
        return False
    return int(value.as_tuple().exponent) >= -MAX_DECIMALS


def _is_object(value: Any, rule: Rule) -> bool:
    return isinstance(value, dict) and _is_json(value, rule)


def _is_json(value: Any, rule: Rule) -> bool:
    return not value or checked_json(value, field=rule.field, limit=rule.high) is value


_LINE = Kind(_is_line, "must be a line")
_TEXT = Kind(_is_text, "may hold at most {high} characters")
_LABEL = Kind(_is_label, "must be a label")
_HEX = Kind(_is_hash, "must be 64 hexadecimal digits in lower case, as contentHash gives them")
_LINES = Kind(_are_lines, f"may hold at most {{high}} reasons of 1 to {MAX_REASON} characters on one line")
_COUNT = Kind(_is_whole, "must be a whole number from {low} to {high}")
_MILLISECONDS = Kind(_is_number, "must be a number of milliseconds from {low} to {high}, which is a day")
_MONEY = Kind(_is_money, f"must be {{low}} or more, below {{high}}, with at most {MAX_DECIMALS} decimals")
_OBJECT = Kind(_is_object, "must be a JSON object of at most {high} bytes")
_JSON = Kind(_is_json, "must be JSON of at most {high} bytes")

RULES: tuple[Rule, ...] = (
    Rule("prompt_hash", _HEX),
    Rule("rendered_hash", _HEX),
    Rule("label", _LABEL),
    Rule("agent", _LINE, high=128),
    Rule("environment", _LINE, high=64),
    Rule("operation", _LINE, high=64),
    Rule("provider", _LINE, high=128),
    Rule("model", _LINE, high=200),
    Rule("response_model", _LINE, high=200),
    Rule("response_id", _LINE, high=200),
    Rule("release", _LINE, high=200),
    Rule("attempt", _COUNT, 0, 1000),
    Rule("error_type", _LINE, high=200),
    Rule("error_message", _TEXT, 0, 4096),
    Rule("finish_reasons", _LINES, 0, 20),
    Rule("tool_call_count", _COUNT, 0, MAX_COUNT),
    Rule("input_tokens", _COUNT, 0, MAX_COUNT),
    Rule("output_tokens", _COUNT, 0, MAX_COUNT),
    Rule("cache_read_input_tokens", _COUNT, 0, MAX_COUNT),
    Rule("cache_write_input_tokens", _COUNT, 0, MAX_COUNT),
    Rule("reasoning_output_tokens", _COUNT, 0, MAX_COUNT),
    Rule("cost_usd", _MONEY, 0, 10_000),
    Rule("latency_ms", _MILLISECONDS, 0, DAY_MS),
    Rule("time_to_first_token_ms", _MILLISECONDS, 0, DAY_MS),
    Rule("conversation_id", _LINE, high=200),
    Rule("user_id", _LINE, high=200),
    Rule("trace_id", _LINE, high=64),
    Rule("span_id", _LINE, high=64),
    Rule("variables", _OBJECT, 0, MAX_VARIABLES_BYTES),
    Rule("output", _JSON, 0, MAX_VARIABLES_BYTES),
    Rule("metadata", _OBJECT, 0, MAX_METADATA_BYTES),
)
"""Every field but the ids, which are looked up, the status, which its type holds, and the start."""
_values = attrgetter(*(rule.name for rule in RULES))

INCLUDED: dict[str, tuple[str, ...]] = {
    "input_tokens": ("cache_read_input_tokens", "cache_write_input_tokens"),
    "output_tokens": ("reasoning_output_tokens",),
}
"""Counts, and the counts that are a part of them."""
_parts = attrgetter(*(part for parts in INCLUDED.values() for part in parts))
