"""Cells: where a call counts."""

import pytest
from hypothesis import given

from promptgraph.domain.cells import SCOPES, CellKey, FineCell, Level, Scope, fine_cell
from promptgraph.domain.delta import Delta
from promptgraph.domain.measures import CallFacts
from promptgraph.domain.sums import rolled_up
from tests.domain.counted import call, calls, figures_of

HOUR = 498_706
DAY = HOUR // 24


def test_call_counts_in_twelve_cells() -> None:
    """All, its prompt and its agent, each in total, by day and by hour; its model and provider by day and by
    hour; the five dimensions by day.
    """
    told = rolled_up([Delta.of_calls([call(prompt_id=3, agent_id=4)])])
    blank = CellKey(Scope.ALL, Level.TOTAL, 0, 0, 0, "", "", "production")
    scopes = (
        blank,
        blank._replace(scope=Scope.PROMPT, prompt_id=3),
        blank._replace(scope=Scope.AGENT, agent_id=4),
    )
    periods = ((Level.TOTAL, 0), (Level.DAY, DAY), (Level.HOUR, HOUR))
    model = CellKey(Scope.MODEL, Level.DAY, DAY, 0, 0, "gpt-5-mini", "openai", "production")
    assert {
        *(scope._replace(level=level, period=period) for scope in scopes for level, period in periods),
        model,
        model._replace(level=Level.HOUR, period=HOUR),
        CellKey(Scope.CROSS, Level.DAY, DAY, 3, 4, "gpt-5-mini", "openai", "production"),
    } == told.keys()


def test_call_without_prompt_counts_with_nobody() -> None:
    """Keys hold no null: nobody is 0, no provider is empty."""
    bare = call(prompt_id=None, agent_id=None, provider=None)
    assert FineCell(HOUR, 0, 0, "gpt-5-mini", "", "production") == fine_cell(bare)
    assert 12 == len(rolled_up([Delta.of_calls([bare])]))


@given(calls())
def test_no_cell_counts_a_call_twice(told: CallFacts) -> None:
    """Each of its cells has its figures, once; and cells sort."""
    cells = rolled_up([Delta.of_calls([told])])
    assert [figures_of([told])] * 12 == [cells[key] for key in sorted(cells)]


@pytest.mark.parametrize(
    ("level", "hour", "period"),
    [(Level.TOTAL, 49, 0), (Level.DAY, 49, 2), (Level.DAY, -1, -1), (Level.HOUR, 49, 49)],
)
def test_period_holds_the_hour(level: Level, hour: int, period: int) -> None:
    """Hours before 1970 too."""
    assert period == level.period_of(hour)


def test_levels_run_from_long_to_short() -> None:
    """The last level of a scope is the one that the others are sums of."""
    assert all(list(kept.levels) == sorted(kept.levels) for kept in SCOPES.values())
