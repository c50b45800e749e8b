"""Metrics: the contract's fields, each declared once, computed from no more than it says it needs."""

import datetime as dt
import math
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.call import CallStatus, LlmCall
from promptgraph.domain.delta import Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import ALL, CallFacts
from promptgraph.domain.metrics import (
    LATENCY_STATS,
    LEAVES,
    METRICS,
    SCORE_STATS,
    GroupOrder,
    LatencyStats,
    Metric,
    Named,
    ScoreStats,
    measures_for,
)
from promptgraph.domain.sums import summed
from tests.domain.counted import AT, call, calls, figures_of, unhurried

CALL_FIGURES = """
calls: BigInt!
errors: BigInt!
errorShare: Float
unlinkedCalls: BigInt!
inputTokens: BigInt!
outputTokens: BigInt!
cacheReadInputTokens: BigInt!
cacheWriteInputTokens: BigInt!
reasoningOutputTokens: BigInt!
costUsd: Decimal!
unpricedCalls: BigInt!
latencyMs: LatencyStats!
timeToFirstTokenMs: LatencyStats!
firstCallAt: DateTime
lastCallAt: DateTime
scores: [ScoreStats!]!
"""
METRIC = {metric.name: metric for metric in METRICS}
BOTH = [*METRICS, *LEAVES.values()]


def test_fields_are_those_of_the_contract() -> None:
    """In names, types and order."""
    assert CALL_FIGURES.split("\n")[1:-1] == [_sdl(metric) for metric in METRICS]
    latency = "mean: Float p50: Float p90: Float p95: Float p99: Float max: Float"
    assert latency == " ".join(map(_sdl, LATENCY_STATS))
    assert "name: String! count: BigInt! mean: Float" == " ".join(map(_sdl, SCORE_STATS))


def _sdl(row: Named) -> str:
    return f"{row.field}: {row.type}"


@pytest.mark.parametrize("metric", BOTH, ids=lambda metric: metric.name)
def test_says_what_it_is_of_no_call(metric: Metric) -> None:
    """Undefined exactly where the type allows it, else none."""
    assert (metric.of(Figures()) is None) == (not metric.type.endswith("!"))


@pytest.mark.parametrize("metric", BOTH, ids=lambda metric: metric.name)
def test_needs_what_it_says_and_no_less(metric: Metric) -> None:
    """It can be computed when only that was read, and not when any of it is missing."""
    full = figures_of([call(latency_us=5, time_to_first_token_us=2), call(status="ERROR")])
    assert _told(metric, full) == _told(metric, _only(full, metric.needs))
    for left_out in metric.needs:
        with pytest.raises(KeyError):
            _told(metric, _only(full, [need for need in metric.needs if need != left_out]))


def _only(full: Figures, measures: tuple[str, ...] | list[str]) -> Figures:
    made = Figures.blank(measures)
    made.add(full)
    return made


def _told(metric: Metric, figures: Figures) -> object:
    """What is answered, down to the numbers."""
    value = metric.of(figures)
    return [stat.of(value) for stat in LATENCY_STATS] if isinstance(value, LatencyStats) else value


@pytest.mark.parametrize("row", [*METRICS, *LATENCY_STATS, *SCORE_STATS], ids=lambda row: row.name)
def test_has_words_for_readers(row: Metric) -> None:
    """A sentence, with the unit where there is one."""
    assert row.words.endswith(".")
    assert row.description == (f"{row.words} Unit: {row.unit}." if row.unit else row.words)


