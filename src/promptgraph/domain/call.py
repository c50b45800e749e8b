"""Calls: what a caller sends about one LLM call, and what we keep of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.names import global_id

DEFAULT_ENVIRONMENT = "default"
NANO = 1_000_000_000
"""Nano-USD in one USD: money is whole nano-USD everywhere inside."""
CLEAR, EXACT = 0.49, 2**40
"""A product this near to a whole number below that stands for a decimal that rounds to it."""

FACTS = (
    "label",
    "environment",
    "operation",
    "provider",
    "model",
    "response_model",
    "response_id",
    "release",
    "attempt",
    "status",
    "error_type",
    "error_message",
    "finish_reasons",
    "tool_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
)
PLACES = ("conversation_id", "user_id", "trace_id", "span_id")
"""Fields of a call that are stored as its caller sends them: what it was, and what it belongs to."""


class CallStatus(StrEnum):
    OK = "OK"
    ERROR = "ERROR"


class CostSource(StrEnum):
    """Who says what a call cost: its caller, or a price list."""

    REPORTED = "REPORTED"
    COMPUTED = "COMPUTED"


class ContentState(StrEnum):
    """What is stored of a call's variables, output and metadata, or of one of them."""

    FULL = "FULL"
    HASHED = "HASHED"
    NONE = "NONE"
    ERASED = "ERASED"


class RecordStatus(StrEnum):
    """What became of one row of a batch."""

    RECORDED = "RECORDED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class RecordWarning:
    """Something odd about a call that was recorded all the same. `field` is named as in the API."""

    code: str
    field: str | None
    message: str


class NewCall(NamedTuple):
    """What a caller sends about one call. `prompt_id` is an id of the API, not yet looked up; `prompt_hash`
    is the content hash of the version that was rendered, `rendered_hash` the hash of the messages sent.

    units  input tokens count the cached ones too, output tokens the reasoning ones
    """

    model: str
    call_id: UUID | None = None
    prompt_id: str | None = None
    prompt_hash: str | None = None
    rendered_hash: str | None = None
    label: str | None = None
    agent: str | None = None
    environment: str = DEFAULT_ENVIRONMENT
    operation: str | None = None
    provider: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    release: str | None = None
    attempt: int | None = None
    status: CallStatus = CallStatus.OK
    error_type: str | None = None
    error_message: str | None = None
    finish_reasons: tuple[str, ...] = ()
    tool_call_count: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost_usd: Decimal | None = None
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None
    started_at: dt.datetime | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    variables: JsonObject | None = None
    output: Json = None
    metadata: JsonObject = {}  # noqa: RUF012  # nobody changes it


class ToldCall(NewCall):
    """A call as a span of a trace tells of it, under the id that its caller gave it. The caller may record it
    too, and may know more: whichever comes first stays, and the other is its duplicate.
    """

    __slots__ = ()


class LlmCall(NamedTuple):
    """One recorded call: one row of `llm_calls`. `id` is the caller's. The content hash is the idempotency
    hash (domain/call_hash.py); rows adopted from a legacy table have none.
    """

    id: UUID
    model: str
    started_at: dt.datetime
    recorded_at: dt.datetime
    prompt_id: int | None = None
    agent_id: int | None = None
    label: str | None = None
    environment: str = DEFAULT_ENVIRONMENT
    operation: str | None = None
    provider: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    release: str | None = None
    attempt: int | None = None
    status: CallStatus = CallStatus.OK
    error_type: str | None = None
    error_message: str | None = None
    finish_reasons: tuple[str, ...] = ()
    tool_call_count: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost_nano_usd: int | None = None
    cost_source: CostSource | None = None
    latency_us: int | None = None
    time_to_first_token_us: int | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    content_state: ContentState = ContentState.NONE
    rendered_hash: str | None = None
    content_hash: str | None = None
    hash_scheme: int | None = None
    legacy_id: int | None = None
    legacy_prompt_text: str | None = None

    @property
    def global_id(self) -> str:
        return global_id("LlmCall", str(self.id))

    @property
    def cost_usd(self) -> Decimal | None:
        """None when nobody knows the price; never 0 for unknown."""
        return None if self.cost_nano_usd is None else usd(self.cost_nano_usd)

    @property
    def latency_ms(self) -> float | None:
        return None if self.latency_us is None else self.latency_us / 1000

    @property
    def time_to_first_token_ms(self) -> float | None:
        return None if self.time_to_first_token_us is None else self.time_to_first_token_us / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContent:
    """What a call was about, kept apart from its row: one row of `call_contents`. `hashes` holds, for parts
    that are stored as hashes alone, the hash of the output and by key those of variables and metadata, and
    under `key` which server key made them; `redacted` names the parts that a redaction changed.
    """

    call_id: UUID
    variables: JsonObject | None = None
    output: Json = None
    metadata: JsonObject = field(default_factory=dict)
    hashes: JsonObject | None = None
    redacted: tuple[str, ...] = ()


def micros(milliseconds: float) -> int:
    """Whole microseconds, half to even, of the decimal number as it is written: 0.0005 is half of one."""
    scaled = milliseconds * 1000
    nearest = round(scaled)
    if abs(scaled - nearest) < CLEAR and abs(nearest) < EXACT:  # no rounding error turns it
        return nearest
    return int((Decimal(repr(milliseconds)) * 1000).to_integral_value(ROUND_HALF_EVEN))


def nanos(amount: Decimal) -> int:
    """Whole nano-USD of an amount in USD that has at most nine decimals."""
    return int(amount.scaleb(9))


def usd(nano_usd: int) -> Decimal:
    """An amount in USD, without trailing zeros."""
    return Decimal(nano_usd) / NANO
