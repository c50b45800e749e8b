"""Commands that stay, as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue

from tests.children import surroundings

PATIENCE_S = 90.0


def _read(output: Iterable[str], lines: Queue[str]) -> None:
    for line in output:
        lines.put(line)


@contextmanager
def running(
    folder: Path, *words: str, module: str = "promptgraph.cli.main", **settings: str
) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """A command as a process of its own, and a function that waits for a line of its output."""
    process = subprocess.Popen(  # our own program
        [sys.executable, "-u", "-m", module, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=surroundings(**settings),
        start_new_session=True,
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    seen: list[str] = []

    def wait_for(words: str) -> str:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            try:
                seen.append(lines.get(timeout=1))
            except Empty:
                if process.poll() is not None:
                    break
                continue
            if words in seen[-1]:
                return seen[-1]
        raise AssertionError(f"{words!r} never came: {''.join(seen)}")

    try:
        yield process, wait_for
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers too
        process.wait()
        reader.join()
        process.stdout.close()
