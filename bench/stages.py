"""Where the time of a request goes in our server, stage by stage, under the load of the bench: microseconds
of its processor, by samples.

    python -m bench.stages [WHAT …] [--on DATABASE] [--seconds 4] [--calls 20000]

WHAT is `singles` (128 clients that record one call in a request), `batches` (4 clients that record 100), or a
question (Q1 to Q6) about a data set of so many calls.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.contestants import HERE, OURS, POSTGRESQL, QUESTIONS, SQLITE, asked_by_graphql, of_ours, ours
from bench.data import stocked
from bench.ending import end_in_order
from bench.load import Found, Load, offered
from bench.reading import HEAVY, LIGHT
from bench.served import Served, cores, on_core
from bench.writing import BATCHES, MANY, Shape, recorded

SHAPES: Mapping[str, Shape] = {"singles": MANY, "batches": BATCHES}
WARM_UP_S, TOLD_S = 1.0, 5.0
SAMPLER = "bench.sampling"


def load_of(what: str, served: Served, seconds: float) -> tuple[Load, int]:
    """What is asked, and how many calls an answer is about."""
    shape = SHAPES.get(what)
    ask = recorded(shape, "LlmCallInput") if shape else asked_by_graphql(HERE / "queries")[what]
    ask = of_ours(OURS, "", served, {what: ask}).asks[what]
    if shape:
        return Load(served.port, ask, shape.clients, seconds), shape.size
    heavy = next(each.heavy for each in QUESTIONS if each.name == what)
    return Load(served.port, ask, HEAVY if heavy else LIGHT, seconds), 1


def told(file: Path, served: Served) -> dict[str, float]:
    """Seconds of the processor since the last time, by stage."""
    file.unlink(missing_ok=True)
    served.base.send_signal(signal.SIGUSR1)
    ends = time.monotonic() + TOLD_S
    while time.monotonic() < ends:
        if file.is_file() and (text := file.read_text()):
            found: dict[str, float] = json.loads(text)
            return found
        time.sleep(0.05)
    raise TimeoutError("The sampler does not answer.")


def show(what: str, database: str, stages: Mapping[str, float], found: Found, size: int) -> None:
    """Stages in the order of what they take."""
    count, total = found.requests * size, sum(stages.values())
    print(
        f"\n{what}, {database}: {found.rate * size:,.0f}/s, {1e6 * total / count:.0f} µs of the processor"
        f" each, which was busy for {100 * total / found.seconds:.0f} % of the time"
    )
    for stage, seconds in sorted(stages.items(), key=lambda pair: -pair[1]):
        print(f"  {stage:28}{1e6 * seconds / count:8.1f} µs {100 * seconds / total:5.1f} %")


def measure(what: str, database: str, url: str, seconds: float) -> None:
    """One server, one load, one table."""
    chosen = cores()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples"
        with ours(url, chosen[0], program=(SAMPLER, str(file))) as served:
            load, size = load_of(what, served, seconds)
            offered(load, chosen[1])
            told(file, served)
            found = offered(load, chosen[1])
            show(what, database, told(file, served), found, size)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = (*SHAPES, *(each.name for each in QUESTIONS))
    parser.add_argument("what", nargs="*", default=list(SHAPES), metavar="WHAT", help=", ".join(names))
    parser.add_argument("--on", choices=(SQLITE, POSTGRESQL))
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--calls", type=int, default=20_000)
    given = parser.parse_args()
    end_in_order()
    with ExitStack() as stack:
        stack.enter_context(on_core(cores()[1]))
        stock = stack.enter_context(stocked(given.calls))
        empty = stack.enter_context(stock.empty())
        for what in given.what:
            for database, url in (empty if what in SHAPES else stock.urls).items():
                if given.on in (None, database):
                    measure(what, database, url, given.seconds)


if __name__ == "__main__":
    main()
