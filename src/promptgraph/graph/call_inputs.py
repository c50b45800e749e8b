"""What clients send about calls: the calls themselves, their scores, and which of them to answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry

from promptgraph.domain.call import DEFAULT_ENVIRONMENT, CallStatus, NewCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.call_rules import api_name
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.metrics_key import MetricsFilter
from promptgraph.domain.names import checked_version
from promptgraph.domain.score import DEFAULT_SOURCE, NewScore
from promptgraph.domain.window import Window
from promptgraph.graph.field import input_shape
from promptgraph.graph.inputs import described, several
from promptgraph.graph.scalars import JSON

CHOICES = tuple(field.name for field in fields(MetricsFilter))
"""What metrics are filtered by."""


@input_shape(name="Window")
class WindowInput:
    """When calls started: from `since` up to, but without, `until`. Nothing given: at any time."""

    since: dt.datetime | None = described("From this moment on.", None)
    until: dt.datetime | None = described("Before this moment.", None)
    last: str | None = described(
        "This long before `until`, or before now: an ISO 8601 duration, e.g. P7D. Not together with `since`.",
        None,
    )


@input_shape(name="MetricsFilter")
class MetricsFilterInput:
    """Which calls count. Every condition that is given must hold."""

    prompts: list[str] | None = described("Only of prompts with these names, or that had them before.", None)
    versions: list[int] | None = described("Only of these versions.", None)
    agents: list[str] | None = described("Only of agents with these names.", None)
    models: list[str] | None = described("Only of these models.", None)
    providers: list[str] | None = described("Only of these providers.", None)
    environments: list[str] | None = described("Only of these environments.", None)


@input_shape(name="LlmCallFilter")
class LlmCallFilterInput(MetricsFilterInput):
    """Which calls. Every condition that is given must hold."""

    window: WindowInput | None = described("Only those that started then.", None)
    statuses: list[CallStatus] | None = described("Only those that ended so.", None)
    error_types: list[str] | None = described("Only those with these types of errors.", None)
    conversation_id: str | None = described("Only those of this conversation.", None)
    user_id: str | None = described("Only those for this user.", None)
    trace_id: str | None = described("Only those of this trace.", None)
    min_latency_ms: float | None = described("Only those that took so many milliseconds, or more.", None)
    call_ids: list[UUID] | None = described("Only those with these ids.", None)


ATTRIBUTES = {api_name(each): each for each in NewCall._fields}
"""By the name of an input's field the attribute of the call."""


def _call(sent: Mapping[str, Any]) -> NewCall:
    """The call that an input stands for; its values are checked when it is recorded."""
    given = {ATTRIBUTES[name]: value for name, value in sent.items() if value is not None}
    if "finish_reasons" in given:
        given["finish_reasons"] = tuple(given["finish_reasons"])
    return NewCall(**given)


def _score(sent: Mapping[str, Any]) -> NewScore:
    """The score that an input stands for; its values are checked when it is stored."""
    given = {name: value for name, value in sent.items() if value is not None}
    return NewScore(call_id=given.pop("callId"), **given)


