"""Figures: what a call adds, sums in any order, corrections, and the columns of a rollup."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import MAX_SCORES, REST, Figures, Value
from promptgraph.domain.histogram import Histogram, bucket_of
from promptgraph.domain.measures import (
    ALL,
    INT64,
    MEASURE,
    MEASURES,
    NO_MAXIMUM,
    NO_MINIMUM,
    CallFacts,
    Stored,
)
from promptgraph.domain.period import micros_of
from tests.domain.counted import AT, call, calls, figures, figures_of, unhurried

LATENCY, TTFT = "latency_histogram", "time_to_first_token_histogram"
TYPES = {Stored.INTEGER: int, Stored.BYTES: bytes, Stored.TEXT: str}


def added(*parts: Figures) -> Figures:
    made = Figures()
    for part in parts:
        made.add(part)
    return made


def test_call_adds_what_it_tells() -> None:
    """Each measure takes its part of a call."""
    told = call(input_tokens=5, output_tokens=6, cache_read_input_tokens=1, cost_nano_usd=70, latency_us=800)
    made = Figures.of_call(told)
    start = micros_of(AT)
    assert made.numbers == Figures().numbers | {
        "calls": 1,
        "input_tokens": 5,
        "output_tokens": 6,
        "cache_read_input_tokens": 1,
        "cost_nano_usd": 70,
        "latency_calls": 1,
        "latency_us": 800,
        "latency_max_us": 800,
        "first_call_us": start,
        "last_call_us": start,
    }
    assert {LATENCY: Histogram({bucket_of(800): 1}), TTFT: Histogram()} == made.histograms


def test_failed_call_has_no_part_in_latency() -> None:
    """Only calls that ended OK are timed."""
    made = Figures.of_call(call(status="ERROR", latency_us=800, time_to_first_token_us=5))
    assert made["errors"] == 1
    assert (made["latency_calls"], made["latency_us"], made["latency_max_us"]) == (0, 0, NO_MAXIMUM)
    assert {LATENCY: Histogram(), TTFT: Histogram()} == made.histograms


def test_unknown_is_counted_and_is_no_zero() -> None:
    """A call without prompt or price is counted as such; a price of 0 is a price."""
    unknown = Figures.of_call(call(prompt_id=None))
    free = Figures.of_call(call(cost_nano_usd=0))
    assert (unknown["unlinked_calls"], unknown["unpriced_calls"]) == (1, 1)
    assert (free["unlinked_calls"], free["unpriced_calls"]) == (0, 0)


@unhurried
@given(figures(), figures(), figures())
def test_adding_knows_no_order(a: Figures, b: Figures, c: Figures) -> None:
    """It is associative and commutative."""
    assert added(a, b, c) == added(c, added(b, a)) == added(added(a, c), b)


@unhurried
@given(figures())
def test_blank_changes_nothing(a: Figures) -> None:
    """Figures of no call are the zero of the sum."""
    assert a == added(Figures(), a) == added(a, Figures())


@unhurried
@given(figures())
def test_adding_leaves_the_other_alone(a: Figures) -> None:
    """A sum shares nothing with its parts."""
    before = copy.deepcopy(a)
    added(a).add(Figures.of_call(call(latency_us=7)))
    assert before == a


@unhurried
@given(st.lists(calls(), max_size=5))
def test_taking_away_leaves_no_sum(counted: list[CallFacts]) -> None:
    """All but greatest and least values goes back to nothing."""
    whole = figures_of(counted)
    rest = added(whole, whole.negated())
    assert {m.name: rest[m.name] for m in MEASURES if m.kind == "sum"} == dict.fromkeys(
        (m.name for m in MEASURES if m.kind == "sum"), 0
    )
    assert ({LATENCY: Histogram(), TTFT: Histogram()}, {}) == (rest.histograms, rest.scores)


@given(calls(), st.none() | st.integers(0, 10**12))
def test_correction_makes_up_the_difference(before: CallFacts, price: int | None) -> None:
    """A new price, added to what was counted, gives what would have been counted; and back to nothing."""
    after = before._replace(cost_nano_usd=price)
    change = Figures.of_change(before, after)
    assert Figures.of_call(after) == added(Figures.of_call(before), change)
    assert Figures() == added(change, Figures.of_change(after, before))


def test_correction_of_a_greatest_value_is_refused() -> None:
    """A maximum cannot be taken back out of a sum."""
    with pytest.raises(ValueError, match="latency_max_us"):
        Figures.of_change(call(latency_us=5), call(latency_us=4))


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_last_score_wins(values: list[float | None]) -> None:
    """However often a score is set, its last value alone counts."""
    steps = [Figures.of_score("helpful", *pair) for pair in zip([None, *values], values, strict=False)]
    assert Figures.of_score("helpful", None, values[-1]) == added(*steps)


def test_scores_add_up_exactly() -> None:
    """Ten tenths are one: sums are whole 1e-9."""
    tenths = [Figures.of_score("helpful", None, 0.1)] * 10
    assert {"helpful": (10, 10**9)} == added(*tenths).scores


@pytest.mark.parametrize(("value", "total"), [(0.5e-9, 0), (1.5e-9, 2), (-1.5e-9, -2), (1e300, 10**309)])
def test_score_is_kept_to_nine_decimals(value: float, total: int) -> None:
    """Half to even beyond, and no score is too large."""
    scores = Figures.of_score("x", None, value).scores
    assert total == scores["x"][1]


@unhurried
@given(st.lists(calls(), max_size=5), st.dictionaries(st.text(min_size=1), st.floats(-1e9, 1e9), max_size=3))
def test_columns_return_the_same(counted: list[CallFacts], scores: dict[str, float]) -> None:
    """What is written to a rollup is read from it."""
    whole = figures_of(counted)
    for name, value in scores.items():
        whole.add(Figures.of_score(name, None, value))
    whole.numbers["cost_nano_usd"] = min(whole["cost_nano_usd"], INT64)
    assert whole == Figures.of_values(whole.measures, whole.values())


def test_columns_are_those_of_the_table() -> None:
    """Figures hold every measure, each as its row says; blank ones are the row's blank."""
    assert tuple(m.name for m in MEASURES) == Figures().measures
    assert [m.blank for m in MEASURES] == Figures().values()
    assert all(type(m.blank) is TYPES[m.stored] for m in MEASURES)


