"""Servers that die and come back, each on a port that it keeps."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.processes import running
from tests.factories import prompt_yaml, write_tree
from tests.postgres import free_port

STOP_S = 60
SERVER, CHILD = "promptgraph.cli.main", "tests.faults.child"


@dataclass
class Site:
    """`promptgraph serve`, life after life; `fault` is one of child.py's, planted in the lives to come."""

    home: Path
    database: str
    fault: str = ""
    port: int = field(default_factory=free_port)
    _life: ExitStack = field(default_factory=ExitStack)
    _process: subprocess.Popen[str] | None = None
    _ready: Callable[[str], str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def begin(self) -> None:
        """Start it, and do not wait."""
        words = ("serve", "--port", str(self.port), "--database-url", self.database)
        started = running(self.home, *words, module=CHILD if self.fault else SERVER, FAULT=self.fault)
        self._process, self._ready = self._life.enter_context(started)

    def answers(self) -> None:
        """Wait until it does."""
        assert self._ready is not None
        self._ready(" serves ")

    def start(self) -> None:
        self.begin()
        self.answers()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.bury()

    def bury(self) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(STOP_S)
        self._life.close()
        return code

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.bury()

    def close(self) -> None:
        self._life.close()


@contextmanager
def sites(home: Path, database: str, *faults: str) -> Iterator[list[Site]]:
    """A server for each of `faults`, of a registry with one prompt; they answer."""
    write_tree(home / "prompts", {"triage.prompt.yaml": prompt_yaml(1, "Pick a queue")})
    found = [Site(home, database, fault) for fault in faults]
    try:
        for site in found:
            site.begin()
        for site in found:
            site.answers()
        yield found
    finally:
        for site in found:
            site.close()
