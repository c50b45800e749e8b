"""The table of goals, and what is made of it."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from bench.goals import COMPARISONS, WORDS, Comparison
from bench.load import Found
from bench.machine import facts
from bench.reading import Key, Pace, fallen_back, figures
from bench.report import HEAD, NOT_MEASURED, Run, as_json, parts, read_json, reasons, rows, table, write_json
from tests.children import ROOT

OURS, THEIRS = Key("promptgraph", "sqlite", "Q6"), Key("naive", "sqlite", "Q6")


def found(ours: float = 30, theirs: float = 10, *, noted: int = 0) -> Run:
    """A run of two rounds, of one question."""
    run = Run(Pace(rounds=2), 20_000, True, {"memory": "1 GiB"}, {}, 0.5, figures())  # noqa: FBT003  # quick
    for rate in (1, 2):
        run.found[OURS].add(Found(int(ours * rate), 1.0, 1.5, 9.0, 0.95, noted))
        run.found[THEIRS].add(Found(int(theirs), 1.0, 2.5, 9.5, 0.1))
    return run


def test_every_goal_has_its_comparisons() -> None:
    """P1 to P14, each in words and with a goal for every row."""
    ids = [each.id for each in COMPARISONS]
    assert [f"P{number}" for number in range(1, 15)] == list(dict.fromkeys(ids))[:14]
    assert set(ids) == set(WORDS)
    assert all((each.goal is None) == (each.id == "") for each in COMPARISONS)


@pytest.mark.parametrize(
    ("goal", "most", "expected"),
    [
        pytest.param(4.5, False, True, id="reached"),
        pytest.param(4.6, False, False, id="missed"),
        pytest.param(4.5, True, True, id="stayed below"),
        pytest.param(4.4, True, False, id="went beyond"),
        pytest.param(None, False, None, id="no goal"),
    ],
)
def test_a_goal_is_met_by_the_medians(
    goal: float | None,
    most: bool,  # noqa: FBT001  # parametrised
    expected: bool | None,  # noqa: FBT001  # as above
) -> None:
    """At least, or at most."""
    comparison = Comparison("P1", OURS, THEIRS, goal, most)
    run = found()
    assert 4.5 == comparison.ratio(run.found)
    assert expected is comparison.met(run.found)


def test_what_is_not_measured_says_so() -> None:
    """A row without figures has neither ratio nor verdict."""
    lines = list(rows(found().found))
    assert {True} == {line[-1] == "" for line in lines if line[6] == NOT_MEASURED}
    assert [("P2", "Q6", "SQLite", "45*", "naive", "10", "4.5", "3 to 6", ">= 80", "no")] == [
        line for line in lines if line[6] != NOT_MEASURED
    ]


def test_a_query_that_fell_back_is_told() -> None:
    """Of ours, and with how many answers."""
    assert [] == fallen_back(found().found)
    assert ["not by the fast path: Q6 on sqlite, 4 answers"] == fallen_back(found(noted=2).found)


def test_the_page_is_whole_and_names_no_machine() -> None:
    """Every place of the template is filled; no host, no path, no other project's address."""
    run = found()
    run.missing["P9"] = "too long"
    words = parts(run)
    template = (ROOT / "bench" / "performance.md").read_text()
    assert set(re.findall(r"\$(\w+)", template)) == set(words)
    assert all(f"| {each.id} |" in words["goals"] for each in COMPARISONS if each.id)
    assert "- P9: too long" == words["missing"]
    told = json.dumps([words, facts()])
    assert not [word for word in (socket.gethostname(), str(ROOT), "http:") if word and word in told]


def test_results_are_json() -> None:
    """Figures by round, comparisons with their goals."""
    data = json.loads(json.dumps(as_json(found())))
    assert [[30, 60], [10, 10]] == [each["rates"] for each in data["figures"]]
    assert len(COMPARISONS) == len(data["comparisons"])


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A run that was cut, too: the page can be made of what it found."""
    run = found()
    run.failed["write"] = "a server did not start"
    run.found[OURS].error = "no answer"
    write_json(run, tmp_path / "results.json")
    assert run == read_json(tmp_path / "results.json")


def test_a_missed_goal_has_its_reason() -> None:
    """Those that are written down are of goals that there are, and are shown where one was missed alone."""
    assert set(reasons()) <= set(WORDS)
    assert "**P2**:" in parts(found())["reasons"]
    assert "None was missed." == parts(found(ours=900))["reasons"]


def test_the_table_shows_what_was_measured() -> None:
    """Below its head, a line for each comparison that has a figure on one side at least."""
    head, *lines = table(found().found).splitlines()
    assert HEAD[1] in head
    touched = [each for each in COMPARISONS if {each.ours, each.theirs} & {OURS, THEIRS}]
    assert [each.id for each in touched] == [line.split()[0].replace("Q6", "") for line in lines]
