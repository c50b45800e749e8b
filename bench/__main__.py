"""The table of goals, measured: `make bench`, `make bench QUICK=1`.

    python -m bench [--quick] [--deep] [--only PART …] [--write]

Exits with 1 where a benchmark query of ours was not answered by the fast path.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from bench import peers
from bench.contestants import QUESTIONS, readers
from bench.data import Stocked, kept, stocked
from bench.goals import FEW, MANY_CALLS
from bench.machine import facts, others_work, peers_facts
from bench.reading import Pace, compare, fallen_back, figures, measure
from bench.report import Run, table, write_json, write_page
from bench.scaling import growth, workers
from bench.served import cores, on_core
from bench.tracing import PEERS, PeerFailedError, trace
from bench.writing import NEEDED, SHAPES, coerce, insert, record, recorders

CALLS, QUICK_CALLS = 1_000_000, 20_000
QUICK = Pace(rounds=1, light_s=0.25, heavy_s=0.4, warm_up_s=0.1)
SPANS = 2_000
RESULTS = peers.HERE / "results.json"


@dataclass(frozen=True)
class Bench:
    """A run under way, the data it reads, and the cores it uses: of servers, and of everything else."""

    run: Run
    stock: Stocked
    cores: tuple[int | None, int | None]


def read(bench: Bench) -> None:
    run = bench.run
    with_peers = not run.quick and peers.is_installed(peers.POSTGRAPHILE)
    with readers(bench.stock.urls, bench.cores[0], with_peers=with_peers) as contestants:
        run.compared = compare(contestants)
        measure(contestants, QUESTIONS, run.pace, bench.cores[1], run.found)


def write(bench: Bench) -> None:
    run, shapes = bench.run, NEEDED if bench.run.quick else SHAPES
    with recorders(bench.stock, bench.cores[0], shapes) as contestants:
        record(contestants, shapes, run.pace, bench.cores[1], run.found)
    insert(bench.stock, run.pace, bench.cores, run.found)


def decode(bench: Bench) -> None:
    coerce(bench.run.pace, bench.cores[0], bench.run.found)


def scale(bench: Bench) -> None:
    with on_core(None):
        workers(bench.stock, bench.run.pace, bench.run.found)


def traced(bench: Bench) -> None:
    for name in () if bench.run.quick else PEERS:
        try:
            trace(name, bench.run.pace, bench.cores, SPANS, bench.run.found)
        except PeerFailedError as error:
            bench.run.missing[name] = str(error)


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "read": read,
    "write": write,
    "decode": decode,
    "workers": scale,
    "traces": traced,
}


def missing(run: Run, *, deep: bool) -> dict[str, str]:
    """What a run leaves out, and why."""
    found = {}
    if run.quick:
        found["PostGraphile, Phoenix, MLflow"] = "a quick run needs no peer"
    elif not peers.is_installed(peers.POSTGRAPHILE):
        found["PostGraphile"] = "not installed; run: make bench-peers"
    if not deep:
        found["P9"] = "10 million calls take half an hour to make; run: make bench ARGS=--deep"
    return found


def main() -> int:
    given = _given()
    signal.signal(signal.SIGTERM, _stop)
    pace = QUICK if given.quick else Pace(rounds=given.rounds)
    calls = given.calls or (QUICK_CALLS if given.quick else CALLS)
    run = Run(
        pace, calls, given.quick, facts(), {} if given.quick else peers_facts(), others_work(), figures()
    )
    run.missing = missing(run, deep=given.deep)
    chosen = cores()
    with timed(f"data of {calls:,} calls"):  # before anything is bound to a core
        kept(calls)
    with on_core(chosen[1]), stocked(calls) as stock:
        for name in given.only or PARTS:
            with timed(name):
                PARTS[name](Bench(run, stock, chosen))
            write_json(run, RESULTS)
    if given.deep:
        with timed("data of more calls"):
            kept(FEW)
            kept(MANY_CALLS)
        with timed("growth"), on_core(chosen[1]), stocked(FEW) as few, stocked(MANY_CALLS) as many:
            growth(few, many, pace, chosen, run.found)
    return told(run, write=given.write)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Says which part is under way, and how long it took."""
    began = time.monotonic()
    print(f"{name} …", end=" ", flush=True)
    yield
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def told(run: Run, *, write: bool) -> int:
    """The table printed, the results written; the exit code."""
    print(table(run.found))
    for what, why in run.missing.items():
        print(f"not measured: {what}: {why}")
    print(
        f"other work took {100 * run.others_work:.0f} % of the cores before; {run.compared} answers compared"
    )
    write_json(run, RESULTS)
    if write:
        write_page(run)
    fallen = fallen_back(run.found)
    for line in fallen:
        print(f"not by the fast path: {line}")
    return 1 if fallen else 0


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="little data, one round, no peers")
    parser.add_argument("--deep", action="store_true", help="P9, too: 10 million calls")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), help="some parts alone")
    parser.add_argument("--write", action="store_true", help="docs/performance.md, too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, help=f"{CALLS:,} by default, {QUICK_CALLS:,} in a quick run")
    return parser.parse_args()


def _stop(number: int, _frame: FrameType | None) -> None:
    """End as at the end of the program: servers and folders go first."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
