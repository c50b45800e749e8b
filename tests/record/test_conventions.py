"""What spans say of LLM calls, attribute by attribute."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.call import CallStatus, ToldCall
from promptgraph.domain.call_rules import check_call
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import global_id
from promptgraph.domain.text import MAX_VARIABLES_BYTES
from promptgraph.record.conventions import ATTRIBUTES, CALLS, EVENTS, NO_CALLS, call_of, is_call
from promptgraph.record.span import Span, SpanEvent
from tests.children import ROOT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BEGAN = dt.datetime(2026, 11, 22, 10, 0, 0, 123_456, tzinfo=dt.UTC)
BEGAN_NS = int(BEGAN.timestamp()) * 1_000_000_000 + 123_456_789
SECOND = 1_000_000_000
MODEL = {"gen_ai.request.model": "gpt-5-mini"}


def span(told: dict[str, Json] | None = None, **more: Any) -> Span:
    fields: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "started_ns": BEGAN_NS,
        "ended_ns": BEGAN_NS + SECOND,
        "attributes": MODEL | (told or {}),
    }
    return Span(**fields | more)


def thrown(kind: str, message: str) -> SpanEvent:
    return SpanEvent("exception", BEGAN_NS, {"exception.type": kind, "exception.message": message})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.operation.name": "chat"}, True),
        ({"gen_ai.operation.name": "embeddings"}, True),
        ({"gen_ai.request.model": "m"}, True),
        ({"gen_ai.response.model": "m"}, True),
        ({"gen_ai.operation.name": "rerank", "gen_ai.request.model": "m"}, True),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}, False),
        ({"gen_ai.operation.name": "execute_tool"}, False),
        ({"gen_ai.operation.name": "rerank"}, False),
        ({"gen_ai.operation.name": ["chat"]}, False),
        ({"gen_ai.request.model": ""}, False),
        ({"gen_ai.prompt.name": "a", "mcp.method.name": "prompts/get"}, False),
        ({"promptgraph.prompt.id": "x"}, False),
        ({"http.request.method": "POST"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_calls_are_spans_of_models(attributes: dict[str, Json], expected: object) -> None:
    """Agents and tools hold calls: counted too, their tokens would count twice."""
    assert expected == is_call(Span(TRACE, SPAN, attributes=attributes))


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("gen_ai.operation.name", "chat", "operation", "chat"),
        ("gen_ai.provider.name", "openai", "provider", "openai"),
        ("gen_ai.system", "openai", "provider", "openai"),
        ("gen_ai.response.model", "gpt-5-mini-2026", "response_model", "gpt-5-mini-2026"),
        ("gen_ai.response.id", "resp_1", "response_id", "resp_1"),
        ("gen_ai.usage.input_tokens", 812, "input_tokens", 812),
        ("gen_ai.usage.prompt_tokens", 812.0, "input_tokens", 812),
        ("gen_ai.usage.output_tokens", 0, "output_tokens", 0),
        ("gen_ai.usage.completion_tokens", 40, "output_tokens", 40),
        ("gen_ai.usage.cache_read.input_tokens", 1, "cache_read_input_tokens", 1),
        ("gen_ai.usage.cache_creation.input_tokens", 2, "cache_write_input_tokens", 2),
        ("gen_ai.usage.reasoning.output_tokens", 3, "reasoning_output_tokens", 3),
        ("gen_ai.response.finish_reasons", ["stop", "length"], "finish_reasons", ("stop", "length")),
        ("gen_ai.response.finish_reasons", "stop", "finish_reasons", ("stop",)),
        ("gen_ai.conversation.id", "c-1", "conversation_id", "c-1"),
        ("session.id", 7, "conversation_id", "7"),
        ("user.id", "u-1", "user_id", "u-1"),
        ("enduser.id", "u-1", "user_id", "u-1"),
        ("gen_ai.agent.name", "bot", "agent", "bot"),
        ("service.name", "bot", "agent", "bot"),
        ("service.name", "unknown_service", "agent", None),
        ("service.name", "unknown_service:python", "agent", None),
        ("service.version", "1.2", "release", "1.2"),
        ("deployment.environment.name", "production", "environment", "production"),
        ("deployment.environment", "production", "environment", "production"),
        ("deployment.environment", "", "environment", "default"),
        ("gen_ai.response.time_to_first_chunk", 0.25, "time_to_first_token_ms", 250),
        ("promptgraph.prompt.label", "production", "label", "production"),
        ("promptgraph.prompt.hash", "0" * 64, "prompt_hash", "0" * 64),
        ("promptgraph.prompt.id", "UHJvbXB0Cg", "prompt_id", "UHJvbXB0Cg"),
        ("error.type", "timeout", "status", CallStatus.ERROR),
        ("gen_ai.output.messages", [{"role": "assistant"}], "output", [{"role": "assistant"}]),
        ("gen_ai.output.messages", '[{"role": "assistant"}]', "output", [{"role": "assistant"}]),
        ("gen_ai.completion", "billing", "output", "billing"),
        ("gen_ai.completion", "[billing", "output", "[billing"),
        ("gen_ai.completion", "[NaN]", "output", "[NaN]"),
        ("gen_ai.completion", "[" * 100_000, "output", "[" * 100_000),
        ("gen_ai.completion", "x" * (MAX_VARIABLES_BYTES + 1), "output", None),
        ("gen_ai.completion", "\0", "output", None),
    ],
)
def test_attribute_says_a_field(name: str, value: Json, field: str, expected: Any) -> None:
    """By today's names and by earlier ones, in the forms that are sent; what is too large is left out."""
    call = call_of(span({name: value}))
    assert expected == getattr(call, field)
    check_call(call, BEGAN)


