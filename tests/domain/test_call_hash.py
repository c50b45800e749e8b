"""The idempotency hash: equal for a retry, different for another call, exact and cheap."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.call import CallStatus, LlmCall, NewCall, ToldCall
from promptgraph.domain.call_hash import CALL_HASH_SCHEME, hash_scheme, idempotency_hash, is_same
from promptgraph.domain.canonical import Json, content_hash

AT = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
FULL = NewCall(
    call_id=UUID(int=1),
    prompt_id="UHJvbXB0",
    prompt_hash="a" * 64,
    rendered_hash="b" * 64,
    label="production",
    agent="support-bot",
    environment="staging",
    operation="chat",
    provider="openai",
    model="gpt-4o",
    response_model="gpt-4o-2024-08-06",
    response_id="r1",
    release="1.2.3",
    attempt=1,
    status=CallStatus.ERROR,
    error_type="timeout",
    error_message="gone",
    finish_reasons=("stop",),
    tool_call_count=0,
    input_tokens=1000,
    output_tokens=100,
    cache_read_input_tokens=300,
    cache_write_input_tokens=10,
    reasoning_output_tokens=50,
    cost_usd=Decimal("0.003125"),
    latency_ms=812.345,
    time_to_first_token_ms=200.0,
    started_at=AT,
    conversation_id="c",
    user_id="u",
    trace_id="t",
    span_id="s",
    variables={"ticket": "My card was declined"},
    output="billing",
    metadata={"queue": 1},
)
OTHER: dict[str, Any] = {
    "status": CallStatus.OK,
    "finish_reasons": ("length",),
    "cost_usd": Decimal("0.003126"),
    "latency_ms": 812.346,
    "started_at": AT + dt.timedelta(microseconds=1),
    "variables": {},
    "output": None,
    "metadata": {},
}
CONTENT = sorted(set(NewCall._fields) - {"call_id", "prompt_id"})


@pytest.mark.parametrize("name", CONTENT)
def test_another_value_of_any_field_is_another_call(name: str) -> None:
    """No field that a caller sends is left out of the hash."""
    before = getattr(FULL, name)
    default = f"{before}x" if isinstance(before, str) else before
    after = OTHER.get(name, before + 1 if isinstance(before, int | float) else default)
    assert idempotency_hash(FULL, 7) != idempotency_hash(FULL._replace(**{name: after}), 7)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"call_id": UUID(int=2)}, id="the call's own id, which is compared before"),
        pytest.param({"prompt_id": "7"}, id="another id of the same prompt"),
        pytest.param({"started_at": AT.astimezone(dt.timezone(dt.timedelta(hours=5)))}, id="another zone"),
        pytest.param({"cost_usd": Decimal("0.0031250")}, id="another spelling of the cost"),
        pytest.param({"latency_ms": 812.34500001}, id="less than a microsecond"),
        pytest.param({"time_to_first_token_ms": 200}, id="an integer for a float"),
        pytest.param({"metadata": {"queue": 1.0}}, id="1.0 for 1"),
    ],
)
def test_same_call_in_other_words_is_a_retry(changes: dict[str, Any]) -> None:
    """What is kept alike is hashed alike."""
    assert idempotency_hash(FULL, 7) == idempotency_hash(FULL._replace(**changes), 7)


def test_key_order_does_not_count() -> None:
    """A client that serialises its variables in another order still retries."""
    one = NewCall(model="m", variables={"a": 1, "b": {"c": 2, "d": 3}})
    two = NewCall(model="m", variables={"b": {"d": 3, "c": 2}, "a": 1})
    assert idempotency_hash(one, None) == idempotency_hash(two, None)


def test_prompt_is_part_of_the_call() -> None:
    """The same words about another prompt, or about none, are another call."""
    assert 3 == len({idempotency_hash(FULL, prompt_id) for prompt_id in (7, 8, None)})


def test_said_default_equals_a_silent_one() -> None:
    """Saying the default is the same as saying nothing."""
    said = NewCall(model="m", environment="default", status=CallStatus.OK, finish_reasons=(), metadata={})
    assert idempotency_hash(NewCall(model="m"), 1) == idempotency_hash(said, 1)


def test_empty_variables_are_not_absent_ones() -> None:
    """A prompt without variables was rendered with {}; without a record of them nobody knows."""
    assert idempotency_hash(NewCall(model="m"), 1) != idempotency_hash(NewCall(model="m", variables={}), 1)


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        pytest.param(NewCall(model="gpt-4o"), {"model": "gpt-4o", "prompt_id": 7}, id="the least"),
        pytest.param(
            FULL,
            {
                "prompt_id": 7,
                "prompt_hash": "a" * 64,
                "rendered_hash": "b" * 64,
                "label": "production",
                "agent": "support-bot",
                "environment": "staging",
                "operation": "chat",
                "provider": "openai",
                "model": "gpt-4o",
                "response_model": "gpt-4o-2024-08-06",
                "response_id": "r1",
                "release": "1.2.3",
                "attempt": 1,
                "status": "ERROR",
                "error_type": "timeout",
                "error_message": "gone",
                "finish_reasons": ["stop"],
                "tool_call_count": 0,
                "input_tokens": 1000,
                "output_tokens": 100,
                "cache_read_input_tokens": 300,
                "cache_write_input_tokens": 10,
                "reasoning_output_tokens": 50,
                "cost_usd": "3125000",
                "latency_ms": 812345,
                "time_to_first_token_ms": 200000,
                "started_at": 1777636800000000,
                "conversation_id": "c",
                "user_id": "u",
                "trace_id": "t",
                "span_id": "s",
                "variables": content_hash({"ticket": "My card was declined"}),
                "output": content_hash("billing"),
                "metadata": content_hash({"queue": 1}),
            },
            id="every field",
        ),
    ],
)
def test_scheme_1_stays_what_it_is(call: NewCall, sent: dict[str, Json]) -> None:
    """A stored hash stays comparable: whoever changes this must give the scheme another number."""
    assert (1, content_hash(sent)) == (CALL_HASH_SCHEME, idempotency_hash(call, 7))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_texts_are_hashed_in_canonical_form(text: str) -> None:
    """Whatever characters a text holds, the whole is SHA-256 over RFC 8785."""
    call = NewCall(model="m", error_message=text, finish_reasons=(text, ""))
    sent: dict[str, Json] = {"model": "m", "error_message": text, "finish_reasons": [text, ""]}
    assert content_hash(sent) == idempotency_hash(call, None)


@pytest.mark.parametrize(
    ("kind", "stored_as", "digest", "expected"),
    [
        (NewCall, NewCall, "a", True),
        (NewCall, NewCall, "b", False),
        (ToldCall, NewCall, "b", True),
        (NewCall, ToldCall, "b", True),
        (ToldCall, ToldCall, "b", True),
    ],
)
def test_told_call_is_that_of_its_id(
    kind: type[NewCall], stored_as: type[NewCall], digest: str, expected: object
) -> None:
    """What a span tells under its caller's own id is the caller's call, however much less it says."""
    scheme = hash_scheme(stored_as(model="m"))
    stored = LlmCall(
        id=UUID(int=1), model="m", started_at=AT, recorded_at=AT, content_hash="a", hash_scheme=scheme
    )
    assert expected == is_same(digest, hash_scheme(kind(model="m")), stored)
