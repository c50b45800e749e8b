"""The servers that are measured, on little data: they start, answer alike, and end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs
import pytest

from bench.contestants import FLOOR, HELLO, QUESTIONS, SQLITE, Contestant, readers
from bench.reading import DifferentAnswerError, Key, Pace, compare, fallen_back, figures, measure
from bench.writing import COERCION, coerce

LITTLE = Pace(rounds=1, light_s=0.05, heavy_s=0.05, warm_up_s=0.0)


@pytest.fixture(scope="module")
def contestants(database: Path) -> Iterator[list[Contestant]]:
    """All who need no peer, on SQLite; afterwards none of their processes is left."""
    with readers({SQLITE: f"sqlite:///{database}"}, None, with_peers=False) as found:
        yield found
    assert not [each.name for each in found if psutil.pid_exists(each.served.base.pid)]


@pytest.mark.slow
def test_contestants_answer_alike(contestants: list[Contestant]) -> None:
    """The naive server to every question, the floor to three, and hello to none."""
    asked = [len({each.name for each in QUESTIONS} & set(one.asks)) for one in contestants]
    assert [7, 7, 3, 0] == asked
    assert (6 + 3) + (2 + 3) == compare(contestants)


@pytest.mark.slow
def test_contestants_are_measured_in_turns(contestants: list[Contestant]) -> None:
    """Whoever is asked has a rate, and what fell back is known."""
    found = figures()
    light = [each for each in QUESTIONS if each.name in ("Q1", "Q6")]
    measure(contestants, light, LITTLE, None, found)
    expected = {Key(each.name, each.database, name) for each in contestants for name in ("Q1", "Q6")}
    expected -= {Key(HELLO, "", "Q1"), Key(HELLO, "", "Q6")}
    assert expected | {Key(HELLO, "", "hello")} == set(found)
    assert all(each.rate > 0 for each in found.values())
    assert [] == fallen_back(found)


@pytest.mark.slow
def test_a_planted_difference_is_found(contestants: list[Contestant], database: Path, tmp_path: Path) -> None:
    """A contestant whose data are others is not measured."""
    other = tmp_path / "other.db"
    with sqlite3.connect(database) as source, sqlite3.connect(other) as copy:
        source.backup(copy)
        copy.execute("UPDATE llm_calls SET model = 'another'")
    source.close()
    copy.close()
    with readers({SQLITE: f"sqlite:///{other}"}, None, with_peers=False) as others:
        wrong = [each for each in others if each.name == FLOOR]
        with pytest.raises(DifferentAnswerError, match=r"Q2, floor on sqlite: .*\.model"):
            compare([contestants[0], *wrong])


def test_both_decode_the_same_batch() -> None:
    """Ours and strawberry's, in a process of their own."""
    found = figures()
    coerce(Pace(rounds=1, heavy_s=0.02), None, found)
    assert {Key("promptgraph", "", COERCION), Key("naive", "", COERCION)} == set(found)
