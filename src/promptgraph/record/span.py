"""Spans: what a trace tells of one step of a program, however it came written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from promptgraph.domain.canonical import Json


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a span.

    units  at_ns: nanoseconds since 1970
    """

    name: str
    at_ns: int
    attributes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """A span that is over. Its ids are what was sent, in hexadecimal; `attributes` are its own and, where it
    has none of a name, those of its resource.

    units  started_ns, ended_ns: nanoseconds since 1970, 0 where nobody said
    """

    trace_id: str
    span_id: str
    started_ns: int = 0
    ended_ns: int = 0
    failed: bool = False
    message: str = ""
    attributes: Mapping[str, Json] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
