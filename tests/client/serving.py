"""Servers for the client's tests: the real application on a real port, in a thread of the tests; and a
network that fails as it is told to.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from promptgraph.app import build
from promptgraph.config import load

PATIENCE_S = 60.0


@contextmanager
def serving(home: Path, **more: Any) -> Iterator[str]:
    """The address of a server of `home`/prompts; `more` settings."""
    settings = load(database_url=f"sqlite:///{home}/registry.db", prompts_dir=home / "prompts", **more)
    server = uvicorn.Server(uvicorn.Config(build(settings), port=0, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        within(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@contextmanager
def locked(home: Path) -> Iterator[str]:
    """The address of one that executes trusted documents alone; a frontend's manifest has none of ours."""
    manifest = home / "documents.json"
    manifest.write_text(json.dumps({"names": "{ prompts { nodes { name } } }"}))
    with serving(home, trusted_documents=manifest, only_trusted=True) as url:
        yield url


def within(holds: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it never came to hold"
        time.sleep(0.01)


def asked(server: str, query: str, **variables: Any) -> Any:
    """What the graph answers."""
    body = {"query": query, "variables": variables}
    response = httpx.post(f"{server}/graphql", json=body, timeout=PATIENCE_S)
    found = response.json()
    assert "errors" not in found, found
    return found["data"]


def stored(server: str, call_id: object, fields: str = "callId") -> Any:
    """A recorded call, None if there is none."""
    return asked(server, f"query($id: UUID!) {{ llmCall(callId: $id) {{ {fields} }} }}", id=str(call_id))[
        "llmCall"
    ]


class Network(httpx.BaseTransport):
    """A network to a server: while there is something in `script`, that happens instead of a request. An
    exception is raised, a response given, a function called with the request.
    """

    def __init__(self, *script: Any) -> None:
        self.script = deque(script)
        self.always: Any = None
        self.asked: list[Any] = []
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.read()))
        happens = self.script.popleft() if self.script else self.always
        if happens is None:
            return self._real.handle_request(request)
        if isinstance(happens, Exception):
            raise happens
        found: httpx.Response = happens if isinstance(happens, httpx.Response) else happens(request)
        return found

    def close(self) -> None:
        self._real.close()


def away() -> httpx.ConnectError:
    return httpx.ConnectError("refused")
