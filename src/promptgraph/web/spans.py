"""Whether spans are made: OpenTelemetry is an extra, and imported where it is wanted alone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from promptgraph.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from promptgraph.web.tracing import Tracing

MISSING = "PROMPTGRAPH_TRACING is otel, but OpenTelemetry is missing: install promptgraph[otel]."


def tracing_of(*, wanted: bool) -> Tracing | None:
    """What makes spans of requests, if they are wanted.

    raises  InvalidInputError  OpenTelemetry is not installed
    """
    if not wanted:
        return None
    try:
        made: Tracing = import_module("promptgraph.web.tracing").Tracing()
    except ImportError as error:
        raise InvalidInputError(MISSING, field="tracing") from error
    return made
