"""`promptgraph prune`."""

from __future__ import annotations

import datetime as dt

import pytest

from promptgraph.domain.call import CallStatus
from promptgraph.domain.retention import kept_from, start_of
from tests.cli.conftest import Answer, Command
from tests.cli.recorded import START, new_call, record
from tests.cli.recorded import synced as synced  # noqa: PLC0414  # a fixture

pytestmark = pytest.mark.usefixtures("synced")

WORDS = ("prune", "--older-than", "30d")


@pytest.fixture
def recorded(synced: None) -> dt.datetime:  # noqa: ARG001  # comes before
    """Two calls of long ago and one of now; since when calls are kept for thirty days."""
    now = dt.datetime.now(dt.UTC)
    record(
        new_call(variables={"question": "?"}), new_call(1, status=CallStatus.ERROR), new_call(started_at=now)
    )
    return start_of(kept_from(now, 30))


def test_says_what_would_go_and_removes_it(recorded: dt.datetime, answer: Answer, cli: Command) -> None:
    """A dry run changes nothing; then the calls are gone, and the figures are what they were."""
    before = f"{recorded:%Y-%m-%dT%H:%M:%S}Z"
    plan = {"calls": 2, "contents": 1, "scores": 0, "first": f"{START:%Y-%m-%dT%H:%M:%S}Z"}
    for _ in range(2):
        assert {"dryRun": True, "before": before, **plan} == answer(*WORDS, "--dry-run")
    assert {"dryRun": False, "before": before, "calls": 2} == answer(*WORDS)
    assert 0 == answer(*WORDS)["calls"]
    cli("rollup", "verify")
    assert {"calls": 1} == answer("rollup", "rebuild")
    cli("rollup", "verify")


@pytest.mark.usefixtures("recorded")
def test_errors_stay_if_asked(answer: Answer, cli: Command) -> None:
    """And are told in words."""
    assert 1 == answer(*WORDS, "--keep-errors", "--dry-run")["calls"]
    assert "Removed 1 call that" in cli(*WORDS, "--keep-errors").stdout
    assert "Would remove 1 call that" in cli(*WORDS, "--dry-run").stdout


@pytest.mark.usefixtures("recorded")
def test_age_may_be_a_setting(answer: Answer, cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same that refuses calls; without either nothing is removed."""
    assert "--older-than 90d" in cli("prune", code=2).stderr
    monkeypatch.setenv("PROMPTGRAPH_RETENTION_DAYS", "30")
    assert 2 == answer("prune", "--dry-run")["calls"]
    monkeypatch.setenv("PROMPTGRAPH_RETENTION_DAYS", "7")
    assert "a whole number from 8 to 36500" in cli("prune", code=2).stderr


@pytest.mark.parametrize("age", ["30", "0d", "-1d", "7d", "1y", "99999d", "now"])
def test_nonsense_removes_nothing(cli: Command, answer: Answer, age: str) -> None:
    """Wrong usage: exit code 2, and the sentence says what an age is."""
    record(new_call())
    assert "d" in cli("prune", f"--older-than={age}", code=2).stderr
    assert 1 == answer(*WORDS, "--dry-run")["calls"]
