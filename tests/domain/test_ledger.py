"""Ledger rows: a delta comes back as it was, and a damaged row is never read as other figures."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.cells import fine_cell
from promptgraph.domain.column import packed, unpacked
from promptgraph.domain.delta import Delta
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import Figures
from promptgraph.domain.ledger import from_row, to_row
from promptgraph.domain.measures import INT64, CallFacts
from promptgraph.domain.sums import cells_in, compacted, summed
from tests.domain.counted import by_cell, call, calls, figures, unhurried

whole = st.integers(-INT64, INT64)


@unhurried
@given(st.lists(whole, min_size=1) | st.lists(st.integers(0, 300), min_size=1))
def test_column_returns_the_same(column: list[int]) -> None:
    """Whatever 64-bit numbers it holds."""
    back = unpacked(json.loads(json.dumps(packed(column))), len(column))
    assert column == ([back] * len(column) if isinstance(back, int) else list(back))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param([7, 7, 7], 7, id="one value"),
        pytest.param([0, 255], [0, "B", "AP8="], id="a byte each"),
        pytest.param([10**15, 10**15 + 255], [10**15, "B", "AP8="], id="what each is above the least"),
        pytest.param([0, 258], [0, "H", "AAACAQ=="], id="little-endian"),
        pytest.param([0, 10**30], [0, "Q", "AAAAAAAAAAD/////////fw=="], id="kept at the bound"),
    ],
)
def test_column_is_compact(column: list[int], value: object) -> None:
    """One value, or the narrowest width."""
    assert value == packed(column)


@unhurried
@given(st.lists(calls(), max_size=8))
def test_calls_return_as_they_were_counted(counted: list[CallFacts]) -> None:
    """A row of calls holds the figures of each cell, as adding call by call gives them."""
    row = json.loads(json.dumps(to_row(Delta.of_calls(counted))))
    assert by_cell(counted) == cells_in(from_row(row))


@unhurried
@given(st.lists(st.tuples(calls(), figures()), max_size=5))
def test_corrections_return_as_they_were(changes: list[tuple[CallFacts, Figures]]) -> None:
    """Signed sums and scores too."""
    cells = {fine_cell(told): each for told, each in changes}
    row = json.loads(json.dumps(to_row(Delta.of_cells(cells))))
    assert cells == cells_in(from_row(row))


@unhurried
@given(st.lists(calls(days=1), max_size=8))
def test_row_taken_back_leaves_no_sum(counted: list[CallFacts]) -> None:
    """A delta and the same one negated count nothing together."""
    delta = Delta.of_calls(counted)
    back = Delta.of_cells({cell: each.negated() for cell, each in cells_in(delta).items()})
    for each in summed([from_row(to_row(delta)), from_row(to_row(back))], ("hour",)).values():
        assert each["calls"] == each["cost_nano_usd"] == each["latency_us"] == 0
        assert not any(histogram.buckets for histogram in each.histograms.values())


def test_calls_of_one_cell_become_one_entry() -> None:
    """Where cells repeat, a row holds each once; where they do not, it stays as it is."""
    alike = Delta.of_calls([call(latency_us=us) for us in range(100)])
    unlike = Delta.of_calls([call(prompt_id=each) for each in range(100)])
    assert compacted(alike).size == 1
    assert cells_in(alike) == cells_in(compacted(alike)) == cells_in(compacted(from_row(to_row(alike))))
    assert compacted(unlike) is unlike


def test_empty_delta_is_an_empty_row() -> None:
    """Nothing was inserted, nothing is added."""
    assert {"v": 1, "n": 0} == to_row(Delta.of_calls([])) == to_row(compacted(Delta()))
    assert {} == summed([from_row({"v": 1, "n": 0})])


def test_single_call_is_a_short_row() -> None:
    """Its columns are plain numbers, and blank ones are left out."""
    row = to_row(Delta.of_calls([call(latency_us=800)]))
    assert row["keys"] == {
        "hour": 498706,
        "prompt_id": 1,
        "agent_id": 1,
        "model": [["gpt-5-mini"], 0],
        "provider": [["openai"], 0],
        "environment": [["production"], 0],
    }
    assert {"errors", "input_tokens", "time_to_first_token_us"}.isdisjoint(str(row["numbers"]).split("'"))
    assert row["samples"] == {"latency_histogram": [1, 335, 1]}


def _with(row: JsonObject, value: object, path: str) -> JsonObject:
    """The row with another value at this path."""
    made = json.loads(json.dumps(row))
    *before, last = path.split(".")
    at = made
    for key in before:
        at = at[key]
    at[last] = value
    return dict(made)


ROW = to_row(Delta.of_calls([call(latency_us=1, prompt_id=1), call(latency_us=10**6, prompt_id=300)]))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: {}, id="nothing"),
        pytest.param(lambda row: _with(row, 2, "v"), id="another format"),
        pytest.param(lambda row: _with(row, 3, "n"), id="another size"),
        pytest.param(lambda row: _with(row, -1, "n"), id="a negative size"),
        pytest.param(lambda row: _with(row, "2", "n"), id="a size of text"),
        pytest.param(lambda row: _with(row, {}, "keys"), id="no keys"),
        pytest.param(lambda row: _with(row, [], "keys"), id="keys that are a list"),
        pytest.param(lambda row: _with(row, [0, "B", "!"], "keys.prompt_id"), id="no base64"),
        pytest.param(lambda row: _with(row, [0, "d", "AAAA"], "keys.prompt_id"), id="an unknown width"),
        pytest.param(lambda row: _with(row, [0, "H", "AAA="], "keys.prompt_id"), id="half a number"),
        pytest.param(lambda row: _with(row, [0, "B", "AA=="], "keys.prompt_id"), id="a number too few"),
        pytest.param(lambda row: _with(row, [["a"], 1], "keys.model"), id="a text that is not there"),
        pytest.param(lambda row: _with(row, 1.5, "numbers.calls"), id="a fraction"),
        pytest.param(lambda row: _with(row, value=True, path="numbers.calls"), id="a truth"),
        pytest.param(lambda row: _with(row, 1, "numbers.tomorrows_measure"), id="a measure of tomorrow"),
        pytest.param(lambda row: _with(row, [1, 5, 1], "samples.x"), id="a histogram of tomorrow"),
        pytest.param(lambda row: _with(row, [1], "samples.latency_histogram"), id="no buckets"),
        pytest.param(lambda row: _with(row, [[2, "x", 1, "1"]], "scores"), id="a score of no cell"),
        pytest.param(lambda row: _with(row, [[0, "x", 1, "much"]], "scores"), id="a sum that is no number"),
    ],
)
def test_damaged_row_is_refused(damage: Callable[[JsonObject], JsonObject]) -> None:
    """When it is read, or at the latest when the damaged column is."""
    with pytest.raises(InvalidRollupError, match=r"damaged.*rollup rebuild"):
        summed([from_row(damage(ROW))], ("prompt_id", "model"))
