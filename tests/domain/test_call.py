"""Calls: the units they are kept in."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest

from promptgraph.domain.call import CostSource, LlmCall, micros, nanos, usd
from promptgraph.domain.names import NodeRef, parse_global_id

ID = UUID("0190b5a0-0000-7000-8000-000000000001")
AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        pytest.param(0, 0, id="an integer"),
        pytest.param(812.345, 812_345, id="exact"),
        pytest.param(0.0005, 0, id="half to even, down"),
        pytest.param(0.0015, 2, id="half to even, up"),
        pytest.param(1.0015, 1002, id="as written, not as the double above or below"),
        pytest.param(1e-9, 0, id="an exponent"),
        pytest.param(86_400_000.0, 86_400_000_000, id="a day"),
    ],
)
def test_latency_becomes_whole_microseconds(milliseconds: float, expected: int) -> None:
    """Half of a microsecond goes to the even one, by the decimal number that was written."""
    assert expected == micros(milliseconds)


@pytest.mark.parametrize("text", ["0", "0.000000001", "0.003125", "10", "999999999.999999999"])
def test_money_returns_as_it_was_sent(text: str) -> None:
    """Nine decimals survive the way through whole nano-USD."""
    assert text == format(usd(nanos(Decimal(text))), "f")


def test_kept_call_answers_in_the_units_of_the_api() -> None:
    """Milliseconds and USD outside, microseconds and nano-USD inside; unknown stays unknown."""
    kept = LlmCall(
        id=ID,
        model="gpt-4o",
        started_at=AT,
        recorded_at=AT,
        latency_us=812_345,
        cost_nano_usd=3_125_000,
        cost_source=CostSource.COMPUTED,
    )
    assert (812.345, Decimal("0.003125")) == (kept.latency_ms, kept.cost_usd)
    assert kept.time_to_first_token_ms is None
    assert LlmCall(id=ID, model="m", started_at=AT, recorded_at=AT).cost_usd is None


def test_global_id_names_the_callers_id() -> None:
    """The id of a call is made from the caller's UUID alone."""
    kept = LlmCall(id=ID, model="m", started_at=AT, recorded_at=AT)
    assert NodeRef("LlmCall", (str(ID),)) == parse_global_id(kept.global_id)
