"""OpenTelemetry's conventions for spans of LLM calls: which attribute says what, and the call that they tell.

source  the gen_ai attributes of semantic conventions 1.42, the names that they had before, and those that
        instrumentations use beside them; November 2026
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from promptgraph.domain.call import CallStatus, NewCall, ToldCall
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import global_id, is_name
from promptgraph.domain.text import MAX_VARIABLES_BYTES, checked_json, cleaned_text
from promptgraph.record.span import Span

PROMPT_ID, CALL_ID = "promptgraph.prompt.id", "promptgraph.call.id"
PROMPT_NAME, PROMPT_VERSION = "gen_ai.prompt.name", "gen_ai.prompt.version"
OPERATION = "gen_ai.operation.name"
MODELS = ("gen_ai.request.model", "gen_ai.response.model")
FINISH_REASONS = "gen_ai.response.finish_reasons"
SERVICE, UNNAMED_SERVICE = "service.name", "unknown_service"
"""What an SDK that was told no name calls its service, alone or before the program's."""

TEXTS: Mapping[str, tuple[str, ...]] = {
    "label": ("promptgraph.prompt.label",),
    "prompt_hash": ("promptgraph.prompt.hash",),
    "agent": ("gen_ai.agent.name", SERVICE),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "operation": (OPERATION,),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "model": MODELS,
    "response_model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "release": ("service.version",),
    "error_type": ("error.type",),
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "user_id": ("user.id", "enduser.id"),
}
"""The fields of a call that are texts, and the attributes that say them, the first one there first."""

COUNTS: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cache_read_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "reasoning_output_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
}
OUTPUTS = ("gen_ai.output.messages", "gen_ai.completion")
FIRST_TOKEN_SECONDS = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
FIRST_TOKEN = frozenset(
    {
        "gen_ai.first_token",
        "gen_ai.content.completion.chunk",
        "llm.content.completion.chunk",
        "ai.stream.firstChunk",
    }
)
"""Events that say that a token is there; the first of them counts."""
EXCEPTION = "exception"

CALLS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
NO_CALLS = frozenset({"create_agent", "invoke_agent", "invoke_workflow", "execute_tool", "retrieval", "plan"})
"""Operations that hold calls or stand beside them: counted too, each call's tokens would count twice."""

ATTRIBUTES = frozenset(
    {
        *(name for names in (*TEXTS.values(), *COUNTS.values()) for name in names),
        *(PROMPT_ID, CALL_ID, PROMPT_NAME, PROMPT_VERSION, FINISH_REASONS),
        *(*OUTPUTS, *FIRST_TOKEN_SECONDS, "exception.type", "exception.message"),
    }
)
"""All that is looked at, of spans, resources and events."""
EVENTS = FIRST_TOKEN | {EXCEPTION}

MAX_MESSAGE = 4096
_VERSION = re.compile("[0-9]{1,9}")
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def is_call(span: Span) -> bool:
    """Whether a span tells of an LLM call: it names a model, or an operation that models do. Agents, tools
    and workflows are none, though they may name a model.
    """
    operation = span.attributes.get(OPERATION)
    if isinstance(operation, str) and operation in CALLS | NO_CALLS:
        return operation in CALLS
    return any(span.attributes.get(name) for name in MODELS)


def call_of(span: Span) -> NewCall:
    """The call that a span tells of. Its id is CALL_ID's, else made of the ids of trace and span, so that a
    span that is sent twice is one call. It names no prompt where the span names none that may be one of ours.

    raises  InvalidInputError  an attribute is no text or number where it should be; an id is none
    cost    30 to 70 µs, and what the output takes
    """
    _check_ids(span)
    told, facts = span.attributes, _facts(span.attributes)
    if "model" not in facts:
        raise InvalidInputError(f"{MODELS[0]} is missing: say which model was asked.")
    facts |= _error(span, facts) | _times(span)
    facts |= {"trace_id": span.trace_id, "span_id": span.span_id, "prompt_id": _prompt_id(told)}
    facts |= {"finish_reasons": _reasons(told.get(FINISH_REASONS)), "output": _output(told)}
    named = _text(told, CALL_ID)
    if named is None:
        return NewCall(call_id=uuid5(NAMESPACE_OID, f"{span.trace_id}-{span.span_id}"), **facts)
    return ToldCall(call_id=_call_id(named), **facts)


def _check_ids(span: Span) -> None:
    for id_, form, name in ((span.trace_id, _TRACE_ID, "trace"), (span.span_id, _SPAN_ID, "span")):
        if not form.fullmatch(id_) or not id_.strip("0"):
            size = 16 if name == "trace" else 8
            raise InvalidInputError(f"A {name} id has {size} bytes, not all 0.")


