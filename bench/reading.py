"""The reads: answers compared, then everybody measured in turns, round after round."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import httpx

from bench.answers import GRAPHILE as IN_OUR_WORDS
from bench.answers import differences, whole_bins
from bench.contestants import GRAPHILE, GREETING, OURS, PATH, QUESTIONS, Contestant, Question
from bench.load import Ask, Found, Load, LoadError, offered
from bench.served import Served, calm

LIGHT, HEAVY = 16, 4
"""How many connections ask a question."""
COMPARED = 3
"""So many names of a question are compared."""


@dataclass(frozen=True)
class Pace:
    """How long everything is measured, in how many rounds. `ends`: when time is up, by `time.monotonic`."""

    rounds: int = 3
    light_s: float = 1.0
    heavy_s: float = 2.0
    warm_up_s: float = 1.0
    ends: float | None = None

    def turns(self) -> Iterator[int]:
        """The numbers of the rounds: one at least, and no more than there is time for. Says how far it is."""
        longest = 0.0
        for turn in range(self.rounds):
            began = time.monotonic()
            if turn and self.ends is not None and began + longest > self.ends:
                return
            yield turn
            longest = max(longest, time.monotonic() - began)
            print(f"{turn + 1} of {self.rounds},", end=" ", flush=True)


class Key(NamedTuple):
    """Whose figure it is, on which database, for what."""

    name: str
    database: str
    what: str


@dataclass
class Measured:
    """Figures of one key, one a round. `error`: why there are no more of them."""

    rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    busy: float = 0.0
    fell_back: int = 0
    error: str = ""

    @property
    def rate(self) -> float:
        return median(self.rates)

    def add(self, found: Found, times: int = 1) -> None:
        """A round's; `times`: so many things in a request."""
        self.rates.append(found.rate * times)
        self.p50_ms.append(found.p50_ms)
        self.p99_ms.append(found.p99_ms)
        self.busy = max(self.busy, found.busy)
        self.fell_back += found.noted


class DifferentAnswerError(Exception):
    """A contestant's answer is not ours; the message says where."""


Figures = defaultdict[Key, Measured]


def figures() -> Figures:
    return defaultdict(Measured)


def tried(
    into: Figures, key: Key, load: Load, core: int | None, servers: Sequence[Served], times: int = 1
) -> None:
    """A round of one key, once all servers are idle. Whoever fails once is not asked this again."""
    measured = into[key]
    if measured.error:
        return
    calm(servers)
    try:
        measured.add(offered(load, core), times)
    except LoadError as error:
        measured.error = str(error)


def answers_of(contestant: Contestant, question: Question) -> Iterator[Any]:
    """What it answers to the first few requests, in our words."""
    ask = contestant.asks[question.name]
    count = min(COMPARED, max(len(ask.bodies), len(ask.paths)))
    with httpx.Client(base_url=f"http://127.0.0.1:{contestant.served.port}", timeout=120) as client:
        for place in range(count):
            body, path = ask.bodies[place % len(ask.bodies)], ask.paths[place % len(ask.paths)]
            headers = {"content-type": "application/json"} | ask.headers
            answer = client.request(ask.method, path, content=body, headers=headers)
            found = answer.raise_for_status().json()
            if contestant.name == OURS and PATH not in answer.headers:
                raise DifferentAnswerError(
                    f"{OURS}, {question.name}: the answer does not say which path made it"
                )
            if found.get("errors"):
                raise DifferentAnswerError(f"{contestant.name}, {question.name}: {found['errors'][:1]}")
            yield _in_our_words(contestant, question, found["data"])


def _in_our_words(contestant: Contestant, question: Question, data: Any) -> Any:
    if contestant.name == GRAPHILE:
        return IN_OUR_WORDS[question.file](data)
    return whole_bins(data) if question.file == "Q5" else data


def compare(contestants: Sequence[Contestant], questions: Sequence[Question] = QUESTIONS) -> int:
    """How many answers were held against ours on the first database.

    raises  DifferentAnswerError  one is another, or there is none
    """
    first, compared = contestants[0], 0
    for question in questions:
        expected = list(answers_of(first, question))
        for other in contestants[1:]:
            if question.name not in other.asks:
                continue
            for mine, theirs in zip(expected, answers_of(other, question), strict=False):
                if question.file == "Q5":
                    mine, theirs = _both(mine, theirs)  # noqa: PLW2901  # what both windows hold
                if found := next(differences(mine, theirs), None):
                    where = f"{question.name}, {other.name} on {other.database}"
                    raise DifferentAnswerError(f"{where}: ours against theirs at {found}")
                compared += 1
    return compared


def _both(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[Any, Any]:
    """What ours has a step for: whoever knows no window answers older hours, too, and the one under way."""
    return ours, {hour: theirs.get(hour, {"calls": 0}) for hour in ours}


def measure(
    contestants: Sequence[Contestant],
    questions: Sequence[Question],
    pace: Pace,
    core: int | None,
    into: Figures,
) -> None:
    """Round-robin: for each round, for each question, for each contestant."""
    servers = [each.served for each in contestants]
    for turn in pace.turns():
        for question in (*questions, GREETING):
            for each in contestants:
                if (ask := each.asks.get(question.name)) is not None:
                    load = _load(each, question, ask, pace, warm=turn == 0)
                    tried(into, Key(each.name, each.database, question.name), load, core, servers)


def _load(each: Contestant, question: Question, ask: Ask, pace: Pace, *, warm: bool) -> Load:
    clients, seconds = (HEAVY, pace.heavy_s) if question.heavy else (LIGHT, pace.light_s)
    return Load(each.served.port, ask, clients, seconds, pace.warm_up_s if warm else pace.warm_up_s / 4)


def fallen_back(found: Figures) -> list[str]:
    """Our figures that the fast path did not make alone."""
    return [
        f"not by the fast path: {key.what} on {key.database}, {each.fell_back} answers"
        for key, each in found.items()
        if key.name == OURS and each.fell_back
    ]


def faults(found: Figures) -> list[str]:
    """What is wrong with ours: servers that failed, and answers that the fast path did not make."""
    failed = [
        f"{key.name} failed at {key.what} on {key.database}: {each.error}"
        for key, each in found.items()
        if key.name.startswith(OURS) and each.error
    ]
    return [*failed, *fallen_back(found)]
