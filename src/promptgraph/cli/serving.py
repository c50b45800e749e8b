"""A server on a socket: announced once it answers, stopped without a traceback."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from promptgraph.app import build
from promptgraph.cli.output import as_json
from promptgraph.config import PREFIX, Settings
from promptgraph.domain.errors import StoreUnavailableError

APP = "promptgraph.app:create"
GRACE_S = 10
"""How long a stop waits for requests under way."""
START_S = 60


NOT_STARTED = "The server could not start; its log says why."


class OneProcess(uvicorn.Server):
    """A server that says so once it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise StoreUnavailableError(NOT_STARTED) from error
        self._announce()


class Workers(Multiprocess):
    """Several processes that say so once all of them answer."""

    def __init__(self, config: uvicorn.Config, sock: socket.socket, announce: Callable[[], None]) -> None:
        super().__init__(config, [sock])
        self._announce = announce

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(START_S, self.should_exit) for process in self.processes):
            self._announce()


def serve_here(settings: Settings, sock: socket.socket, announce: Callable[[], None]) -> None:
    """Serves in this process until it is told to stop."""
    config = _config(settings, lambda: build(settings))
    with _stopping():
        OneProcess(config, announce).run([sock])


def serve_workers(
    settings: Settings, sock: socket.socket, workers: int, announce: Callable[[], None]
) -> None:
    """Serves in `workers` processes until it is told to stop; their settings are in the environment.

    raises  StoreUnavailableError  a worker could not start
    """
    os.environ.update(environment(settings))
    manager = Workers(_config(settings, APP, workers), sock, announce)
    manager.run()
    if any(process.exitcode == STARTUP_FAILURE for process in manager.processes):
        raise StoreUnavailableError(NOT_STARTED)


def _config(settings: Settings, app: Callable[[], Any] | str, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=True,
        workers=workers,
        lifespan="on",
        log_config=log_config(settings.log_level),
        access_log=settings.log_level == "debug",
        timeout_graceful_shutdown=GRACE_S,
    )


def log_config(level: str) -> dict[str, Any]:
    """One log on stderr. uvicorn's own steps are for whoever looks for a fault: it says less than we do."""
    quiet = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            "promptgraph": {"handlers": ["stderr"], "level": level.upper(), "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": quiet, "propagate": False},
        },
    }


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process these settings."""
    found = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else as_json(value)
        if plain is not None:
            found[f"{PREFIX}{name.upper()}"] = str(plain)
    return found


@contextmanager
def _stopping() -> Iterator[None]:
    """A stop by Ctrl-C or by SIGTERM ends the block, and is no failure."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
