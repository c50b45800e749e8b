"""The table of goals, measured: `make bench`, `make bench QUICK=1`.

    python -m bench [--quick] [--deep] [--only PART …] [--rounds N] [--minutes N] [--write]
    python -m bench --page

Each part has its share of the minutes, and no further round than fits. What was found is in
`.bench/results.json` after each part; `--page` makes docs/performance.md of that, `--write` at the end of a
run. Exits with 1 where one of our servers failed, or did not answer by the fast path.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench import peers
from bench.contestants import QUESTIONS, readers
from bench.data import Stocked, kept, stocked
from bench.ending import end_in_order
from bench.goals import FEW, MANY_CALLS
from bench.load import LoadError
from bench.machine import facts, others_work, peers_facts
from bench.reading import DifferentAnswerError, Pace, compare, faults, figures, measure
from bench.report import Run, read_json, table, write_json, write_page
from bench.scaling import growth, workers
from bench.served import NotServingError, cores, on_core
from bench.tracing import PEERS, PeerFailedError, trace
from bench.writing import NEEDED, SHAPES, ChildError, coerce, insert, record, recorders

CALLS, QUICK_CALLS = 1_000_000, 20_000
QUICK = Pace(rounds=1, light_s=0.25, heavy_s=0.4, warm_up_s=0.1)
MINUTES = 14.0
SPANS = 2_000
RESULTS = peers.HERE / "results.json"


@dataclass(frozen=True)
class Bench:
    """A run under way, at the pace of one part; the data it reads, and the cores it uses: of servers, and of
    everything else.
    """

    run: Run
    pace: Pace
    stock: Stocked
    cores: tuple[int | None, int | None]


def read(bench: Bench) -> None:
    run = bench.run
    with_peers = not run.quick and peers.is_installed(peers.POSTGRAPHILE)
    with readers(bench.stock.urls, bench.cores[0], with_peers=with_peers) as contestants:
        run.compared = compare(contestants)
        measure(contestants, QUESTIONS, bench.pace, bench.cores[1], run.found)


def write(bench: Bench) -> None:
    run, shapes = bench.run, NEEDED if bench.run.quick else SHAPES
    insert(bench.stock, bench.pace, bench.cores, run.found)
    with recorders(bench.stock, bench.cores[0], shapes) as contestants:
        record(contestants, shapes, bench.pace, bench.cores[1], run.found)


def decode(bench: Bench) -> None:
    coerce(bench.pace, bench.cores[0], bench.run.found)


def scale(bench: Bench) -> None:
    with on_core(None):
        workers(bench.stock, bench.pace, bench.run.found)


def traced(bench: Bench) -> None:
    ends = bench.pace.ends or 0
    for place, name in enumerate(() if bench.run.quick else PEERS):
        left = (ends - time.monotonic()) / (len(PEERS) - place)
        try:
            pace = replace(bench.pace, ends=time.monotonic() + left)
            trace(name, pace, bench.cores, SPANS, bench.run.found)
        except PeerFailedError as error:
            bench.run.missing[name] = str(error)


def grow(bench: Bench) -> None:
    with stocked(FEW) as few, stocked(MANY_CALLS) as many:
        growth(few, many, bench.pace, bench.cores, bench.run.found)


class Part(NamedTuple):
    """`share`: how much of a run's time it may take, beside the others'."""

    act: Callable[[Bench], None]
    share: float


PARTS: Mapping[str, Part] = {
    "read": Part(read, 6),
    "write": Part(write, 3.5),
    "decode": Part(decode, 0.2),
    "workers": Part(scale, 1.2),
    "traces": Part(traced, 3),
}
DEEP: Mapping[str, Part] = {"growth": Part(grow, 2)}


def missing(run: Run, *, deep: bool) -> dict[str, str]:
    """What a run leaves out, and why."""
    found = {}
    if run.quick:
        found["PostGraphile, Phoenix, MLflow"] = "a quick run needs no peer"
    elif not peers.is_installed(peers.POSTGRAPHILE):
        found["PostGraphile"] = "not installed; run: make bench-peers"
    if not deep:
        found["P9"] = "10 million calls take most of an hour to make; run: make bench ARGS=--deep"
    return found


def main() -> int:
    given = _given()
    end_in_order()
    if given.page:
        write_page(read_json(RESULTS))
        return 0
    parts = dict(PARTS) | (DEEP if given.deep else {})
    parts = {name: part for name, part in parts.items() if name in (given.only or parts)}
    pace = QUICK if given.quick else Pace(rounds=given.rounds)
    calls = given.calls or (QUICK_CALLS if given.quick else CALLS)
    for count in (calls, *((FEW, MANY_CALLS) if "growth" in parts else ())):
        with timed(f"data of {count:,} calls:"):  # before anything is bound to a core
            kept(count)
    machine, others = facts(), {} if given.quick else peers_facts()
    run = Run(pace, calls, given.quick, machine, others, others_work(), figures())
    run.missing = missing(run, deep="growth" in parts)
    measured(run, parts, 60 * given.minutes)
    return told(run, write=given.write)


def measured(run: Run, parts: Mapping[str, Part], seconds: float) -> None:
    """Part after part, each within its share of the seconds; the results are written after each. A part that
    fails is told, and the next one begins.
    """
    chosen, total = cores(), sum(part.share for part in parts.values())
    print(f"{len(parts)} parts, {seconds / 60:.0f} minutes at most unless somebody is stuck", flush=True)
    with on_core(chosen[1]), stocked(run.calls) as stock:
        for name, part in parts.items():
            limit = seconds * part.share / total
            with timed(f"{name}, up to {limit:.0f} s: round"):
                pace = replace(run.pace, ends=time.monotonic() + limit)
                try:
                    part.act(Bench(run, pace, stock, chosen))
                except (DifferentAnswerError, LoadError, NotServingError, ChildError) as error:
                    run.failed[name] = str(error)
            write_json(run, RESULTS)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Says which part is under way, and how long it took."""
    began = time.monotonic()
    print(name, end=" ", flush=True)
    yield
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def told(run: Run, *, write: bool) -> int:
    """The table printed, the page written; the exit code."""
    print(table(run.found))
    for what, why in run.missing.items():
        print(f"not measured: {what}: {why}")
    print(
        f"other work took {100 * run.others_work:.0f} % of the cores before; {run.compared} answers compared"
    )
    if write:
        write_page(run)
    wrong = [*(f"{name}: {why}" for name, why in run.failed.items()), *faults(run.found)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def _given(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="little data, one round, no peers")
    parser.add_argument("--deep", action="store_true", help="P9, too: 10 million calls")
    parser.add_argument("--only", nargs="+", choices=(*PARTS, *DEEP), help="some parts alone")
    parser.add_argument("--write", action="store_true", help="docs/performance.md, too")
    parser.add_argument("--page", action="store_true", help="docs/performance.md of the last run's results")
    parser.add_argument("--rounds", type=int, default=3, help="at most")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for measuring; data are made before")
    parser.add_argument("--calls", type=int, help=f"{CALLS:,} by default, {QUICK_CALLS:,} in a quick run")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
