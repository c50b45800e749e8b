"""Where an answer's processor time goes, by library: the standard executor, then the fast one.

    python -m bench.profiles [QUERY …] [--calls 20000] [--answers 100]

QUERY is one of Q1 to Q6, Q2 and Q6 by default. In one process, over SQLite, from the request to the bytes of
the answer; no HTTP. The profile counts the processor's time, and makes what calls much look dearer than what
works long, so time an answer by the figure above it, which is measured without a profile.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.data import kept
from bench.filling import MIDDLE
from promptgraph.graph.answer import Kind
from promptgraph.graph.executors import Executing
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request
from promptgraph.graph.wire import encoded
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from tests.graph.registry import pipeline

HERE = Path(__file__).parent
LIBRARIES: Mapping[str, Sequence[str]] = {
    "graphql-core": ("/graphql/",),
    "strawberry": ("/strawberry/",),
    "SQLAlchemy": ("/sqlalchemy/",),
    "aiosqlite, asyncio, threads": (
        "/aiosqlite/",
        "/asyncio/",
        "/threading.py",
        "/concurrent/",
        "/selectors.py",
    ),
    "promptgraph": ("/promptgraph/", "<fast>"),
}
"""By name, what its files' names hold; the first that fits."""
BUILT_IN: Mapping[str, Sequence[str]] = {
    "SQLite and its driver": ("sqlite3",),
    "JSON (orjson)": ("orjson",),
    "waiting (epoll, locks)": ("select.epoll", "_thread", "_queue", "select.poll"),
}
FEWEST = 0.02  # what has a smaller share is left out


def library(place: tuple[str, int, str]) -> str:
    """Whose time it is: by the file of a function, or the name of what is built in."""
    file, _, name = place
    if file == "~":
        return next(
            (each for each, marks in BUILT_IN.items() if any(m in name for m in marks)), "Python's own"
        )
    return next((each for each, marks in LIBRARIES.items() if any(m in file for m in marks)), "others")


async def medians(line: Pipeline, request: Request, answers: int) -> float:
    """Milliseconds of the processor for an answer: the median."""
    took = []
    for _ in range(answers):
        began = time.process_time()
        encoded((await line.answer(request)).payload)
        took.append(1000 * (time.process_time() - began))
    return statistics.median(took)


async def profiled(line: Pipeline, request: Request, answers: int) -> pstats.Stats:
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(answers):
        encoded((await line.answer(request)).payload)
    profile.disable()
    return pstats.Stats(profile)


def lines(stats: pstats.Stats) -> Iterator[str]:
    """The libraries in the order of their shares."""
    shares: Counter[str] = Counter()
    for place, (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]  # what its reports read
        shares[library(place)] += own
    total = shares.total()
    for name, own in shares.most_common():
        if own >= FEWEST * total:
            yield f"  {own / total:4.0%}  {'█' * round(40 * own / total):<40}  {name}"


async def show(db: Database, queries: Sequence[str], answers: int) -> None:
    made: Mapping[str, Callable[[], Pipeline]] = {
        "standard": lambda: pipeline(db, executing=Executing(fast=False)),
        "fast": lambda: pipeline(db, executing=Executing(memory=RegistryMemory(db))),
    }
    for query in queries:
        request = Request((HERE / "queries" / f"{query}.graphql").read_text(), {"n": MIDDLE})
        for executor, make in made.items():
            line = make()
            found = await line.answer(request)
            if found.kind is not Kind.DATA or found.path is None or executor != found.path.value:
                raise RuntimeError(f"{query} was not answered by the {executor} executor: {found.kind}")
            median, stats = await medians(line, request, answers), await profiled(line, request, answers)
            calls = stats.total_calls / answers  # type: ignore[attr-defined]  # as above
            print(f"{query}, {executor}: {median:.2f} ms, {calls:,.0f} calls of functions")
            print("\n".join(lines(stats)), end="\n\n", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="The processor's time of an answer, by library.")
    parser.add_argument("queries", nargs="*", default=["Q2", "Q6"])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--answers", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = shutil.copy(kept(given.calls) / "calls.db", folder)
        db = Database(f"sqlite:///{file}")
        await show(db, given.queries, given.answers)
        await db.close()


if __name__ == "__main__":
    asyncio.run(main())
