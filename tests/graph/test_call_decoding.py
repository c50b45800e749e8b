"""Quick decoding of calls: what the standard way comes to, or nothing."""

from functools import cache
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLSchema, Undefined, assert_input_object_type
from graphql.utilities import coerce_input_value
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.call import NewCall
from promptgraph.graph.call_decoding import CallDecoder
from promptgraph.graph.call_inputs import ATTRIBUTES, _call
from promptgraph.graph.schema import Schema
from promptgraph.graph.variables import MOST_LEVELS, MOST_ROWS

ID = "0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90"
FULL: dict[str, Any] = {
    "callId": ID,
    "promptId": "UHJvbXB0",
    "label": "production",
    "agent": "support-bot",
    "environment": "staging",
    "model": "gpt-5",
    "attempt": 0,
    "status": "ERROR",
    "finishReasons": ["stop", "length"],
    "inputTokens": 10,
    "costUsd": "0.0125",
    "latencyMs": 12,
    "timeToFirstTokenMs": 1.5,
    "startedAt": "2026-11-20T10:00:00+02:00",
    "variables": {"ticket": [1, {"a": None}]},
    "output": [True],
    "metadata": {},
}


@cache
def schema() -> GraphQLSchema:
    return Schema(is_open=True).core


def standard(sent: object) -> NewCall | None:
    """What coercion and the input's reader make of a row; None where coercion refuses it."""
    found = coerce_input_value(
        sent, GraphQLNonNull(assert_input_object_type(schema().type_map["LlmCallInput"]))
    )
    return None if found is Undefined else _call(found)


def decoded(sent: Any) -> NewCall | None:
    return CallDecoder(schema()).call(sent)


def test_reads_a_call_as_the_standard_way_does() -> None:
    """Every kind of value comes out alike, and the quick way is not in doubt about any."""
    assert standard(FULL) == decoded(FULL) is not None


def test_takes_a_null_for_nothing() -> None:
    """A field that may be null and is, has its default."""
    nothing = {**dict.fromkeys(ATTRIBUTES), "model": "m"}
    assert NewCall(model="m") == decoded(nothing) == standard(nothing)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({**FULL, "model": None}, id="null where something must be"),
        pytest.param({"callId": ID}, id="no model"),
        pytest.param({**FULL, "modle": "x"}, id="a field that there is not"),
        pytest.param({**FULL, "status": "ok"}, id="no value of the enum"),
        pytest.param({**FULL, "status": ["OK"]}, id="a list for an enum"),
        pytest.param({**FULL, "callId": ID[:-1]}, id="no UUID"),
        pytest.param({**FULL, "callId": f"{ID}\n"}, id="a UUID and more"),
        pytest.param({**FULL, "inputTokens": 2**31}, id="beyond 32 bits"),
        pytest.param({**FULL, "inputTokens": True}, id="a truth for a number"),
        pytest.param({**FULL, "latencyMs": "1"}, id="a text for a number"),
        pytest.param({**FULL, "latencyMs": 10**400}, id="a number beyond all floats"),
        pytest.param({**FULL, "label": 1}, id="a number for a text"),
        pytest.param({**FULL, "startedAt": "2026-11-20"}, id="no moment"),
        pytest.param({**FULL, "costUsd": "much"}, id="no decimal"),
        pytest.param({**FULL, "finishReasons": [None]}, id="a null in a list"),
        pytest.param({**FULL, "finishReasons": [1]}, id="a number in a list of texts"),
        pytest.param([], id="no object"),
        pytest.param(None, id="nothing"),
    ],
)
def test_leaves_what_is_wrong_to_the_standard_way(sent: object) -> None:
    """What coercion refuses is not read here."""
    assert standard(sent) is None
    assert decoded(sent) is None


def nested(levels: int) -> list[Any]:
    return [nested(levels - 1)] if levels else []


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({**FULL, "finishReasons": "stop"}, id="one value for a list"),
        pytest.param({**FULL, "output": nested(MOST_LEVELS)}, id="nested too deep for a request"),
    ],
)
def test_is_in_doubt_of_what_only_the_standard_way_judges(sent: object) -> None:
    """A list that is no list, and nesting that refuses the request, are not decided here."""
    assert decoded(sent) is None


def test_is_in_doubt_of_more_rows_than_a_request_may_hold() -> None:
    """The request's own bounds are looked at where they always are."""
    rows: list[Any] = [{"model": "m"}] * (MOST_ROWS + 1)
    assert CallDecoder(schema()).calls(rows) is None
    assert CallDecoder(schema()).calls({"model": "m"}) is None
    assert CallDecoder(schema()).calls([]) == []


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
OFTEN = st.sampled_from(sorted(FULL))


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from([*ATTRIBUTES, "other"]), VALUES, max_size=3), st.sets(OFTEN))
def test_never_differs_from_the_standard_way(odd: dict[str, Any], sound: set[str]) -> None:
    """Whatever a row holds, it is read alike, or not at all."""
    sent = {name: FULL[name] for name in sound} | odd
    assert decoded(sent) in (standard(sent), None)
