"""Which calls a reader may ask for."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.call import CallStatus
from promptgraph.domain.call_asking import WIDEST, LlmCallFilter
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.metrics_key import MetricsFilter
from promptgraph.domain.window import Window

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "NUL": ({"models": ("a", "b\x00")}, "filter.models"),
    "a surrogate": ({"user_id": "\ud800"}, "filter.userId"),
    "a long text": ({"conversation_id": "x" * 201}, "filter.conversationId"),
    "version 0": ({"versions": (1, 0)}, "filter.versions"),
    "a huge version": ({"versions": (2**31,)}, "filter.versions"),
    "NaN": ({"min_latency_ms": float("nan")}, "filter.minLatencyMs"),
    "a negative latency": ({"min_latency_ms": -1.0}, "filter.minLatencyMs"),
    "an endless latency": ({"min_latency_ms": float("inf")}, "filter.minLatencyMs"),
}


@pytest.mark.parametrize(("values", "field"), BAD.values(), ids=BAD)
def test_refuses(values: dict[str, Any], field: str) -> None:
    """What no call can have is refused when the filter is made, by the field's name in the API."""
    with pytest.raises(InvalidInputError) as caught:
        LlmCallFilter(**values)
    assert field == caught.value.field


def test_refuses_long_lists() -> None:
    """A thousand ids may be listed, no more."""
    ids = tuple(UUID(int=n) for n in range(1001))
    LlmCallFilter(call_ids=ids[:1000])
    with pytest.raises(TooManyRowsError) as caught:
        LlmCallFilter(call_ids=ids)
    assert ("filter.callIds", 1000) == (caught.value.field, caught.value.limit)
    with pytest.raises(TooManyRowsError, match=r"filter\.models may hold at most 1000"):
        MetricsFilter(models=("m",) * 1001)


def test_is_a_key() -> None:
    """Equal filters are one key."""
    assert 1 == len({LlmCallFilter(prompts=("a",), window=Window(NOON)) for _ in range(2)})


NARROW = {
    "nothing rare": LlmCallFilter(),
    "a month": LlmCallFilter(models=("x",), window=Window(NOON - WIDEST, NOON)),
    "a prompt": LlmCallFilter(prompts=("a",), error_types=("timeout",)),
    "an agent": LlmCallFilter(agents=("a",), statuses=(CallStatus.ERROR,)),
    "a trace": LlmCallFilter(trace_id="t", environments=("default",)),
    "no id": LlmCallFilter(call_ids=(), providers=("x",)),
}


@pytest.mark.parametrize("wanted", NARROW.values(), ids=NARROW)
def test_is_narrow(wanted: LlmCallFilter) -> None:
    """An index, or a window of a month, bounds what is read."""
    wanted.check_narrow()


@pytest.mark.parametrize(
    "values",
    [{"models": ("x",)}, {"versions": (1,)}, {"statuses": ()}, {"min_latency_ms": 0.0}],
    ids=["models", "versions", "no status", "latency"],
)
@pytest.mark.parametrize(
    "window",
    [Window(), Window(NOON), Window(None, NOON), Window(NOON - WIDEST - dt.timedelta(microseconds=1), NOON)],
    ids=["open", "since", "until", "too wide"],
)
def test_is_too_wide(values: dict[str, Any], window: Window) -> None:
    """What is rare needs both ends, at most 31 days apart."""
    with pytest.raises(InvalidInputError, match="31 days"):
        LlmCallFilter(**values, window=window).check_narrow()