def test_sum_beyond_64_bits_is_kept_at_the_bound() -> None:
    """Absurd prices stop no fold: the column holds the greatest value it can."""
    dear = Figures.of_call(call(cost_nano_usd=10**18))
    whole = added(*[dear] * 10)
    assert whole["cost_nano_usd"] == 10**19
    assert INT64 == whole.values()[whole.measures.index("cost_nano_usd")]


def test_asking_for_what_was_not_read_fails() -> None:
    """A measure that is not held is an error, never a 0."""
    some = Figures.blank(["calls", LATENCY])
    assert ("calls", LATENCY) == some.measures
    for ask in (lambda: some["errors"], lambda: some.histograms[TTFT], lambda: some.scores):
        with pytest.raises(KeyError):
            ask()


def test_some_measures_take_in_all() -> None:
    """Figures that hold few add those of figures that hold more, and refuse those that hold less."""
    some = Figures.blank(["calls"])
    some.add(Figures.of_call(call()))
    assert {"calls": 1} == some.numbers
    with pytest.raises(KeyError):
        Figures().add(some)


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        pytest.param("calls", -1, id="a negative sum"),
        pytest.param(LATENCY, b"\x01\x02", id="no histogram"),
        pytest.param("scores", "[1]", id="no scores"),
        pytest.param("scores", "{", id="no JSON"),
        pytest.param("scores", '[["x", "many", "0"]]', id="no count"),
    ],
)
def test_damaged_columns_are_refused(measure: str, value: Value) -> None:
    """They raise, with what to do."""
    with pytest.raises(InvalidRollupError, match="rollup rebuild"):
        Figures.of_values([measure], [value])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(Figures.of_call(call()).negated(), id="a sum"),
        pytest.param(Figures.of_score("x", 1.0, None), id="a count of scores"),
    ],
)
def test_less_than_nothing_is_not_stored(wrong: Figures) -> None:
    """A delta may hold it, a rollup never."""
    with pytest.raises(InvalidRollupError, match="rollup rebuild"):
        wrong.values()


