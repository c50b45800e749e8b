"""Spans in OTLP's two forms: read alike, and as OpenTelemetry's own library reads them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from promptgraph.record.span import Span
from promptgraph.web import otlp_json, otlp_protobuf
from promptgraph.web.refusal import HttpRefusedError
from tests.web.otlp_bodies import CALL, as_json, as_protobuf, event, failed, request, span

NANOS = 1_795_341_600_000_000_000
RICH = [
    request(
        span(
            CALL
            | {
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.usage.input_tokens": 2**53 + 1,
                "gen_ai.response.time_to_first_chunk": 0.25,
                "gen_ai.output.messages": [{"role": "assistant", "parts": [b"\0\xff", True, None, -1, 2.5]}],
                "gen_ai.usage.output_tokens": float("-inf"),
                "something.else": "passed over",
            },
            trace_id=bytes(range(16)),
            status=failed("late"),
            events=[
                event("exception", NANOS, exception_type="A", exception_message="b"),
                event("gen_ai.first_token", NANOS + 1),
                event("something else", NANOS),
            ],
        ),
        span({}),
        service_name="bot",
    ),
    request(),
    ExportTraceServiceRequest(),
    request(span(), span(dict.fromkeys(CALL, "x")), deployment_environment_name="production"),
]


@pytest.mark.parametrize("message", RICH, ids=["rich", "no span", "nothing", "several"])
def test_both_forms_say_the_same(message: ExportTraceServiceRequest) -> None:
    """A span is the same, whichever form it came in."""
    assert otlp_protobuf.spans_of(as_protobuf(message)) == otlp_json.spans_of(as_json(message))


def test_span_is_read_whole() -> None:
    """Its attributes above its resource's; what nobody looks at is left out."""
    found = otlp_protobuf.spans_of(as_protobuf(RICH[0]))[0]
    assert ("000102030405060708090a0b0c0d0e0f", True, "late") == (
        found.trace_id,
        found.failed,
        found.message,
    )
    assert 1_000_000_000 == found.ended_ns - found.started_ns
    assert ["exception", "gen_ai.first_token"] == [each.name for each in found.events]
    assert {"exception.type": "A", "exception.message": "b"} == found.events[0].attributes
    assert "something.else" not in found.attributes
    assert ("bot", 2**53 + 1) == (
        found.attributes["service.name"],
        found.attributes["gen_ai.usage.input_tokens"],
    )
    parts = [{"role": "assistant", "parts": ["AP8=", True, None, -1, 2.5]}]
    assert parts == found.attributes["gen_ai.output.messages"]


@given(
    st.lists(st.lists(st.lists(st.binary(min_size=8, max_size=8), max_size=3), max_size=3), max_size=3),
    st.binary(max_size=300),
)
def test_every_span_is_found(holders: list[list[list[bytes]]], unknown: bytes) -> None:
    """As the library finds them, whatever else is in between: fields of later versions, schema URLs."""
    made = ExportTraceServiceRequest()
    for scopes in holders:
        holder = made.resource_spans.add(schema_url=unknown.hex())
        for ids in scopes:
            holder.scope_spans.add(schema_url="x").spans.extend(span({}, span_id=id_) for id_ in ids)
    extra = b"\xf8\x01\x07" + b"\xfd\x01abcd" + b"\xf9\x01abcdefgh" + b"\xfa\x01\x02hi"
    body = extra + made.SerializeToString() + extra
    expected = [
        each.span_id.hex() for holder in made.resource_spans for s in holder.scope_spans for each in s.spans
    ]
    assert expected == [each.span_id for each in otlp_protobuf.spans_of(body)]


@given(st.binary(max_size=200))
def test_bytes_are_spans_or_a_refusal(body: bytes) -> None:
    """Whatever comes: no other exception leaves the reader."""
    with suppress(HttpRefusedError):
        assert all(isinstance(each, Span) for each in otlp_protobuf.spans_of(body))
