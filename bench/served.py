"""Servers that are measured: processes of their own on a core of their own, ended by their ids."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]  # it has no stubs

from tests.children import end_with_us, surroundings
from tests.postgres import free_port

ROOT = Path(__file__).parents[1]
SERVERS, OTHERS = 0, 1
"""The core of the server that is measured, and that of the load generator and PostgreSQL."""
START_S, STOP_S, CALM_S = 120.0, 15.0, 60.0
MOMENT_S = 0.1
CALM = 0.05
"""The share of a core that a server may use and count as idle."""


class NotServingError(Exception):
    """A server did not start; the message says which, and why."""


@dataclass(frozen=True)
class Served:
    """A server that answers on `port`. `base`: the process that was started; others may be below it.
    `headers`: what every request must have.
    """

    name: str
    port: int
    base: psutil.Process
    headers: Mapping[str, str] = field(default_factory=dict)

    def cpu_s(self) -> float:
        """Seconds of processor that it and its workers used so far."""
        total = 0.0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:2])
        return total

    def kill(self) -> None:
        """End it and its workers at once."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self.base, *self.base.children(recursive=True)]
        return []


def uvicorn(app: str) -> list[str]:
    """The words that serve an application of this folder; `{port}` stands for the port."""
    words = ["-m", "uvicorn", f"bench.{app}", "--port", "{port}", "--no-access-log", "--log-level", "error"]
    return [sys.executable, *words, "--timeout-keep-alive", "600"]


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """This process on one core, or for None on all, and with it whatever it starts meanwhile."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1) if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> tuple[int | None, int | None]:
    """The server's core and the others'; None where there is only one, or none can be chosen."""
    free = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (free[SERVERS], free[OTHERS]) if len(free) > OTHERS else (None, None)


@contextmanager
def serving(
    name: str, words: Sequence[str], core: int | None, cwd: Path = ROOT, **env: str
) -> Iterator[Served]:
    """A server started, and ended with all that it started. `{port}` in words and env is a free port.

    raises  NotServingError  it ended, or did not answer in time
    """
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in words]
    env = {key: value.replace("{port}", str(port)) for key, value in env.items()}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  # servers that we name
            words,
            cwd=cwd,
            env=surroundings(**env),
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=end_with_us,  # noqa: PLW1509  # it makes one system call
        )
        try:
            base = psutil.Process(process.pid)
            if core is not None:
                base.cpu_affinity([core])
            _wait(name, process, port, log)
            yield Served(name, port, base)
        finally:
            _end(process)


def _wait(name: str, process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(MOMENT_S)
    log.seek(0)
    raise NotServingError(f"{name} did not start: {log.read()[-2000:].decode(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, then see that nothing is left of it and of what it started."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    for each in below:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.kill()
    process.wait()


def calm(servers: Sequence[Served]) -> None:
    """Wait until none of these servers works any more. One that still does after a minute is ended: it would
    slow down whoever is measured next.
    """
    ends = time.monotonic() + CALM_S
    while True:
        before = [each.cpu_s() for each in servers]
        time.sleep(MOMENT_S)
        restless = [
            each
            for each, used in zip(servers, before, strict=True)
            if each.cpu_s() - used > CALM * MOMENT_S + 0.01
        ]
        if not restless:
            return
        if time.monotonic() > ends:
            for each in restless:
                print(f"{each.name} was still busy after {CALM_S:.0f} s and was ended,", end=" ", flush=True)
                each.kill()
            return
