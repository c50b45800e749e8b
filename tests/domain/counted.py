"""Calls to count, made by hand and by hypothesis."""

import datetime as dt

from hypothesis import settings
from hypothesis import strategies as st

from promptgraph.domain.cells import FineCell, fine_cell
from promptgraph.domain.figures import Figures
from promptgraph.domain.measures import CallFacts

AT = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
DAY_US = 86_400_000_000

# few values, for drawing is what costs time; their sums are many
_counts = st.sampled_from([None, 0, 1, 700, 2**31 - 1])
_times = st.sampled_from([None, 0, 1, 999]) | st.integers(0, DAY_US)
unhurried = settings(deadline=None, max_examples=50)


def calls(days: int = 2) -> st.SearchStrategy[CallFacts]:
    """Calls of few prompts, agents and models, so that cells are shared, within so many days."""
    return st.builds(
        CallFacts,
        started_at=st.integers(0, days * DAY_US - 1).map(lambda us: AT + dt.timedelta(microseconds=us)),
        prompt_id=st.sampled_from([None, 1, 2, 7]),
        agent_id=st.sampled_from([None, 1, 300]),
        model=st.sampled_from(["gpt-5-mini", "modèle"]),
        provider=st.sampled_from([None, "openai", "anthropic"]),
        environment=st.sampled_from(["default", "production"]),
        status=st.sampled_from(["OK", "OK", "ERROR"]),
        input_tokens=_counts,
        output_tokens=_counts,
        cache_read_input_tokens=_counts,
        cache_write_input_tokens=_counts,
        reasoning_output_tokens=_counts,
        cost_nano_usd=st.sampled_from([None, 0, 1, 2_500_000, 10**18]),
        latency_us=_times,
        time_to_first_token_us=_times,
    )


def figures() -> st.SearchStrategy[Figures]:
    """Figures of some calls and their scores, with sums that may be negative, as in a delta."""
    return st.builds(
        _figures,
        st.lists(calls(), max_size=4),
        st.lists(
            st.tuples(st.sampled_from(["helpful", "toxic"]), st.none() | st.floats(-10, 10)), max_size=3
        ),
        st.sampled_from([1, -1]),
    )


def _figures(counted: list[CallFacts], scores: list[tuple[str, float | None]], sign: int) -> Figures:
    made = figures_of(counted)
    for name, value in scores:
        made.add(Figures.of_score(name, None, value))
    return made.negated() if sign < 0 else made


def figures_of(counted: list[CallFacts]) -> Figures:
    """The figures of these calls, one added after the other."""
    made = Figures()
    for call in counted:
        made.add(Figures.of_call(call))
    return made


def by_cell(counted: list[CallFacts]) -> dict[FineCell, Figures]:
    """The figures of these calls by fine cell, call by call."""
    made: dict[FineCell, Figures] = {}
    for call in counted:
        made.setdefault(fine_cell(call), Figures()).add(Figures.of_call(call))
    return made


def call(**facts: object) -> CallFacts:
    """A call, as these facts say and otherwise plain."""
    plain = CallFacts(AT, 1, 1, "gpt-5-mini", "openai", "production")
    return plain._replace(**facts)  # type: ignore[arg-type]  # by name, as tests give them
