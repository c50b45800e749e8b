"""What a call costs its caller, beside Langfuse's and MLflow's clients: rendering a prompt of two messages
from the cache, and what stands around a call of the model, recorded in the background.

    python -m bench.peers client            installs the other two, once
    python -m bench.client [--calls 2000] [--runs 3]

One process after the other; what they send goes to a sink, a process of its own, MLflow's to an SQLite file.
Then each makes a hundred calls and is killed (-9) at once: how many of them are found after, or still arrive?
They do not do the same: docs/client.md says what each does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench import peers
from bench.clients.timing import CALL, RENDER, ROUND

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "bench" / "clients"
GOALS = {CALL: 50.0, RENDER: 30.0}
LATE_S = 5.0
"""How long after a death something may still arrive."""


@dataclass(frozen=True)
class Entrant:
    """A client, the program that works it, and whether that can count what is stored in its folder."""

    name: str
    program: str
    python: Path
    counts: bool = True


def entrants() -> list[Entrant]:
    """Ours first; without the others' installation, ours alone."""
    own = Entrant("promptgraph", "own", Path(sys.executable))
    try:
        python = peers.python("client")
    except peers.NoPeerError as missing:
        print(missing)
        return [own]
    return [
        own,
        Entrant("Langfuse", "of_langfuse", python, counts=False),
        Entrant("MLflow", "of_mlflow", python),
    ]


def work(entrant: Entrant, what: str, sink: str, home: str) -> subprocess.CompletedProcess[str]:
    """One process of an entrant, to its end."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))
        if entrant.program == "own"
        else str(ROOT),
    }
    words = [entrant.python, CLIENTS / f"{entrant.program}.py", what, sink, home]
    return subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own programs


@contextmanager
def sinking() -> Iterator[str]:
    """The address of a sink."""
    words = [sys.executable, "-m", "bench.clients.sink"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        try:
            assert process.stdout is not None  # noqa: S101  # a pipe
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def asked(sink: str, what: str) -> int:
    with urlopen(f"{sink}/{what}") as answer:  # noqa: S310  # the sink
        return int(json.load(answer))


def measured(entrant: Entrant, calls: int, sink: str) -> Any:
    """What one run found. Every call must have arrived: a client that drops them is not measured."""
    asked(sink, "reset")
    with tempfile.TemporaryDirectory() as home:
        done = work(entrant, str(calls), sink, home)
    if done.returncode:
        sys.exit(f"{entrant.name} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["made"] != found["stored"]:
        print(f"{entrant.name}: {found['stored']} of {found['made']} calls are stored.")
    return found["figures"]


def survivors(entrant: Entrant, sink: str) -> int:
    """How many of a hundred calls are found after kill -9, at the sink or in the client's own file."""
    asked(sink, "reset")
    with tempfile.TemporaryDirectory() as home:
        work(entrant, "killed", sink, home)
        time.sleep(LATE_S)
        return int(work(entrant, "count", sink, home).stdout) if entrant.counts else asked(sink, "count")


def table(found: dict[str, list[Any]]) -> None:
    """Medians over the runs, their spread, and how many times ours that is."""
    for what, goal in GOALS.items():
        print(f"\n{what} (µs; goal {goal:g})")
        print(f"  {'':12}{'median':>9} {'of runs':>16} {'p10':>9} {'p99':>10} {'mean':>9} {'ratio':>8}")
        own = 0.0
        for name, runs in found.items():
            some = {key: [run[what][key] for run in runs] for key in ("p10", "p50", "p99", "mean")}
            median = statistics.median(some["p50"])
            own = own or median
            spread = f"{min(some['p50']):.1f}…{max(some['p50']):.1f}"
            others = [statistics.median(some[key]) for key in ("p10", "p99", "mean")]
            print(
                f"  {name:12}{median:9.1f} {spread:>16} {others[0]:9.1f} {others[1]:10.1f}"
                f" {others[2]:9.1f} {median / own:8.1f}"
            )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=2_000, help="of each client in each run")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(words)
    found: dict[str, list[Any]] = {}
    with sinking() as sink:
        for _ in range(options.runs):
            for entrant in entrants():
                found.setdefault(entrant.name, []).append(measured(entrant, options.calls, sink))
        table(found)
        print(f"\nof {ROUND} calls, found after kill -9")
        for entrant in entrants():
            print(f"  {entrant.name:12}{survivors(entrant, sink):9}")


if __name__ == "__main__":
    main()
