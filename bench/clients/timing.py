"""How long a client holds up its caller: the same for every client, each in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

NAME = "triage"
MESSAGES = (
    ("system", "You route support tickets. Be {{ tone }}.\nPick one queue."),
    ("user", "{{ ticket }}"),
)
TICKET = "My card was declined twice and I do not know why. Please help me, I have a flight to catch. " * 3
VARIABLES = {"ticket": TICKET, "tone": "neutral"}
MODEL, PROVIDER, OUTPUT = "gpt-5-mini", "openai", "billing"
INPUT_TOKENS, OUTPUT_TOKENS = 120, 8
ROUND, WARM_UP = 100, 2
CALL, RENDER = "with llm_call(...)", "render"


@dataclass(frozen=True)
class Contestant:
    """One client at the common work. `render`: the prompt from the cache, with its variables; `call`: what
    stands around a call of the model; `settle`: waits until nothing is under way; `stored`: how many calls
    are stored, or at the server.
    """

    render: Callable[[], object]
    call: Callable[[], object]
    settle: Callable[[], object]
    stored: Callable[[], int]


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Microseconds of each run."""
    took = []
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - began) / 1000)
    return took


def figures(took: list[float]) -> dict[str, float]:
    """What is told of microseconds."""
    took = sorted(took)
    picked = {name: took[int(len(took) * at)] for name, at in (("p10", 0.1), ("p50", 0.5), ("p99", 0.99))}
    return picked | {"mean": sum(took) / len(took)}


def run(contestant: Contestant) -> None:
    """Do as the command line says, TIMES or `killed`, and print what was found as JSON. Calls come in rounds
    of a hundred; between two of them, unmeasured, the client settles, so that no queue overflows.
    """
    if sys.argv[1] == "killed":
        for _ in range(ROUND):
            contestant.call()
        os.kill(os.getpid(), signal.SIGKILL)
    rounds = int(sys.argv[1]) // ROUND
    found = {}
    for name, work in ((RENDER, contestant.render), (CALL, contestant.call)):
        took: list[float] = []
        for number in range(rounds + WARM_UP):
            part = timed(work, ROUND)
            contestant.settle()
            gc.collect()
            if number >= WARM_UP:
                took += part
        found[name] = figures(took)
    made = (rounds + WARM_UP) * ROUND
    print(json.dumps({"figures": found, "made": made, "stored": contestant.stored()}))