def test_todays_name_goes_first() -> None:
    """Instrumentations on their way from one name to the other send both."""
    told = span({"gen_ai.system": "az.ai.openai", "gen_ai.provider.name": "azure.ai.openai"})
    assert "azure.ai.openai" == call_of(told).provider


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("support/triage", 2, global_id("Prompt", "support/triage", 2)),
        ("support/triage", "2", global_id("Prompt", "support/triage", 2)),
        ("support/triage", 2.0, global_id("Prompt", "support/triage", 2)),
        ("support/triage", None, None),
        ("support/triage", True, None),
        ("support/triage", "v2", None),
        ("support/triage", -1, None),
        ("support/triage", "9" * 5000, None),
        ("Somebody Else's", 2, None),
        ("\ud800", 2, None),
        (7, 2, None),
        (None, 2, None),
    ],
    ids=str,
)
def test_prompt_is_named_by_name_and_version(name: Json, version: Json, expected: str | None) -> None:
    """What no prompt of ours can be called is somebody else's: no prompt."""
    told = span({"gen_ai.prompt.name": name, "gen_ai.prompt.version": version})
    assert expected == call_of(told).prompt_id


def test_prompt_id_goes_before_name_and_version() -> None:
    """The id is of this registry; the name may be of another."""
    told: dict[str, Json] = {
        "promptgraph.prompt.id": "17",
        "gen_ai.prompt.name": "a",
        "gen_ai.prompt.version": 1,
    }
    assert "17" == call_of(span(told)).prompt_id


def test_id_is_made_of_trace_and_span() -> None:
    """UUIDv5 of both, so that whoever has them can look the call up; another span is another call."""
    call = call_of(span())
    assert UUID("86e2c92c-41f8-5eba-b63c-03e952b134c7") == call.call_id
    assert (TRACE, SPAN, False) == (call.trace_id, call.span_id, isinstance(call, ToldCall))
    assert call.call_id != call_of(span(span_id="b7ad6b7169203332")).call_id


def test_id_of_the_caller_goes_first() -> None:
    """A call that its caller records, too, has one id."""
    id_ = UUID("01997f3a-5c00-7000-8000-000000000001")
    call = call_of(span({"promptgraph.call.id": str(id_)}))
    assert (id_, True) == (call.call_id, isinstance(call, ToldCall))


def test_times_are_those_of_the_span() -> None:
    """Microseconds of a start, milliseconds from start to end."""
    call = call_of(span(ended_ns=BEGAN_NS + 930_123_000))
    assert (BEGAN, 930.123) == (call.started_at, call.latency_ms)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (BEGAN_NS, BEGAN_NS - 1, (BEGAN, None)),
        (BEGAN_NS, 0, (BEGAN, None)),
        (0, BEGAN_NS, (None, None)),
        (BEGAN_NS, BEGAN_NS, (BEGAN, 0)),
        (2**64 - 1, 2**64 - 1, (dt.datetime(2554, 7, 21, 23, 34, 33, 709_551, tzinfo=dt.UTC), 0)),
    ],
    ids=["clock set back", "no end", "no start", "at once", "the last there is"],
)
def test_time_that_cannot_be_is_unknown(start: int, end: int, expected: Any) -> None:
    """A clock that was set back takes no call with it."""
    call = call_of(span(started_ns=start, ended_ns=end))
    assert expected == (call.started_at, call.latency_ms)


