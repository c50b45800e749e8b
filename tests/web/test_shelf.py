"""The figures of several processes: never less than before, whoever is asked, and whoever has ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from promptgraph.web.figures import METRICS, Figures, Kind
from promptgraph.web.shelf import ENDED, Shelf

OURS = {os.getpid()}


def figures(count: float, revision: float = 1) -> Figures:
    """Of a process that has answered so many requests."""
    return {
        "promptgraph_requests": {"A|data": [count]},
        "promptgraph_commit_rows": {"": [count] * 11},
        "promptgraph_workers": {"": [1.0]},
        "promptgraph_registry_revision": {"": [revision]},
    }


def shown(shelf: Shelf) -> list[float]:
    """Requests, rows, processes and revision of all."""
    total = shelf.total()
    return [
        total[name].get(key, [0.0])[0]
        for name, key in (
            ("promptgraph_requests", "A|data"),
            ("promptgraph_commit_rows", ""),
            ("promptgraph_workers", ""),
            ("promptgraph_registry_revision", ""),
        )
    ]


def test_whoever_is_asked_says_the_same(tmp_path: Path) -> None:
    """Counts are added, of a revision the newest counts; what is put down again takes the place of before."""
    one, other = Shelf(tmp_path), Shelf(tmp_path)
    one.put(figures(1))
    one.put(figures(2, revision=7))
    other.put(figures(5, revision=3))
    assert [7, 7, 2, 7] == shown(one) == shown(other)


def test_what_has_ended_counts_on(tmp_path: Path) -> None:
    """Its counts do, once, however often it is settled; what it had under way does not. Its file goes."""
    gone, alive = Shelf(tmp_path), Shelf(tmp_path)
    gone.put(figures(3, revision=9))
    alive.settle(set())
    alive.put(figures(4))
    for _ in range(2):
        alive.settle(OURS)
        assert [7, 7, 1, 1] == shown(alive)
    alive.settle(set())
    assert [7, 7, 0, 0] == shown(alive)
    assert [ENDED] == [path.name for path in tmp_path.iterdir()]


def test_a_settlement_that_broke_off_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the new sum and the removal of what is in it."""
    gone, alive = Shelf(tmp_path), Shelf(tmp_path)
    gone.put(figures(3))
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", _fails)
        with pytest.raises(OSError, match="broken off"):
            alive.settle(set())
    assert 3 == shown(alive)[0]
    alive.settle(set())
    assert 3 == shown(alive)[0]


def _fails(_path: Path) -> None:
    raise OSError("broken off")


def test_what_is_settled_meanwhile_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has listed a file which is gone when it comes to it begins again."""
    gone, alive = Shelf(tmp_path), Shelf(tmp_path)
    gone.put(figures(3))
    listed: Callable[[Shelf], list[str]] = Shelf._names  # noqa: SLF001  # where the two meet

    def late(shelf: Shelf) -> list[str]:
        names = listed(shelf)
        monkeypatch.setattr(Shelf, "_names", listed)
        alive.settle(set())
        return names

    monkeypatch.setattr(Shelf, "_names", late)
    assert 3 == shown(alive)[0]


def test_every_figure_is_one_of_prometheus() -> None:
    """A name of its own, words about it, bounds where it is spread, no `_total`, which Prometheus adds."""
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("promptgraph_")
        assert not metric.name.endswith("_total")
        assert metric.help.endswith(".")
        assert bool(metric.bounds) == (metric.kind is Kind.HISTOGRAM)