def _facts(told: Mapping[str, Json]) -> dict[str, Any]:
    facts: dict[str, Any] = {field: _first(told, names, _text) for field, names in TEXTS.items()}
    facts |= {field: _first(told, names, _count) for field, names in COUNTS.items()}
    if str(facts["agent"]).partition(":")[0] == UNNAMED_SERVICE:
        facts["agent"] = None
    return {field: value for field, value in facts.items() if value is not None}


def _first(told: Mapping[str, Json], names: tuple[str, ...], read: Any) -> Any:
    return next((value for name in names if (value := read(told, name)) is not None), None)


def _text(told: Mapping[str, Json], name: str) -> str | None:
    """A text that is not empty; a whole number, as ids often are, stands for its digits."""
    value = told.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise InvalidInputError(f"{name} must be a text.")


def _count(told: Mapping[str, Json], name: str) -> int | None:
    value = told.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or type(value) is int:
        return value
    raise InvalidInputError(f"{name} must be a whole number.")


def _seconds(told: Mapping[str, Json], name: str) -> float | None:
    value = told.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InvalidInputError(f"{name} must be a number of seconds.")


def _call_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInputError(f"{CALL_ID} must be a UUID.") from None


def _prompt_id(told: Mapping[str, Json]) -> str | None:
    """The id of the version that was sent. Names and versions that no prompt of ours can have are of
    somebody else's prompts: none.
    """
    if (own := _text(told, PROMPT_ID)) is not None:
        return own
    name, version = told.get(PROMPT_NAME), _version(told.get(PROMPT_VERSION))
    if not isinstance(name, str) or not is_name(name) or version is None:
        return None
    return global_id("Prompt", name, version)


def _version(value: Json) -> int | None:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    digits = str(whole)
    return int(digits) if _VERSION.fullmatch(digits) else None


def _error(span: Span, facts: Mapping[str, Any]) -> dict[str, Any]:
    """How it ended. The message may be anybody's: what no text may hold is replaced, what is too long cut."""
    if not span.failed and "error_type" not in facts:
        return {}
    thrown = next((event.attributes for event in reversed(span.events) if event.name == EXCEPTION), {})
    message = span.message or thrown.get("exception.message")
    kind = facts.get("error_type") or _text(thrown, "exception.type")
    return {
        "status": CallStatus.ERROR,
        "error_type": kind,
        "error_message": cleaned_text(message, MAX_MESSAGE) if isinstance(message, str) else None,
    }


def _times(span: Span) -> dict[str, Any]:
    """When it began and how long it took; nothing where the clock was set back meanwhile."""
    start, took = span.started_ns, span.ended_ns - span.started_ns
    if not start:
        return {}
    return {
        "started_at": _EPOCH + dt.timedelta(microseconds=start // 1000),
        "latency_ms": took / 1_000_000 if took >= 0 else None,
        "time_to_first_token_ms": _first_token(span),
    }


def _first_token(span: Span) -> float | None:
    seconds: float | None = _first(span.attributes, FIRST_TOKEN_SECONDS, _seconds)
    if seconds is not None:
        return seconds * 1000
    first = min((event.at_ns for event in span.events if event.name in FIRST_TOKEN), default=0)
    return (first - span.started_ns) / 1_000_000 if first >= span.started_ns else None


def _reasons(value: Json) -> tuple[str, ...]:
    reasons = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(reasons, list) or not all(isinstance(reason, str) for reason in reasons):
        raise InvalidInputError(f"{FINISH_REASONS} must be a list of texts.")
    return tuple(str(reason) for reason in reasons if reason)


def _output(told: Mapping[str, Json]) -> Json:
    """What the model answered, as JSON where it is written so, else as text; None where it is too large."""
    value = next((told[name] for name in OUTPUTS if told.get(name) is not None), None)
    forms = (_parsed(value), value) if isinstance(value, str) else (value,)
    return next((form for form in forms if form is not None and _may_be_kept(form)), None)


def _parsed(text: str) -> Json:
    if not text.startswith(("[", "{")) or len(text) > MAX_VARIABLES_BYTES:
        return None
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _may_be_kept(value: Json) -> bool:
    if isinstance(value, str) and len(value) > MAX_VARIABLES_BYTES:
        return False
    try:
        checked_json(value, field="output", limit=MAX_VARIABLES_BYTES)
    except InvalidInputError:
        return False
    return True