@pytest.mark.parametrize(
    "name", ["gen_ai.first_token", "llm.content.completion.chunk", "ai.stream.firstChunk"]
)
def test_first_token_is_the_first_event_of_one(name: str) -> None:
    """Whatever order the events come in."""
    events = tuple(SpanEvent(name, BEGAN_NS + millis * 1_000_000) for millis in (900, 200, 400))
    assert 200 == call_of(span(events=events)).time_to_first_token_ms


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (CallStatus.OK, None, None)),
        ({"message": "said, but fine"}, (CallStatus.OK, None, None)),
        ({"failed": True}, (CallStatus.ERROR, None, None)),
        ({"failed": True, "message": "too slow"}, (CallStatus.ERROR, None, "too slow")),
        ({"failed": True, "events": (thrown("A", "1"), thrown("B", "2"))}, (CallStatus.ERROR, "B", "2")),
        (
            {"attributes": MODEL | {"error.type": "timeout"}, "events": (thrown("A", "1"),)},
            (CallStatus.ERROR, "timeout", "1"),
        ),
    ],
    ids=["fine", "a message alone", "failed", "a message", "the last exception", "error.type"],
)
def test_error_is_what_the_span_says(more: dict[str, Any], expected: Any) -> None:
    """Its type by attribute or exception, its message by status or exception."""
    call = call_of(span(**more))
    assert expected == (call.status, call.error_type, call.error_message)


def test_message_of_an_error_costs_no_call() -> None:
    """It is anybody's: what cannot be stored is replaced, and what is too long cut."""
    call = call_of(span(failed=True, message="\x1b[31m\ud800" + "x" * 5000))
    check_call(call, BEGAN)
    assert "?[31m?" + "x" * 4090 == call.error_message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"trace_id": TRACE[:-2]}, "A trace id has 16 bytes"),
        ({"trace_id": TRACE + "00"}, "A trace id has 16 bytes"),
        ({"trace_id": "0" * 32}, "A trace id has 16 bytes"),
        ({"trace_id": "CvdlGRbNQ92ESOshHIAxnA=="}, "A trace id has 16 bytes"),
        ({"span_id": ""}, "A span id has 8 bytes"),
        ({"span_id": "0" * 16}, "A span id has 8 bytes"),
        ({"attributes": {"gen_ai.operation.name": "chat"}}, "gen_ai.request.model is missing"),
        ({"attributes": {"gen_ai.request.model": ["m"]}}, "gen_ai.request.model must be a text"),
        ({"attributes": {"gen_ai.request.model": True}}, "gen_ai.request.model must be a text"),
        ({"attributes": MODEL | {"gen_ai.usage.input_tokens": "812"}}, "must be a whole number"),
        ({"attributes": MODEL | {"gen_ai.usage.input_tokens": 0.5}}, "must be a whole number"),
        ({"attributes": MODEL | {"gen_ai.usage.input_tokens": float("inf")}}, "must be a whole number"),
        ({"attributes": MODEL | {"gen_ai.usage.input_tokens": True}}, "must be a whole number"),
        ({"attributes": MODEL | {"gen_ai.response.finish_reasons": [1]}}, "must be a list of texts"),
        ({"attributes": MODEL | {"gen_ai.response.finish_reasons": {}}}, "must be a list of texts"),
        (
            {"attributes": MODEL | {"gen_ai.response.time_to_first_chunk": "0.2"}},
            "must be a number of seconds",
        ),
        ({"attributes": MODEL | {"promptgraph.call.id": "7"}}, "promptgraph.call.id must be a UUID"),
        ({"attributes": MODEL | {"promptgraph.prompt.id": {}}}, "promptgraph.prompt.id must be a text"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:60],
)
def test_wrong_value_is_told_by_its_name(more: dict[str, Any], words: str) -> None:
    """Who reads the answer learns which attribute to mend."""
    with pytest.raises(InvalidInputError, match=words):
        call_of(span(**more))


def test_page_names_all_that_is_looked_at() -> None:
    """docs/otlp.md tells every attribute, event and operation."""
    page = (ROOT / "docs" / "otlp.md").read_text()
    looked_at = ATTRIBUTES | EVENTS | CALLS | NO_CALLS
    assert [] == sorted(name for name in looked_at if f"`{name}`" not in page)
