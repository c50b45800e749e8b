"""Spans from OTLP's JSON form: protobuf's mapping to JSON, but ids are in hexadecimal.

source  the OTLP specification 1.9, "JSON Protobuf Encoding": names in camelCase, unknown ones passed over,
        64-bit integers as decimal texts (numbers are taken, too), bytes in base64
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from promptgraph.domain.canonical import Json
from promptgraph.graph.wire import decoded
from promptgraph.record.conventions import ATTRIBUTES, EVENTS
from promptgraph.record.span import Span, SpanEvent
from promptgraph.web.refusal import HttpRefusedError

T = TypeVar("T")

MAX_PARTS = 1_000_000
"""Brackets of a body: its reader takes them all in one step, in which nothing else of this process runs."""
MAX_SPANS = 100_000
MAX_DEPTH = 48
"""How deep values may nest: as in the binary form."""
FAILED = (2, "STATUS_CODE_ERROR")
_WHOLE = re.compile("-?[0-9]{1,20}")
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_NO_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def spans_of(body: bytes) -> list[Span]:
    """The spans of an ExportTraceServiceRequest.

    raises  RequestRefusedError  it is no JSON
            HttpRefusedError     400 it is none; 413 it holds too much
    """
    if body.count(b"{") + body.count(b"[") > MAX_PARTS:
        raise HttpRefusedError(413, f"A body may hold at most {MAX_PARTS:,} objects and lists.")
    found: list[Span] = []
    for resource_spans in _objects(_given(decoded(body), "body", dict), "resourceSpans"):
        resource: dict[str, Any] = _get(resource_spans, "resource", dict, {})
        shared = _attributes(resource)
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            found += [_span(span, shared) for span in islice(_objects(scope_spans, "spans"), MAX_SPANS + 1)]
            if len(found) > MAX_SPANS:
                raise HttpRefusedError(413, f"A body may hold at most {MAX_SPANS:,} spans.")
    return found


def _span(sent: Mapping[str, Any], shared: dict[str, Json]) -> Span:
    status: dict[str, Any] = _get(sent, "status", dict, {})
    return Span(
        trace_id=_get(sent, "traceId", str, "").lower(),
        span_id=_get(sent, "spanId", str, "").lower(),
        started_ns=_instant(sent, "startTimeUnixNano"),
        ended_ns=_instant(sent, "endTimeUnixNano"),
        failed=status.get("code") in FAILED,
        message=_get(status, "message", str, ""),
        attributes=shared | _attributes(sent),
        events=tuple(
            SpanEvent(event["name"], _instant(event, "timeUnixNano"), _attributes(event))
            for event in _objects(sent, "events")
            if _get(event, "name", str, "") in EVENTS
        ),
    )


def _attributes(holder: Mapping[str, Any]) -> dict[str, Json]:
    return {
        pair["key"]: _value(_get(pair, "value", dict, {}))
        for pair in _objects(holder, "attributes")
        if _get(pair, "key", str, "") in ATTRIBUTES
    }


def _value(sent: Mapping[str, Any], depth: int = 0) -> Json:
    """What an AnyValue stands for; nothing for a kind that is not known here."""
    if depth > MAX_DEPTH:
        raise HttpRefusedError(400, f"A value is nested deeper than {MAX_DEPTH}.")
    found = ((kind, given) for kind, given in sent.items() if given is not None and kind in _KINDS)
    kind, given = next(found, ("", None))
    return _KINDS[kind](given, depth) if kind else None


def _list(given: Any, depth: int) -> Json:
    return [_value(each, depth + 1) for each in _objects(_given(given, "arrayValue", dict), "values")]


def _object(given: Any, depth: int) -> Json:
    pairs = _objects(_given(given, "kvlistValue", dict), "values")
    return {_get(pair, "key", str, ""): _value(_get(pair, "value", dict, {}), depth + 1) for pair in pairs}


def _instant(holder: Mapping[str, Any], name: str) -> int:
    given = holder.get(name)
    return 0 if given is None else _whole(given, name, _UINT64)


def _number(given: Any) -> float:
    if isinstance(given, str) and given in _NO_NUMBERS:
        return _NO_NUMBERS[given]
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _wrong("doubleValue")
    return float(given)


def _whole(given: Any, name: str, within: range) -> int:
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        given = int(given)
    if type(given) is not int or given not in within:
        raise _wrong(name)
    return given


def _objects(holder: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    for each in _get(holder, name, list, []):
        yield _given(each, name, dict)


def _get(holder: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    """The value of a field; null says what absence says."""
    given = holder.get(name)
    return default if given is None else _given(given, name, kind)


def _given(given: Any, name: str, kind: type[T]) -> T:
    if not isinstance(given, kind):
        raise _wrong(name)
    return given


def _wrong(name: str) -> HttpRefusedError:
    return HttpRefusedError(400, f"The body is no ExportTraceServiceRequest: {name} is of a wrong type.")


_KINDS: Mapping[str, Callable[[Any, int], Json]] = {
    "stringValue": lambda given, _: _given(given, "stringValue", str),
    "bytesValue": lambda given, _: _given(given, "bytesValue", str),
    "boolValue": lambda given, _: _given(given, "boolValue", bool),
    "intValue": lambda given, _: _whole(given, "intValue", _INT64),
    "doubleValue": lambda given, _: _number(given),
    "arrayValue": _list,
    "kvlistValue": _object,
}
"""How the kinds of AnyValue are read."""
