"""The writes: durable recordings beside a naive server, batches beside raw inserts, and coercion alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.contestants import NAIVE, OURS, STANDARD, Contestant, naive, of_ours, ours
from bench.data import Stocked
from bench.load import FRESH, Ask, Load
from bench.reading import Figures, Key, Pace, tried
from bench.recording import body
from bench.served import ROOT
from tests.children import surroundings

RAW = "raw inserts"
COERCION = "coercion, 1000 calls"
CHILD_LIMIT_S = 120.0


class ChildError(Exception):
    """A module of the bench failed when it was run by itself; the message is what it said."""


@dataclass(frozen=True)
class Shape:
    """So many connections that send so many calls in a request."""

    clients: int
    size: int

    @property
    def words(self) -> str:
        calls = "one call" if self.size == 1 else f"{self.size} calls"
        return f"recording {calls} a request, {self.clients} clients"


ONE, MANY, BATCHES, BULK = Shape(1, 1), Shape(128, 1), Shape(4, 100), Shape(4, 1000)
SHAPES = (ONE, Shape(16, 1), MANY, BATCHES, BULK)
NEEDED = (MANY, BATCHES)


def recorded(shape: Shape, kind: str) -> Ask:
    """Requests whose calls all have ids of their own, each answered as recorded."""
    words = body(shape.size, kind, lambda: FRESH).decode()
    return Ask(
        bodies=(words,), expect='"RECORDED"', times=shape.size, noted=STANDARD if kind[0] == "L" else ""
    )


@contextmanager
def recorders(stock: Stocked, core: int | None, shapes: Sequence[Shape]) -> Iterator[list[Contestant]]:
    """We and the naive server on both databases, each with its own."""
    with ExitStack() as stack:
        mine, others = (stack.enter_context(stock.empty()) for _ in range(2))
        found = []
        for database, url in mine.items():
            asks = {shape.words: recorded(shape, "LlmCallInput") for shape in shapes}
            found.append(of_ours(OURS, database, stack.enter_context(ours(url, core)), asks))
        for database, url in others.items():
            asks = {shape.words: recorded(shape, "CallInput") for shape in shapes}
            found.append(Contestant(NAIVE, database, stack.enter_context(naive("naive", url, core)), asks))
        yield found


def record(
    contestants: Sequence[Contestant], shapes: Sequence[Shape], pace: Pace, core: int | None, into: Figures
) -> None:
    """Round-robin over shapes and contestants; figures are calls a second."""
    servers = [each.served for each in contestants]
    for turn in pace.turns():
        for shape in shapes:
            for each in contestants:
                warm_up = pace.warm_up_s if turn == 0 else pace.warm_up_s / 4
                ask = each.asks[shape.words]
                load = Load(each.served.port, ask, shape.clients, pace.heavy_s, warm_up)
                key = Key(each.name, each.database, shape.words)
                tried(into, key, load, core, servers, shape.size)


def insert(stock: Stocked, pace: Pace, cores: tuple[int | None, int | None], into: Figures) -> None:
    """The raw rate of each database, from the core where servers run."""
    with stock.empty() as urls:
        for _ in pace.turns():
            for database, url in urls.items():
                found = _child("bench.raw", cores[0], str(pace.heavy_s), url)
                into[Key(RAW, database, BATCHES.words)].rates.append(float(found))


def coerce(pace: Pace, core: int | None, into: Figures) -> None:
    """Typed decoding in a process of its own, ours and strawberry's."""
    for _ in pace.turns():
        found = json.loads(_child("bench.coercion", core, str(pace.heavy_s)))
        for name, rate in found.items():
            into[Key(name, "", COERCION)].rates.append(rate)


def _child(module: str, core: int | None, *words: str) -> str:
    """What a module of the bench prints, run by itself.

    raises  ChildError  it failed
    """
    done = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, "-m", module, "" if core is None else str(core), *words],
        capture_output=True,
        text=True,
        timeout=CHILD_LIMIT_S,
        check=False,
        env=surroundings(),
        cwd=ROOT,
    )
    if done.returncode:
        raise ChildError(f"{module}: {done.stderr[-2000:]}")
    return done.stdout
