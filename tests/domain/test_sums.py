"""Sums of deltas: whatever a reader groups by and asks for, and what the fold adds to the rollups."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.cells import SCOPES, CellKey, FineCell, cell_key, fine_cell
from promptgraph.domain.delta import DAY, Delta
from promptgraph.domain.figures import Figures
from promptgraph.domain.ledger import from_row, to_row
from promptgraph.domain.measures import CallFacts
from promptgraph.domain.pile import ANYWHERE, Where
from promptgraph.domain.sums import compacted, rolled_up, summed
from tests.domain.counted import AT, call, calls, figures_of, unhurried

HOUR = 498_706
COLUMNS = (*FineCell._fields, DAY)
batches = st.lists(st.lists(calls(), max_size=6), max_size=3)
groupings = st.sampled_from([by for size in range(3) for by in combinations(COLUMNS, size)])
filters = st.fixed_dictionaries(
    {},
    optional={
        "hour": st.just(range(HOUR, HOUR + 20)),
        "day": st.just({HOUR // 24, HOUR // 24 + 1}),
        "prompt_id": st.sets(st.sampled_from([0, 1, 2])),
        "model": st.sets(st.sampled_from(["gpt-5-mini", "modèle"])),
        "environment": st.just({"production"}),
    },
)


def ways(counted: list[list[CallFacts]]) -> list[list[Delta]]:
    """The same batches as recorded, as compacted, as read from the ledger, and both."""
    plain = [Delta.of_calls(batch) for batch in counted]
    short = [compacted(delta) for delta in plain]
    return [plain, short, *([from_row(to_row(delta)) for delta in deltas] for deltas in (plain, short))]


def cells_of(told: CallFacts) -> Iterator[CellKey]:
    """Every cell that counts a call: one per scope and level."""
    fine = fine_cell(told)._asdict()
    for scope, kept in SCOPES.items():
        for level in kept.levels:
            period = level.period_of(fine["hour"])
            yield cell_key(scope, level, period, {name: fine[name] for name in kept.dimensions})


def values(told: CallFacts) -> dict[str, int | str]:
    cell = fine_cell(told)
    return {**cell._asdict(), DAY: cell.hour // 24}


@unhurried
@given(batches, groupings, filters)
def test_groups_equal_what_adding_call_by_call_gives(
    counted: list[list[CallFacts]], by: tuple[str, ...], where: Where
) -> None:
    """For every grouping and every choice of cells."""
    expected: dict[tuple[int | str, ...], Figures] = {}
    for told in (told for batch in counted for told in batch):
        held = values(told)
        if all(held[name] in wanted for name, wanted in where.items()):
            expected.setdefault(tuple(held[name] for name in by), Figures()).add(Figures.of_call(told))
    for deltas in ways(counted):
        assert expected == summed(deltas, by, where)


@pytest.mark.parametrize("held", [1, 3, 10**6])
def test_many_deltas_are_added_some_at_a_time(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """However many are laid end to end at once, the sums are the same."""
    monkeypatch.setattr("promptgraph.domain.pile.PILE_CELLS", held)
    counted = [[call(prompt_id=each % 3 + 1, latency_us=each)] * (each % 4) for each in range(20)]
    deltas = [from_row(to_row(Delta.of_calls(batch))) for batch in counted]
    flat = [told for batch in counted for told in batch]
    for prompt in (1, 2, 3):
        some = [told for told in flat if told.prompt_id == prompt]
        assert {(prompt,): figures_of(some)} == summed(deltas, ("prompt_id",), {"prompt_id": {prompt}})
    assert rolled_up([Delta.of_calls(flat)]) == rolled_up(deltas)


@unhurried
@given(batches)
def test_rollups_get_what_each_cell_counts(counted: list[list[CallFacts]]) -> None:
    """The fold adds to each cell what the calls in it add up to."""
    expected: defaultdict[CellKey, Figures] = defaultdict(Figures)
    for told in (told for batch in counted for told in batch):
        for cell in cells_of(told):
            expected[cell].add(Figures.of_call(told))
    for deltas in ways(counted):
        assert expected == rolled_up(deltas)


@unhurried
@given(st.lists(calls(), max_size=6))
def test_reads_no_more_than_was_asked_for(counted: list[CallFacts]) -> None:
    """Some measures, and no others."""
    asked = ("calls", "last_call_us", "latency_histogram")
    for each in summed([Delta.of_calls(counted)], ("model",), measures=asked).values():
        assert asked == each.measures


def test_scores_go_with_their_cells() -> None:
    """A score counts where its call does, chosen or not, in one group or many."""
    cells = {
        fine_cell(call(prompt_id=each)): Figures.of_score("helpful", None, float(each)) for each in (1, 2, 3)
    }
    deltas = [from_row(to_row(Delta.of_cells(cells)))]
    assert {"helpful": (3, 6 * 10**9)} == summed(deltas)[()].scores
    some = summed(deltas, ("prompt_id",), {"prompt_id": {2, 3}})
    assert {(2,): {"helpful": (1, 2 * 10**9)}, (3,): {"helpful": (1, 3 * 10**9)}} == {
        key: each.scores for key, each in some.items()
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda each: call(prompt_id=each % 3 + 1, latency_us=each), id="some of many"),
        pytest.param(lambda each: call(prompt_id=1, latency_us=each), id="one value for all"),
    ],
)
def test_filter_that_fits_nothing_gives_nothing(change: Callable[[int], CallFacts]) -> None:
    """No empty group stands for what is not there."""
    deltas = [Delta.of_calls([change(each) for each in range(9)])]
    assert {} == summed(deltas, ("prompt_id",), {"prompt_id": {9}})
    assert {} == summed(deltas, (), {"prompt_id": {9}})


def test_sums_of_no_delta_are_none() -> None:
    """Nothing recorded, nothing grouped, nothing folded."""
    assert {} == summed([], (), ANYWHERE)
    assert {} == rolled_up([])


def test_large_batch_adds_up() -> None:
    """Many calls over many cells, through the ledger."""
    counted = [
        call(prompt_id=each % 40 + 1, latency_us=each * 1000, input_tokens=each) for each in range(500)
    ]
    row = to_row(Delta.of_calls(counted))
    assert {(): figures_of(counted)} == summed([from_row(row)])
    assert AT is counted[0].started_at
