"""What is counted of a call, a row per measure: rollup columns, ledger rows and metrics follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from operator import attrgetter
from typing import NamedTuple, Protocol, TypeAlias

from promptgraph.domain.call import CallStatus
from promptgraph.domain.period import micros_of

INT64 = 2**63 - 1
_OK = CallStatus.OK
NO_MAXIMUM, NO_MINIMUM = -1, INT64
"""What stands for the greatest and the least of nothing: no value of a call is lower, or higher."""


class Countable(Protocol):
    """What a call must tell to be counted; domain.call.LlmCall does."""

    @property
    def started_at(self) -> dt.datetime: ...
    @property
    def prompt_id(self) -> int | None: ...
    @property
    def agent_id(self) -> int | None: ...
    @property
    def model(self) -> str: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def environment(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def cache_read_input_tokens(self) -> int | None: ...
    @property
    def cache_write_input_tokens(self) -> int | None: ...
    @property
    def reasoning_output_tokens(self) -> int | None: ...
    @property
    def cost_nano_usd(self) -> int | None: ...
    @property
    def latency_us(self) -> int | None: ...
    @property
    def time_to_first_token_us(self) -> int | None: ...


class CallFacts(NamedTuple):
    """What is read of a stored call to count it, and no more: its fields are columns of `llm_calls`."""

    started_at: dt.datetime
    prompt_id: int | None
    agent_id: int | None
    model: str
    provider: str | None
    environment: str
    status: str = CallStatus.OK
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost_nano_usd: int | None = None
    latency_us: int | None = None
    time_to_first_token_us: int | None = None


Take: TypeAlias = Callable[[Countable], int | None]


class Kind(StrEnum):
    """How the values of a measure come together. A number's kind is the name of its SQL aggregate."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    HISTOGRAM = "histogram"
    SCORES = "scores"


class Stored(Enum):
    """What a measure is in a column of a rollup. No column is null: `Measure.blank` stands for nothing."""

    INTEGER = "64 bits, signed"
    BYTES = "bytes"
    TEXT = "text"


_STORED: Mapping[Kind, tuple[Stored, int | bytes | str]] = {
    Kind.SUM: (Stored.INTEGER, 0),
    Kind.MAX: (Stored.INTEGER, NO_MAXIMUM),
    Kind.MIN: (Stored.INTEGER, NO_MINIMUM),
    Kind.HISTOGRAM: (Stored.BYTES, b""),
    Kind.SCORES: (Stored.TEXT, ""),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is counted. `take` gives a call's part in it, None for no part; scores come later than
    their calls, so nothing takes those. `name` is the column's.
    """

    name: str
    kind: Kind
    take: Take
    words: str
    unit: str

    @property
    def stored(self) -> Stored:
        return _STORED[self.kind][0]

    @property
    def blank(self) -> int | bytes | str:
        """The column's value when nothing was counted: adding it changes nothing."""
        return _STORED[self.kind][1]


def _sum(name: str, words: str, unit: str, take: Take | None = None) -> Measure:
    """The sum of what `take` gives, or of the call's own value of this name."""
    return Measure(name, Kind.SUM, take or attrgetter(name), words, unit)


def _absent(name: str) -> Take:
    value_of = attrgetter(name)
    return lambda call: 1 if value_of(call) is None else 0


def _start(call: Countable) -> int:
    return micros_of(call.started_at)


def _latency(call: Countable) -> int | None:
    return call.latency_us if call.status == _OK else None


def _first_token(call: Countable) -> int | None:
    return call.time_to_first_token_us if call.status == _OK else None


_TIMED: Mapping[str, tuple[str, Take]] = {
    "latency": ("latency of a call that ended OK", _latency),
    "time_to_first_token": ("time to the first token of a call that ended OK", _first_token),
}
"""What the LatencyStats are made of: only calls that ended OK."""


def _timed(name: str, what: str, take: Take) -> tuple[Measure, ...]:
    return (
        _sum(f"{name}_calls", f"Calls with a {what}.", "calls", lambda c: 0 if take(c) is None else 1),
        _sum(f"{name}_us", f"The {what}, added up.", "µs", take),
        Measure(f"{name}_max_us", Kind.MAX, take, f"The longest {what}.", "µs"),
    )


MEASURES: tuple[Measure, ...] = (
    _sum("calls", "Calls recorded.", "calls", lambda _: 1),
    _sum("errors", "Calls that ended in an error.", "calls", lambda c: 0 if c.status == _OK else 1),
    _sum("unlinked_calls", "Calls that name no prompt.", "calls", _absent("prompt_id")),
    _sum("input_tokens", "Tokens sent to models, cached ones included.", "tokens"),
    _sum("output_tokens", "Tokens that models made, reasoning included.", "tokens"),
    _sum("cache_read_input_tokens", "Input tokens read from a cache.", "tokens"),
    _sum("cache_write_input_tokens", "Input tokens written to a cache.", "tokens"),
    _sum("reasoning_output_tokens", "Output tokens spent on reasoning.", "tokens"),
    _sum("cost_nano_usd", "What the calls cost whose price is known.", "nano-USD"),
    _sum("unpriced_calls", "Calls whose price nobody knows.", "calls", _absent("cost_nano_usd")),
    *(measure for name, (what, take) in _TIMED.items() for measure in _timed(name, what, take)),
    Measure("first_call_us", Kind.MIN, _start, "When the first call started.", "µs since 1970"),
    Measure("last_call_us", Kind.MAX, _start, "When the last call started.", "µs since 1970"),
    *(
        Measure(f"{name}_histogram", Kind.HISTOGRAM, take, f"How often which {what}.", "µs")
        for name, (what, take) in _TIMED.items()
    ),
    Measure("scores", Kind.SCORES, lambda _: None, "By name, how many scores and their sum.", "1e-9"),
)
"""Numbers first, then histograms, then scores."""
MEASURE: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}
ALL: tuple[str, ...] = tuple(MEASURE)
