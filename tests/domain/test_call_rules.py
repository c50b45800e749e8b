"""The rules of a call: what may be recorded, and the sentence for what may not."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.call import CallStatus, NewCall, RecordWarning
from promptgraph.domain.call_rules import RULES, check_call, warnings_of
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError, TooOldError

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
LEAST = NewCall(model="gpt-4o")


def nested(depth: int) -> Json:
    value: Json = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="a model alone"),
        pytest.param({"model": "m" * 200, "agent": "Ünser Bot #1", "environment": "e" * 64}, id="names"),
        pytest.param({"call_id": UUID(int=0), "status": CallStatus.ERROR}, id="any UUID"),
        pytest.param({"prompt_hash": "0" * 64, "rendered_hash": "f" * 64}, id="hashes"),
        pytest.param({"label": "production"}, id="a label"),
        pytest.param({"error_message": "line one\n\tline two" + "x" * 4000}, id="a long message of lines"),
        pytest.param({"error_message": ""}, id="an empty message"),
        pytest.param({"finish_reasons": ("stop",) * 20}, id="finish reasons"),
        pytest.param({"attempt": 0, "tool_call_count": 0, "input_tokens": 0}, id="zeros"),
        pytest.param({"attempt": 1000, "input_tokens": 2_147_483_647}, id="the highest counts"),
        pytest.param({"cost_usd": Decimal(0), "latency_ms": 0.0}, id="free and instant"),
        pytest.param({"cost_usd": Decimal("9999.999999999"), "latency_ms": 86_400_000}, id="the most"),
        pytest.param({"started_at": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)}, id="the earliest start"),
        pytest.param({"started_at": NOW + dt.timedelta(days=1)}, id="the latest start"),
        pytest.param({"variables": {}, "output": nested(10), "metadata": {"a": [1.5, None]}}, id="contents"),
        pytest.param({"input_tokens": 1, "cache_read_input_tokens": 2}, id="contradictory counts"),
    ],
)
def test_takes_what_is_within_its_limits(changes: dict[str, Any]) -> None:
    """The limits themselves are allowed."""
    check_call(LEAST._replace(**changes), NOW)


REFUSED: list[tuple[str, Any, str, str]] = [
    ("prompt_hash", "abc", "promptHash", "64 hexadecimal digits"),
    ("rendered_hash", "A" * 64, "renderedHash", "64 hexadecimal digits in lower case"),
    ("label", "Production", "label", "lower-case letters"),
    ("label", "latest", "label", "reserved"),
    ("agent", "", "agent", "1 to 128 characters"),
    ("agent", "a" * 129, "agent", "1 to 128 characters"),
    ("agent", "a\nb", "agent", "on one line"),
    ("agent", "a\x85b", "agent", "on one line"),
    ("agent", " ", "agent", "not blanks alone"),
    ("environment", "e" * 65, "environment", "1 to 64 characters"),
    ("operation", "o" * 65, "operation", "1 to 64 characters"),
    ("provider", "p" * 129, "provider", "1 to 128 characters"),
    ("model", "", "model", "1 to 200 characters"),
    ("model", "m" * 201, "model", "1 to 200 characters"),
    ("model", "m\x00", "model", r"U\+0000"),
    ("response_model", "\ud800", "responseModel", r"U\+D800"),
    ("response_id", "r" * 201, "responseId", "1 to 200 characters"),
    ("release", "r" * 201, "release", "1 to 200 characters"),
    ("attempt", -1, "attempt", "from 0 to 1000"),
    ("attempt", 1001, "attempt", "from 0 to 1000"),
    ("error_type", "e" * 201, "errorType", "1 to 200 characters"),
    ("error_message", "e" * 4097, "errorMessage", "at most 4096 characters"),
    ("error_message", "a\x00b", "errorMessage", r"U\+0000"),
    ("error_message", "a\ud800b", "errorMessage", r"U\+D800"),
    ("finish_reasons", ("stop",) * 21, "finishReasons", "at most 20 reasons"),
    ("finish_reasons", ("s" * 65,), "finishReasons", "1 to 64 characters"),
    ("finish_reasons", ("",), "finishReasons", "1 to 64 characters"),
    ("tool_call_count", -1, "toolCallCount", "from 0 to 2147483647"),
    ("input_tokens", -1, "inputTokens", "from 0 to 2147483647"),
    ("input_tokens", 2_147_483_648, "inputTokens", "from 0 to 2147483647"),
    ("input_tokens", True, "inputTokens", "whole number"),
    ("output_tokens", -1, "outputTokens", "from 0 to 2147483647"),
    ("cache_read_input_tokens", -1, "cacheReadInputTokens", "from 0 to 2147483647"),
    ("cache_write_input_tokens", -1, "cacheWriteInputTokens", "from 0 to 2147483647"),
    ("reasoning_output_tokens", -1, "reasoningOutputTokens", "from 0 to 2147483647"),
    ("cost_usd", Decimal("-0.000000001"), "costUsd", "0 or more"),
    ("cost_usd", Decimal(10_000), "costUsd", "below 10000"),
    ("cost_usd", Decimal("1E+999999"), "costUsd", "below 10000"),
    ("cost_usd", Decimal("0.0000000001"), "costUsd", "at most 9 decimals"),
    ("cost_usd", Decimal("1E-999999"), "costUsd", "at most 9 decimals"),
    ("cost_usd", Decimal("NaN"), "costUsd", "0 or more"),
    ("cost_usd", Decimal("sNaN"), "costUsd", "0 or more"),
    ("cost_usd", Decimal("Infinity"), "costUsd", "below 10000"),
    ("latency_ms", -0.001, "latencyMs", "from 0 to 86400000"),
    ("latency_ms", 86_400_000.001, "latencyMs", "from 0 to 86400000"),
    ("latency_ms", math.nan, "latencyMs", "from 0 to 86400000"),
    ("latency_ms", math.inf, "latencyMs", "from 0 to 86400000"),
    ("latency_ms", 10**400, "latencyMs", "from 0 to 86400000"),
    ("time_to_first_token_ms", 1e18, "timeToFirstTokenMs", "from 0 to 86400000"),
    ("conversation_id", "", "conversationId", "1 to 200 characters"),
    ("user_id", "u" * 201, "userId", "1 to 200 characters"),
    ("trace_id", "t" * 65, "traceId", "1 to 64 characters"),
    ("span_id", "s" * 65, "spanId", "1 to 64 characters"),
    ("variables", ["not", "an", "object"], "variables", "must be a JSON object"),
    ("variables", {"a": "x" * 262_144}, "variables", "at most 262144 bytes"),
    ("variables", {"a\x00": 1}, "variables", r"U\+0000"),
    ("output", nested(11), "output", "deeper than 10"),
    ("output", "x" * 262_144, "output", "at most 262144 bytes"),
    ("output", math.nan, "output", "no (canonical|exact) JSON form"),
    ("output", 2**53, "output", "no (canonical|exact) JSON form"),
    ("metadata", {"a": "x" * 16_384}, "metadata", "at most 16384 bytes"),
    ("metadata", [], "metadata", "must be a JSON object"),
    ("started_at", dt.datetime(2026, 5, 1), "startedAt", "time zone"),  # noqa: DTZ001  # the case itself
    ("started_at", NOW + dt.timedelta(days=1, microseconds=1), "startedAt", "2026-05-02T12:00:00"),
    ("started_at", dt.datetime(9999, 12, 31, tzinfo=dt.UTC), "startedAt", "at most a day ahead"),
]


@pytest.mark.parametrize(
    ("name", "value", "field", "words"), REFUSED, ids=[f"{name}-{words}" for name, _, _, words in REFUSED]
)
def test_refuses_a_value_and_says_what_is_allowed(name: str, value: Any, field: str, words: str) -> None:
    """The error names the field as the API does and says its range."""
    with pytest.raises(InvalidInputError, match=words) as caught:
        check_call(LEAST._replace(**{name: value}), NOW)
    assert (field, "INVALID_INPUT") == (caught.value.field, caught.value.code)
    assert str(caught.value).startswith((field, "A label", "`latest`"))


@pytest.mark.parametrize(
    ("at", "oldest"),
    [
        pytest.param(dt.datetime(1969, 7, 20, tzinfo=dt.UTC), None, id="before 2000"),
        pytest.param(dt.datetime(1, 1, 1, tzinfo=dt.UTC), None, id="the first instant"),
        pytest.param(
            dt.datetime(1999, 12, 31, tzinfo=dt.UTC),
            dt.datetime(1990, 1, 1, tzinfo=dt.UTC),
            id="before 2000, whatever the limit",
        ),
        pytest.param(
            NOW - dt.timedelta(days=91), NOW - dt.timedelta(days=90), id="before the retention limit"
        ),
    ],
)
def test_refuses_calls_that_are_no_longer_kept(at: dt.datetime, oldest: dt.datetime | None) -> None:
    """A call that the registry would drop at once is TOO_OLD; the sentence says which ones are not."""
    limits = () if oldest is None else (oldest,)
    with pytest.raises(TooOldError, match="or later") as caught:
        check_call(LEAST._replace(started_at=at), NOW, *limits)
    assert ("startedAt", "TOO_OLD") == (caught.value.field, caught.value.code)


def test_call_without_a_start_is_as_old_as_its_id() -> None:
    """Where calls are kept for a time; a start that is sent counts alone, other ids tell nothing."""
    oldest = NOW - dt.timedelta(days=90)
    made = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")  # in 2022
    check_call(LEAST._replace(call_id=made), NOW)
    check_call(LEAST._replace(call_id=made, started_at=NOW), NOW, oldest)
    check_call(LEAST._replace(call_id=UUID(int=1)), NOW, oldest)
    with pytest.raises(TooOldError, match="callId must be made") as caught:
        check_call(LEAST._replace(call_id=made), NOW, oldest)
    assert "callId" == caught.value.field


def test_judges_every_field() -> None:
    """A field that is added to NewCall needs a rule, or a reason to have none."""
    judged_elsewhere = {"call_id", "prompt_id", "status", "started_at"}
    assert set(NewCall._fields) - judged_elsewhere == {rule.name for rule in RULES}


def test_names_fields_as_the_api_does() -> None:
    """camelCase, so that a client finds its own word in the error."""
    names = {rule.name: rule.field for rule in RULES}
    assert ("model", "timeToFirstTokenMs", "costUsd") == (
        names["model"],
        names["time_to_first_token_ms"],
        names["cost_usd"],
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (), id="unknown counts"),
        pytest.param({"cache_read_input_tokens": 5, "reasoning_output_tokens": 5}, (), id="parts alone"),
        pytest.param(
            {"input_tokens": 10, "cache_read_input_tokens": 6, "cache_write_input_tokens": 4}, (), id="whole"
        ),
        pytest.param(
            {"input_tokens": 10, "cache_read_input_tokens": 6, "cache_write_input_tokens": 5},
            ("inputTokens",),
            id="more cached than sent",
        ),
        pytest.param(
            {"output_tokens": 1, "reasoning_output_tokens": 2},
            ("outputTokens",),
            id="more reasoning than output",
        ),
    ],
)
def test_warns_of_counts_that_contradict(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    """A call that happened is recorded; that its counts cannot be right is said."""
    assert expected == tuple(warning.field for warning in warnings_of(LEAST._replace(**changes)))


def test_warning_says_which_counts() -> None:
    """The words name both sides of the contradiction."""
    expected = RecordWarning(
        "TOKENS_CONTRADICT",
        "outputTokens",
        "outputTokens includes reasoningOutputTokens, yet it is less. The cost cannot be computed.",
    )
    assert (expected,) == warnings_of(LEAST._replace(output_tokens=1, reasoning_output_tokens=2))
