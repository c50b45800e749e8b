"""kill -9 of servers and of agents: with the ids that a client makes nothing is lost and nothing doubled."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from promptgraph.client.address import Server
from promptgraph.client.courier import deliver_batch
from promptgraph.client.http import Shell
from promptgraph.client.outbox import Outbox
from promptgraph.domain.errors import PromptgraphError
from promptgraph.domain.prompt import prompt_global_id
from tests.children import surroundings
from tests.client import recording
from tests.client.conftest import TREE
from tests.client.serving import asked, serving, within
from tests.factories import write_tree

PROMPT = prompt_global_id("support/triage", 2)
AGENTS = 4
FOUND = """query($after: String) { metrics { calls inputTokens }
  prompt(name: "support/triage", version: 2) { llmCalls(first: 100, after: $after) { nodes { inputTokens }
  pageInfo { hasNextPage endCursor } } } }"""


class Scale(NamedTuple):
    calls: int
    server_kills: int
    agent_kills: int


SMALL, FULL = Scale(400, 2, 1), Scale(10_000, 20, 5)
DELIVERY_S = 1_200
FULL_FROM = 20
"""`--kills 20` asks for it."""


class Servers:
    """A server, and after its death the next one, on the same port."""

    def __init__(self, home: Path, port: int, deaths: int) -> None:
        self.home, self.port, self.left = home, port, deaths
        self.deaths = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _live(self) -> None:
        while not self._over.is_set():
            chance = 0.3 if self.left > self.deaths else 0
            words = [str(self.home), str(self.port), str(chance), str(self.deaths)]
            command = [sys.executable, "-m", "tests.client.dying", *words]
            self._process = subprocess.Popen(command, env=surroundings(), cwd=self.home)
            self._process.wait()
            self.deaths += not self._over.is_set()

    @contextmanager
    def alive(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            if self._process is not None:
                self._process.kill()
            self._thread.join()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def agent(how: str, url: str, outbox: Path, numbers: range, kills: int) -> int:
    """Lives until all its calls are recorded; how often it was killed."""
    moments = random.Random(numbers.start)  # noqa: S311  # a moment, not a secret
    killed = 0
    while numbers:
        words = [how, url, str(outbox), PROMPT, f"{numbers.start}-{numbers.stop}"]
        end = (
            numbers.start + moments.randrange(5, max(6, len(numbers) // 2))
            if killed < kills
            else numbers.stop + 1
        )
        with subprocess.Popen(
            [sys.executable, "-m", "tests.client.recording", *words],
            env=surroundings(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.endswith("\n"):  # a line that its death cut off does not count
                    numbers = range(int(line) + 1, numbers.stop)
                if numbers.start >= end:
                    process.kill()
            killed += process.wait() != 0
        assert killed <= kills
    return killed


def history(how: str, home: Path, scale: Scale) -> tuple[int, int, Counter[int], dict[str, int]]:
    """Deaths of servers and agents, how often each number is stored, and what the metrics say."""
    write_tree(home / "prompts", TREE)
    outbox = home / "outbox.db"
    servers = Servers(home, free_port(), scale.server_kills)
    share = scale.calls // AGENTS
    with servers.alive():
        killed: list[int] = []
        threads = [
            threading.Thread(
                target=lambda n=number: killed.append(
                    agent(
                        how, servers.url, outbox, range(n * share + 1, (n + 1) * share + 1), scale.agent_kills
                    )
                )
            )
            for number in range(AGENTS)
        ]
        within(lambda: answers(servers.url))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deliver(how, servers.url, outbox)
    with serving(home) as url:
        return servers.deaths, sum(killed), *found(url)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


def deliver(how: str, url: str, path: Path) -> None:
    """What the agents left, as `promptgraph outbox deliver` does it, again and again."""
    outbox = Outbox(path, lease_s=recording.LEASE_S, batch_rows=recording.BATCH)
    shell = Shell(Server.at(url), None if how == "keyed" else recording.Keyless())
    within(lambda: emptied(outbox, shell), DELIVERY_S)
    shell.close()
    outbox.close()


def emptied(outbox: Outbox, shell: Shell) -> bool:
    """Whether everything is delivered; one more try, if not."""
    with suppress(PromptgraphError):
        while deliver_batch(outbox, shell) is not None:
            pass
    return outbox.waiting() == 0


def found(url: str) -> tuple[Counter[int], dict[str, int]]:
    """How often each number is stored, and the metrics."""
    numbers: Counter[int] = Counter()
    after = None
    while True:
        data = asked(url, FOUND, after=after)
        page = data["prompt"]["llmCalls"]
        numbers.update(call["inputTokens"] for call in page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            return numbers, data["metrics"]
        after = page["pageInfo"]["endCursor"]


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_call_is_lost_or_doubled(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Servers and agents die; each call is there once, linked, and the metrics are the calls'."""
    scale = FULL if pytestconfig.option.kills >= FULL_FROM else SMALL
    deaths, killed, numbers, metrics = history("keyed", tmp_path, scale)
    assert (scale.server_kills, AGENTS * scale.agent_kills) == (deaths, killed)
    assert dict.fromkeys(range(1, scale.calls + 1), 1) == numbers
    assert {"calls": scale.calls, "inputTokens": sum(numbers)} == metrics


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_ids_the_same_deaths_double(tmp_path: Path) -> None:
    """The control: what the server makes ids for is stored again when it is sent again."""
    deaths, _, numbers, metrics = history("keyless", tmp_path, SMALL)
    assert SMALL.server_kills == deaths
    assert max(numbers.values()) > 1
    assert numbers.total() == metrics["calls"]