@input_shape(read=_call)
class LlmCallInput:
    """One call of a model, as it went. Field names follow OpenTelemetry's gen_ai attributes."""

    call_id: UUID | None = described(
        "Made by the caller, a UUIDv7 at best: to send the call again with the same id is safe.", None
    )
    prompt_id: strawberry.ID | None = described(
        "Prompt.id of the version that was sent; digits alone are a databaseId. It may be absent only where"
        " the server accepts unlinked calls.",
        None,
    )
    prompt_hash: str | None = described(
        "Prompt.contentHash of what was rendered; if the version here has another, the call is refused.", None
    )
    rendered_hash: str | None = described("RenderedPrompt.hash of what was sent.", None)
    label: str | None = described("The label that the prompt was asked for by.", None)
    agent: str | None = described("The agent's name; one that is new here is added.", None)
    environment: str | None = described("Where it ran, e.g. `production`.", DEFAULT_ENVIRONMENT)
    operation: str | None = described("What was asked of the model, e.g. `chat`.", None)
    provider: str | None = described("Who serves the model, e.g. `openai`.", None)
    model: str = described("The model that was asked for.")
    response_model: str | None = described("The model that answered.", None)
    response_id: str | None = described("The provider's id of the answer.", None)
    release: str | None = described("The version of the calling application.", None)
    attempt: int | None = described("Which try it was: 0 to 1000.", None)
    status: CallStatus | None = described("How it ended.", CallStatus.OK)
    error_type: str | None = described("The kind of error, e.g. `timeout`.", None)
    error_message: str | None = described("The error in words: at most 4096 characters.", None)
    finish_reasons: list[str] | None = described("Why the model stopped, for each choice.", None)
    tool_call_count: int | None = described("How many tools the model called.", None)
    input_tokens: int | None = described("Tokens sent, cached ones included.", None)
    output_tokens: int | None = described("Tokens made, reasoning included.", None)
    cache_read_input_tokens: int | None = described("Input tokens that were read from a cache.", None)
    cache_write_input_tokens: int | None = described("Input tokens that were written to a cache.", None)
    reasoning_output_tokens: int | None = described("Output tokens that were spent on reasoning.", None)
    cost_usd: Decimal | None = described(
        "What it cost, where the caller knows: at most 9 decimals. Otherwise it is computed from the tokens.",
        None,
    )
    latency_ms: float | None = described("How long it took, in milliseconds.", None)
    time_to_first_token_ms: float | None = described("When the first token came, in milliseconds.", None)
    started_at: dt.datetime | None = described("When it started; when it is recorded by default.", None)
    conversation_id: str | None = described("The conversation that it is part of.", None)
    user_id: str | None = described("For whom it was made.", None)
    trace_id: str | None = described("The trace that it is part of.", None)
    span_id: str | None = described("Its span in the trace.", None)
    variables: JSON | None = described(
        "What the prompt was rendered with: an object of at most 256 KiB.", None
    )
    output: JSON | None = described("What the model answered: at most 256 KiB.", None)
    metadata: JSON | None = described("Anything else worth keeping: an object of at most 16 KiB.", None)


@input_shape(read=_score)
class ScoreInput:
    """What somebody or something thinks of a call: a value, a label, or both. Of several with the same call,
    name and source the last one stays.
    """

    call_id: UUID = described("The call's callId.")
    name: str = described("What is scored, e.g. `helpfulness`.")
    value: float | None = described("The score as a number.", None)
    label: str | None = described("The score as a word.", None)
    comment: str | None = described("Why: at most 4096 characters.", None)
    source: str | None = described("Who scored.", DEFAULT_SOURCE)


def window_of(given: WindowInput | None, now: dt.datetime, field: str = "window") -> Window:
    """The window that an input stands for; all time for none.

    raises  InvalidInputError  it is empty, or `last` is no duration
    """
    if given is None:
        return Window()
    return Window.of(given.since, given.until, given.last, now=now, field=field)


def metrics_filter(given: MetricsFilterInput | None) -> MetricsFilter:
    """The filter that an input stands for.

    raises  InvalidInputError, TooManyRowsError  a value is none that a call can have, or there are too many
    """
    if given is None:
        return MetricsFilter()
    texts = {name: several(getattr(given, name), f"filter.{name}") for name in CHOICES if name != "versions"}
    return MetricsFilter(**texts, versions=_versions(given.versions))


def call_filter(given: LlmCallFilterInput | None, now: dt.datetime) -> LlmCallFilter:
    """The filter that an input stands for.

    raises  InvalidInputError, TooManyRowsError  a value is none that a call can have, or there are too many
    """
    if given is None:
        return LlmCallFilter()
    values: dict[str, Any] = {field.name: getattr(given, field.name) for field in fields(LlmCallFilter)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    values["window"] = window_of(given.window, now, "filter.window")
    return LlmCallFilter(**values)


def _versions(given: list[int] | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    return tuple(checked_version(number, field="filter.versions") for number in given)


def checked_size(first: int, limit: int) -> int:
    """How many somebody asks for.

    raises  InvalidInputError  fewer than one, or more than `limit`
    """
    if not 1 <= first <= limit:
        raise InvalidInputError(f"first must be 1 to {limit}.", field="first")
    return first
