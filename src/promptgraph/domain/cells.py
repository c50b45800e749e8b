"""The cells that calls are counted in: the fine ones of the ledger, and those of the rollups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from promptgraph.domain.measures import Countable
from promptgraph.domain.period import DAY_HOURS, hour_of

NOBODY = 0
"""Stands for no prompt or no agent in a key: keys hold no null, and ids begin at 1."""
NOTHING = ""
"""Stands for no provider in a key."""
OTHER = "(other)"
"""The value of a free dimension beyond those that a rollup keeps apart, and the key of a last group."""


class FineCell(NamedTuple):
    """Where the ledger counts a call: its UTC hour and the five dimensions. All other cells are sums of
    these.
    """

    hour: int
    prompt_id: int
    agent_id: int
    model: str
    provider: str
    environment: str


DIMENSIONS: tuple[str, ...] = FineCell._fields[1:]
"""The five dimensions, which are columns of every rollup."""


class Level(IntEnum):
    """How long a rollup's periods are."""

    TOTAL = 0
    DAY = 1
    HOUR = 2

    def period_of(self, hour: int) -> int:
        """The period that a UTC hour lies in: 0 of all time, days or hours since 1970."""
        if self is Level.TOTAL:
            return 0
        return hour if self is Level.HOUR else hour // DAY_HOURS


class Scope(IntEnum):
    """What a rollup tells apart."""

    ALL = 0
    PROMPT = 1
    MODEL = 2
    AGENT = 3
    CROSS = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a scope: by which dimensions, and at which levels, the longest periods first."""

    dimensions: tuple[str, ...]
    levels: tuple[Level, ...]


EVERY_LEVEL = (Level.TOTAL, Level.DAY, Level.HOUR)
SCOPES: Mapping[Scope, Kept] = {
    Scope.ALL: Kept(("environment",), EVERY_LEVEL),
    Scope.PROMPT: Kept(("prompt_id", "environment"), EVERY_LEVEL),
    Scope.AGENT: Kept(("agent_id", "environment"), EVERY_LEVEL),
    # all time is made up of days: which models are kept apart is decided by the day
    Scope.MODEL: Kept(("model", "provider", "environment"), (Level.DAY, Level.HOUR)),
    Scope.CROSS: Kept(DIMENSIONS, (Level.DAY,)),  # by the hour they would be nearly as many as the calls
}


class CellKey(NamedTuple):
    """A cell of the rollups: its fields are columns, together their key. A dimension that the scope does not
    tell apart is blank.
    """

    scope: Scope
    level: Level
    period: int
    prompt_id: int
    agent_id: int
    model: str
    provider: str
    environment: str


_BLANK: Mapping[str, int | str] = {
    "prompt_id": NOBODY,
    "agent_id": NOBODY,
    "model": NOTHING,
    "provider": NOTHING,
    "environment": NOTHING,
}


def cell_key(scope: Scope, level: Level, period: int, dimensions: Mapping[str, int | str]) -> CellKey:
    """The cell of a scope with these values of the dimensions that it tells apart."""
    values = {**_BLANK, **dimensions}
    return CellKey(scope, level, period, *values.values())  # type: ignore[arg-type]  # in the order of _BLANK


def fine_cell(call: Countable) -> FineCell:
    """Where the ledger counts this call."""
    return FineCell(
        hour_of(call.started_at),
        call.prompt_id or NOBODY,
        call.agent_id or NOBODY,
        call.model,
        call.provider or NOTHING,
        call.environment,
    )