def test_figures_of_calls() -> None:
    """Counts, shares, money, instants and times, as a reader sees them."""
    counted = [
        call(latency_us=1_000, input_tokens=10, cost_nano_usd=1_500_000_000),
        call(latency_us=3_000, input_tokens=5, cost_nano_usd=250_000, started_at=AT + dt.timedelta(hours=2)),
        call(status="ERROR", latency_us=9_000_000, prompt_id=None),
    ]
    whole = figures_of(counted)
    told = {name: metric.of(whole) for name, metric in METRIC.items()}
    assert (told["calls"], told["errors"], told["unlinked_calls"], told["unpriced_calls"]) == (3, 1, 1, 1)
    assert told["error_share"] == 1 / 3
    assert told["input_tokens"] == 15
    assert told["cost_usd"] == Decimal("1.50025")
    assert (told["first_call_at"], told["last_call_at"]) == (AT, AT + dt.timedelta(hours=2))
    assert LEAVES["latency_ms.mean"].of(whole) == 2.0
    assert LEAVES["latency_ms.max"].of(whole) == 3.0
    assert LEAVES["latency_ms.p50"].of(whole) == pytest.approx(1.0, rel=0.01)


@unhurried
@given(st.lists(calls(), min_size=1, max_size=20), st.floats(0, 1))
def test_quantile_stays_below_the_longest(counted: list[CallFacts], q: float) -> None:
    """No percentile is above the maximum, and the last one is within 1 % of it."""
    latency = LatencyStats(figures_of(counted), "latency")
    found, top, longest = latency.quantile(q), latency.quantile(1), latency.max()
    if found is None or top is None or longest is None:
        assert found is top is longest is latency.mean() is None
        return
    assert found <= top <= longest
    assert math.isclose(top, longest, rel_tol=0.0101)


def test_scores_have_a_mean_by_name() -> None:
    """Those without a value are not there; a mean is a ratio of sums."""
    whole = Figures()
    for name, value in (("toxic", 0.5), ("helpful", 1.0), ("helpful", 0.0), ("helpful", 0.1), ("gone", 1.0)):
        whole.add(Figures.of_score(name, None, value))
    whole.add(Figures.of_score("gone", 1.0, None))
    expected = (ScoreStats("helpful", 3, 11 / 30), ScoreStats("toxic", 1, 0.5))
    assert expected == METRIC["scores"].of(whole)


def test_recorded_call_is_counted_as_it_is() -> None:
    """A LlmCall tells all that is counted, as the facts read from its row do."""
    recorded = LlmCall(
        id=UUID(int=1),
        prompt_id=1,
        agent_id=1,
        provider="openai",
        model="gpt-5-mini",
        environment="production",
        status=CallStatus.ERROR,
        input_tokens=7,
        started_at=AT,
        recorded_at=AT,
    )
    facts = CallFacts._make(getattr(recorded, name) for name in CallFacts._fields)
    assert summed([Delta.of_calls([recorded])]) == summed([Delta.of_calls([facts])])
    assert facts == call(status="ERROR", input_tokens=7)


@pytest.mark.parametrize(
    ("paths", "measures"),
    [
        pytest.param(["calls"], ("calls",), id="a count"),
        pytest.param(["error_share", "calls"], ("calls", "errors"), id="each once, in order"),
        pytest.param(["latency_ms.mean"], ("latency_calls", "latency_us"), id="a mean needs no histogram"),
        pytest.param(["latency_ms.quantile"], ("latency_max_us", "latency_histogram"), id="a quantile does"),
        pytest.param([metric.name for metric in METRICS], ALL, id="all metrics need all measures"),
        pytest.param([], (), id="nothing"),
    ],
)
def test_reads_no_more_than_needed(paths: list[str], measures: tuple[str, ...]) -> None:
    """What is asked for says what is read."""
    assert measures == measures_for(paths)


def test_groups_are_ordered_by_metrics() -> None:
    """Each order names a metric; what is undefined comes last."""
    fast, slow = figures_of([call(latency_us=10)]), figures_of([call(latency_us=900)] * 2)
    none = figures_of([call(status="ERROR")])
    order = sorted([none, fast, slow], key=GroupOrder.P95.key, reverse=True)
    assert [slow, fast, none] == order
    assert ["CALLS", "ERRORS", "COST", "P95"] == [each.name for each in GroupOrder]
    assert GroupOrder.CALLS.key(slow) == 2
