"""Answers held against each other, each contestant's in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.answers import GRAPHILE, differences, whole_bins
from bench.contestants import QUESTIONS
from bench.peers import GRAPHILE as FOLDER
from tests.children import ROOT

CALL = {
    "callId": "01a20691-e6d4-7000-b944-e8711493873f",
    "costUsd": "0.000024944",
    "latencyMs": 640.088,
    "inputTokens": 520,
    "startedAt": "2026-11-23T04:02:34.836294Z",
    "status": "OK",
    "model": None,
}


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"callId": "01a20691e6d47000b944e8711493873f"}, id="id"),
        pytest.param({"costUsd": 2.4944e-05}, id="money"),
        pytest.param({"inputTokens": "520"}, id="big number"),
        pytest.param({"startedAt": "2026-11-23 04:02:34.836294"}, id="no zone"),
        pytest.param({"startedAt": "2026-11-23T05:02:34.836294+01:00"}, id="another zone"),
        pytest.param({"status": "ok"}, id="word"),
        pytest.param({"id": "else", "model": None}, id="ids are each one's own"),
    ],
)
def test_other_words_are_no_difference(theirs: dict[str, Any]) -> None:
    """The same value in another form is the same."""
    assert [] == list(differences([CALL], [theirs]))


@pytest.mark.parametrize(
    ("theirs", "at"),
    [
        pytest.param({"costUsd": 2.4945e-05}, "costUsd", id="money"),
        pytest.param({"inputTokens": 521}, "inputTokens", id="number"),
        pytest.param({"startedAt": "2026-11-23T04:02:34.836295Z"}, "startedAt", id="moment"),
        pytest.param({"model": "gpt-5"}, "model", id="none against a text"),
        pytest.param({"latencyMs": None}, "latencyMs", id="a number against none"),
        pytest.param({"agent": "bot"}, "agent", id="a field that we lack"),
    ],
)
def test_another_value_is_a_difference(theirs: dict[str, Any], at: str) -> None:
    """It is found, and said where."""
    (found,) = differences({"nodes": [CALL]}, {"nodes": [theirs]})
    assert found.startswith(f".nodes[0].{at}:")


def test_rows_are_counted() -> None:
    """A row too few is a difference."""
    assert [".nodes: 2 against 1 items"] == list(differences({"nodes": [1, 2]}, {"nodes": [1]}))


def test_quantiles_may_be_one_percent_off() -> None:
    """And sums may not."""
    assert [] == list(differences({"p95": 100.9}, {"p95": 100.0}))
    assert len(list(differences({"p95": 102.0, "mean": 100.9}, {"p95": 100.0, "mean": 100.0}))) == 2


def test_steps_without_calls_are_left_out() -> None:
    """So are the ends of a window that moves on."""
    steps = [{"since": f"2026-11-23T0{hour}:00:00Z", "calls": hour % 3} for hour in range(6)]
    data = {"prompt": {"metrics": {"series": steps}}}
    assert [1, 2, 1] == [step["calls"] for step in whole_bins(data).values()]


def test_every_question_has_its_words_for_both() -> None:
    """A file of ours and one of PostGraphile's, and a way to read its answer."""
    files = {each.file for each in QUESTIONS}
    assert files == set(GRAPHILE)
    assert files == {path.stem for path in (ROOT / "bench" / "queries").glob("*.graphql")}
    assert files == {path.stem for path in FOLDER.glob("*.graphql")}


def test_postgraphile_is_read_in_our_words() -> None:
    """Nano-USD and microseconds become what our fields say."""
    figures = {"totalCount": 3, "aggregates": {"sum": {"inputTokens": "7", "outputTokens": "8"}}}
    figures["aggregates"]["sum"]["costNanoUsd"] = "1500000000"  # type: ignore[index]  # made above
    data = {"promptByNameAndVersion": {"llmCallsByPromptId": figures}}
    ours = {"prompt": {"metrics": {"calls": 3, "inputTokens": 7, "outputTokens": 8, "costUsd": "1.5"}}}
    assert [] == list(differences(ours, GRAPHILE["Q3"](json.loads(json.dumps(data)))))
