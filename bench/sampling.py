"""`promptgraph` with a sampler in it: which stage of a request the processor works at, looked at up to a
thousand times in each second of its time.

    python -m bench.sampling FILE serve …       seconds by stage, written to FILE at every SIGUSR1
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from promptgraph.cli.main import main

EVERY_S = 0.001
BACKGROUND: Mapping[str, str] = {
    "fold, in the background": r"record/folder|store/rollups",
    "prune, in the background": r"record/pruning",
}
"""Stages that are told by any frame: what they call, others call, too."""
STAGES: Mapping[str, str] = {
    "commit": r"^COMMIT",
    "rows into the database": r"store/(bulk|visits|call_writes|call_records|database|postgresql)",
    "ledger row": r"domain/(delta|ledger|histogram)|store/(ledger|retention)",
    "checks, hash, price": (
        r"record/(preparing|linking|callers|prices|own_prices|earlier)|domain/(call|canonical|retention|prompt)"
    ),
    "queue": r"record/recorder|store/attempts",
    "rows out of the database": r"store/",
    "answer shaped": r"graph/fast/|<promptgraph|graph/(scalars|enums|leaves)",
    "body decoded": r"graph/(call_decoding|call_inputs|wire|forms|variables|bulk)",
    "GraphQL around it": r"promptgraph/graph/",
    "HTTP of ours": r"promptgraph/(web|app|domain)",
    "HTTP of uvicorn": r"uvicorn|httptools|h11",
    "SQLAlchemy and drivers": r"sqlalchemy|asyncpg|aiosqlite|greenlet",
}
"""A stage is the first of these that the innermost frame belongs to; if to none, the frame that called it."""
LOOP = "event loop"
_BACKGROUND = [(name, re.compile(pattern)) for name, pattern in BACKGROUND.items()]
_STAGES = [(name, re.compile(pattern)) for name, pattern in STAGES.items()]
_AT_REST = "cli/loop.py"
"""What the main thread is in where the event loop is, and no function that it calls."""


def frames(frame: FrameType | None) -> Iterator[str]:
    """Files of the functions that are under way, the innermost first; a commit by its statement."""
    while frame is not None:
        file = frame.f_code.co_filename
        yield "COMMIT" if "visits" in file and frame.f_locals.get("operation") == "COMMIT" else file
        frame = frame.f_back


def stage_of(files: Sequence[str]) -> str:
    """Which stage these functions stand for."""
    if files[0].endswith(_AT_REST):
        return LOOP
    for name, pattern in _BACKGROUND:
        if any(map(pattern.search, files)):
            return name
    for file in files:
        for name, pattern in _STAGES:
            if pattern.search(file):
                return name
    return LOOP


class Sampler:
    """Looks where each thread is, and gives its stage what the thread used of the processor since the last
    time.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._main = threading.get_ident()

    def look(self, _number: int, frame: FrameType | None) -> None:
        for thread, at in sys._current_frames().items():  # noqa: SLF001  # the one way to see other threads
            used = time.clock_gettime(time.pthread_getcpuclockid(thread))
            if gone := used - self._used.get(thread, used):
                self.seconds[stage_of(list(frames(frame if thread == self._main else at)))] += gone
            self._used[thread] = used


def watch(file: Path) -> None:
    """Sample from now on."""
    sampler = Sampler()

    def tell(_number: int, _frame: FrameType | None) -> None:
        file.write_text(json.dumps(sampler.seconds))
        sampler.seconds.clear()

    signal.signal(signal.SIGPROF, sampler.look)
    signal.signal(signal.SIGUSR1, tell)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