def test_extremes_of_nothing_lose_to_any_call() -> None:
    """The blank of a greatest and a least value is beyond what a call can have."""
    assert NO_MAXIMUM < 0 < micros_of(AT) < NO_MINIMUM
    assert MEASURE["last_call_us"].blank == NO_MAXIMUM


@unhurried
@given(st.lists(calls(), max_size=4), st.lists(calls(), max_size=4))
def test_adding_to_a_stored_cell_is_adding(before: list[CallFacts], after: list[CallFacts]) -> None:
    """The columns come to the same as those of all calls together."""
    stored = figures_of(before).values()
    assert figures_of([*before, *after]).values() == figures_of(after).added_to(stored)


def test_what_is_not_added_to_stays_as_it_is() -> None:
    """Nothing is parsed that nothing is added to: damage in one column does not hold up the others."""
    stored = Figures().values()
    stored[-1], stored[-2] = "rubbish", b"rubbish"
    added_to = Figures.of_call(call(latency_us=5)).added_to(stored)
    assert ["rubbish", b"rubbish"] == [added_to[-1], added_to[-2]]
    with pytest.raises(InvalidRollupError):
        Figures.of_call(call(time_to_first_token_us=5)).added_to(stored)
    with pytest.raises(InvalidRollupError):
        Figures.of_score("helpful", None, 1).added_to(stored)


def test_stored_sum_never_falls_below_zero() -> None:
    """A correction that comes before its call is refused, not stored."""
    change = Figures.of_change(call(cost_nano_usd=5), call(cost_nano_usd=2))
    with pytest.raises(InvalidRollupError, match="cost_nano_usd"):
        change.added_to(Figures().values())


def test_sum_at_the_bound_stays_there() -> None:
    """Taking something away again would make a number of it that looks right."""
    stored = added(*(Figures.of_call(call(cost_nano_usd=INT64)) for _ in range(2))).values()
    cheaper = Figures.of_change(call(cost_nano_usd=500), call(cost_nano_usd=2))
    place = list(Figures().numbers).index("cost_nano_usd")
    assert INT64 == stored[place] == cheaper.added_to(stored)[place]
    assert 3 == Figures.of_call(call()).added_to(stored)[0]


def test_cell_bounds_the_names_of_its_scores() -> None:
    """Beyond a hundred they count as `(other)`; a name stays in its place while there are such."""
    names = [f"name-{number:03}" for number in range(MAX_SCORES + 2)]
    stored = Figures().values()
    for name in names:
        stored = Figures.of_score(name, None, 1).added_to(stored)
    kept = Figures.of_values(ALL, stored).scores
    assert {*names[:MAX_SCORES], REST} == set(kept)
    assert (2, 2 * 10**9) == kept[REST]
    stored = Figures.of_score(names[0], 1, None).added_to(stored)
    for step in ((1, 5), (5, None)):  # of one in the rest, changed and taken away
        stored = Figures.of_score(names[-1], *step).added_to(stored)
    assert (1, 10**9) == Figures.of_values(ALL, stored).scores[REST]
    stored = Figures.of_score(names[-2], 1, None).added_to(stored)
    assert set(names[1:MAX_SCORES]) == set(Figures.of_values(ALL, stored).scores)


def test_many_names_at_once_are_bounded_too() -> None:
    """A new cell holds no more than one that grew."""
    many = added(*(Figures.of_score(f"name-{number:03}", None, 1) for number in range(150)))
    kept = Figures.of_values(ALL, many.added_to(Figures().values())).scores
    assert (MAX_SCORES + 1, 50) == (len(kept), kept[REST][0])
