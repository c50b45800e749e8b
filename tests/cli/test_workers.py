"""Several processes as one server: replaced under load, killed, counted together, stopped."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import psutil  # type: ignore[import-untyped]  # it has no stubs
import pytest

from promptgraph.domain.names import global_id
from tests.cli.processes import PATIENCE_S, running

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]  # with other work to do a server starts slowly

QUERY = 'query Loaded { prompt(name: "support/answer", label: "production") { version } }'
RECORD = "mutation Loading($i: LlmCallInput!) { recordLlmCall(input: $i) { duplicate errors { message } } }"
PROMPT = global_id("Prompt", "support/answer", 1)
CLIENTS = 4


class Load:
    """Clients that ask and record without a pause, each on a connection of its own, and never try again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.recorded = 0
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        with httpx.Client(timeout=PATIENCE_S) as web:
            while not self._stop.is_set():
                try:
                    self._ask(web)
                except (httpx.HTTPError, AssertionError) as error:
                    self.failed.append(repr(error))
                    return

    def _ask(self, web: httpx.Client) -> None:
        call = {"callId": str(uuid4()), "promptId": PROMPT, "model": "m"}
        read = web.post(self._url, json={"query": QUERY})
        made = web.post(self._url, json={"query": RECORD, "variables": {"i": call}})
        assert {"data": {"prompt": {"version": 1}}} == read.json()
        assert {"duplicate": False, "errors": []} == made.json()["data"]["recordLlmCall"]
        with self._lock:
            self.recorded += 1

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Inside, they ask."""
        threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()


def workers(process: psutil.Process) -> dict[int, psutil.Process]:
    """The processes that serve, by number; the tracker of Python's own is none."""
    found = {}
    for child in process.children():
        with suppress(psutil.Error):  # it has ended since
            if "spawn_main" in " ".join(child.cmdline()):
                found[child.pid] = child
    return found


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


def figure(url: str, name: str) -> float:
    """A figure of the page, over all its labels."""
    page = httpx.get(url.replace("/graphql", "/metrics"), timeout=PATIENCE_S).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE))


def kill_one(parent: psutil.Process, url: str) -> None:
    """Kill one process, and wait until another has taken its place."""
    killed = next(iter(workers(parent).values()))
    killed.kill()
    until(lambda: len(workers(parent)) == 2 and killed.pid not in workers(parent))
    until(lambda: figure(url, "promptgraph_workers") == 2)


def test_replacing_the_processes_drops_no_request(prompts: Path) -> None:
    """SIGHUP under load: both are others afterwards, every request was answered by its first try, and the
    figures are those of all, of the ended ones too; also after one was killed. Then nothing is left of them.
    """
    with running(prompts.parent, "serve", "--port", "0", "--workers", "2") as (process, wait_for):
        url = wait_for(" serves ").split(" serves ")[1].strip()
        parent = psutil.Process(process.pid)
        before = workers(parent)
        folder = Path(next(iter(before.values())).environ()["PROMPTGRAPH_FIGURES_DIR"])
        load, seen = Load(url), [0.0]

        def replaced() -> bool:
            seen.append(figure(url, "promptgraph_requests_total"))
            now = workers(parent)
            return len(now) == 2 and not now.keys() & before.keys()

        with load.going_on():
            until(lambda: load.failed != [] or load.recorded >= 2 * CLIENTS)
            process.send_signal(signal.SIGHUP)
            until(replaced)
            more = load.recorded + 2 * CLIENTS
            until(lambda: load.failed != [] or load.recorded >= more)
        assert [] == load.failed
        assert sorted(seen) == seen
        until(lambda: 2 * load.recorded == figure(url, "promptgraph_requests_total"))
        assert load.recorded == figure(url, "promptgraph_calls_total")

        kill_one(parent, url)
        assert 2.0 * load.recorded == figure(url, "promptgraph_requests_total")
        assert 3 == len([path for path in folder.iterdir() if not path.suffix])
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)
    assert not folder.exists()


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_second_signal_ends_it_at_once(prompts: Path, count: str) -> None:
    """Though a client holds on to a request that it never completes."""
    with running(prompts.parent, "serve", "--port", "0", "--workers", count) as (process, wait_for):
        url = httpx.URL(wait_for(" serves ").split(" serves ")[1].strip())
        served = list(workers(psutil.Process(process.pid)).values())

        def endless() -> Iterator[bytes]:
            yield b'{"query":'
            process.send_signal(signal.SIGTERM)
            time.sleep(2)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(PATIENCE_S)
            yield b'"{__typename}"}'

        with suppress(httpx.HTTPError):
            answer = httpx.post(
                url, content=endless(), headers={"content-type": "application/json"}, timeout=PATIENCE_S
            )
            assert 500 == answer.status_code
        with pytest.raises(AssertionError, match="never came"):
            wait_for("timeout graceful shutdown exceeded")
        assert [] == [child for child in served if child.is_running()]
