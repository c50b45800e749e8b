"""Bodies as exporters of OpenTelemetry send them, in both forms."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from promptgraph.domain.canonical import Json
from tests.recorders import NOW

SECOND = 1_000_000_000
CALL: dict[str, Json] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.prompt.name": "support/triage",
    "gen_ai.prompt.version": 2,
}
"""What a span says at least."""


def value_of(value: Json | bytes) -> AnyValue:
    """A value as OTLP writes it."""
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[value_of(item) for item in value]))
    if value is None:
        return AnyValue()
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    given: dict[str, Any] = {kinds.get(type(value), "bytes_value"): value}
    return AnyValue(**given)


def pairs(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value_of(value)) for key, value in values.items()]


def span(attributes: Mapping[str, Any] = CALL, **more: Any) -> Span:
    """A span of a second, shortly before the clock of tests/recorders.py."""
    end = int(NOW.timestamp()) * SECOND
    fields: dict[str, Any] = {
        "trace_id": os.urandom(16),
        "span_id": os.urandom(8),
        "name": "chat gpt-5-mini",
        "start_time_unix_nano": end - SECOND,
        "end_time_unix_nano": end,
    }
    return Span(attributes=pairs(attributes), **fields | more)


def event(name: str, at_ns: int, **attributes: str) -> Span.Event:
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    return Span.Event(name=name, time_unix_nano=at_ns, attributes=pairs(named))


def failed(message: str = "") -> Status:
    return Status(code=Status.STATUS_CODE_ERROR, message=message)


def request(*spans: Span, **resource: str) -> ExportTraceServiceRequest:
    """One request; `service_name="bot"` is the resource's attribute service.name."""
    made = ExportTraceServiceRequest()
    holder = made.resource_spans.add()
    holder.resource.attributes.extend(pairs({key.replace("_", "."): text for key, text in resource.items()}))
    holder.scope_spans.add(spans=spans)
    return made


def as_json(message: ExportTraceServiceRequest) -> bytes:
    """The request in OTLP's JSON form: ids in hexadecimal, numbers of enums."""
    holders = MessageToDict(message, use_integers_for_enums=True)
    for holder in holders.get("resourceSpans", []):
        for scope in holder.get("scopeSpans", []):
            for each in scope.get("spans", []):
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in each:
                        each[name] = base64.b64decode(each[name]).hex()
    return json.dumps(holders).encode()


def as_protobuf(message: ExportTraceServiceRequest) -> bytes:
    return message.SerializeToString()


def field(number: int, content: bytes) -> bytes:
    """A field of a message that holds bytes."""
    size, prefix = len(content), bytearray([number << 3 | 2])
    while size > 127:
        prefix.append(size & 127 | 128)
        size >>= 7
    return bytes((*prefix, size)) + content


PROTOBUF, JSON = "application/x-protobuf", "application/json"
FORMS: dict[str, Callable[[ExportTraceServiceRequest], bytes]] = {PROTOBUF: as_protobuf, JSON: as_json}
