"""What is to be reached, a row per comparison: P1 to P14, and what is measured beside them without a goal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from bench.contestants import (
    FLOOR,
    GRAPHILE,
    GREETING,
    HELLO,
    MLFLOW,
    NAIVE,
    OURS,
    PHOENIX,
    POSTGRESQL,
    QUESTIONS,
    SQLITE,
)
from bench.reading import Figures, Key
from bench.scaling import GROWING, Q2, with_calls, with_workers
from bench.tracing import FETCH
from bench.writing import BATCHES, COERCION, MANY, RAW

BOTH = (POSTGRESQL, SQLITE)
FEW, MANY_CALLS = 100_000, 10_000_000
WORDS = {
    "P1": "a prompt by name and label (Q6) beside PostGraphile",
    "P2": "Q6 beside strawberry as its docs recommend",
    "P3": "Q6 from a worker's memory beside a bare ASGI hello",
    "P4": "50 prompts x 8 columns (Q1) beside PostGraphile",
    "P5": "50 prompts x 20 calls x 10 columns (Q2) beside PostGraphile",
    "P6": "Q2 beside hand-written SQL that returns JSON, same database",
    "P7": "a prompt with all metrics (Q3) beside PostGraphile, which leaves percentiles out",
    "P8": "50 prompts with metrics (Q4) beside PostGraphile",
    "P9": "metrics (Q3 to Q5) of 10 million calls: time, in times that of 100 thousand",
    "P10": "durable single recordings, 128 clients, beside a naive server",
    "P11": "recording batches of 100 beside raw inserts of batches of 100, same database",
    "P12": "typed coercion of a batch of 1000 beside strawberry's",
    "P13": "durable recording in batches of 100 beside Phoenix and MLflow",
    "P14": "two workers beside one, on two cores",
    "": "without a goal",
}
"""What each number compares."""


@dataclass(frozen=True)
class Comparison:
    """Ours divided by theirs. `goal`: at least so much, or `most` at most; None for none."""

    id: str
    ours: Key
    theirs: Key
    goal: float | None = None
    most: bool = False

    def ratio(self, found: Figures) -> float | None:
        """None: one of the two was not measured."""
        if not all(key in found and found[key].rates for key in (self.ours, self.theirs)):
            return None
        return found[self.ours].rate / found[self.theirs].rate

    def met(self, found: Figures) -> bool | None:
        """None: there is no goal, or no ratio."""
        ratio = self.ratio(found)
        if ratio is None or self.goal is None:
            return None
        return ratio <= self.goal if self.most else ratio >= self.goal


def _against(id_: str, what: str, name: str, goals: tuple[float | None, float | None]) -> list[Comparison]:
    """Ours on PostgreSQL and on SQLite beside somebody on the same database, or on the one that it has."""
    on = {GRAPHILE: POSTGRESQL, HELLO: "", PHOENIX: "", MLFLOW: ""}
    theirs = {HELLO: GREETING.name}.get(name, what)
    return [
        Comparison(id_, Key(OURS, database, what), Key(name, on.get(name, database), theirs), goal)
        for database, goal in zip(BOTH, goals, strict=True)
    ]


def _fetched(name: str) -> list[Comparison]:
    return [Comparison("", Key(OURS, database, "Q6"), Key(name, "", FETCH)) for database in BOTH]


def _grown() -> list[Comparison]:
    few, many = with_calls(FEW), with_calls(MANY_CALLS)
    return [
        Comparison("P9", Key(few, database, each.name), Key(many, database, each.name), 1.3, most=True)
        for each in GROWING
        for database in BOTH
    ]


def _workers() -> list[Comparison]:
    return [
        Comparison("P14", Key(with_workers(2), database, what), Key(with_workers(1), database, what), 1.6)
        for what in (Q2.name, BATCHES.words)
        for database in BOTH
    ]


COMPARISONS = (
    *_against("P1", "Q6", GRAPHILE, (3, 7)),
    *_against("P2", "Q6", NAIVE, (40, 80)),
    *_against("P3", "Q6", HELLO, (0.7, 0.7)),
    *_against("P4", "Q1", GRAPHILE, (6, 8)),
    *_against("P5", "Q2", GRAPHILE, (3, 3)),
    *_against("P6", "Q2", FLOOR, (1.0, 0.7)),
    *_against("P7", "Q3", GRAPHILE, (7, 7)),
    *_against("P8", "Q4", GRAPHILE, (4, 4)),
    *_grown(),
    *_against("P10", MANY.words, NAIVE, (40, 40)),
    *_against("P11", BATCHES.words, RAW, (0.6, 0.6)),
    Comparison("P12", Key(OURS, "", COERCION), Key(NAIVE, "", COERCION), 20),
    *_against("P13", BATCHES.words, PHOENIX, (50, 50)),
    *_against("P13", BATCHES.words, MLFLOW, (50, 50)),
    *_workers(),
    *chain.from_iterable(_against("", each, GRAPHILE, (None, None)) for each in ("Q3 hot", "Q5")),
    *chain.from_iterable(
        _against("", each.name, NAIVE, (None, None)) for each in QUESTIONS if each.name != "Q6"
    ),
    *chain.from_iterable(_against("", each, FLOOR, (None, None)) for each in ("Q1", "Q6")),
    *_against("", BATCHES.words, NAIVE, (None, None)),
    *_fetched(PHOENIX),
    *_fetched(MLFLOW),
)
