"""A server: the socket it listens on, what it says when it starts, and how it stops."""

from __future__ import annotations

import errno
import logging
import logging.config
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from promptgraph import __version__
from promptgraph.app import build, prepare, settled
from promptgraph.cli.options import masked
from promptgraph.cli.output import as_json, line, say, show
from promptgraph.cli.pretending import pretend
from promptgraph.cli.registry import opened
from promptgraph.cli.starter import start
from promptgraph.cli.surface import run
from promptgraph.config import PREFIX, Mode, Settings
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError

BACKLOG = 2048

PORTS = 50
"""How many ports after the wanted one `demo` looks at."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` already, so that nobody else can take it meanwhile.

    raises  StoreUnavailableError  the port is in use
            InvalidInputError      no such host here, or a port that this user may not take
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InvalidInputError(f"There is no host {host!r} to listen on.", field="host") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _refused(error, host, port) from error
    return sock


def listen_near(host: str, port: int) -> socket.socket:
    """A socket on `port`, or on the next free one above it."""
    for wanted in range(port, min(port + PORTS, 65_536)):
        try:
            return listen(host, wanted)
        except StoreUnavailableError:
            continue
    raise StoreUnavailableError(
        f"The ports {port} to {port + PORTS - 1} are all in use; name another with --port."
    )


def url_of(sock: socket.socket) -> str:
    """The address to type into a browser."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(error: OSError, host: str, port: int) -> InvalidInputError | StoreUnavailableError:
    if error.errno == errno.EADDRINUSE:
        return StoreUnavailableError(f"Port {port} is in use; name another with --port.")
    if error.errno == errno.EACCES:
        return InvalidInputError(
            f"Port {port} needs more rights; name one above 1023 with --port.", field="port"
        )
    return InvalidInputError(f"Cannot listen on {host}:{port}: {error.strerror}.", field="host")


APP = "promptgraph.app:create_worker"

GRACE_S = 10
"""How long a stop waits for requests under way."""

WS_MESSAGE_BYTES = 256 * 1024
"""What a WebSocket message may take; one that is larger is not read to its end."""

LOOP = "auto" if sys.platform == "win32" else "promptgraph.cli.loop:Loop"
"""uvloop's, with room; for Windows there is none."""
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
    config = _config(settings, lambda: settled(build(settings, prepared=True)))
    with _stopping():
        OneProcess(config, announce).run([sock])


def serve_workers(settings: Settings, sock: socket.socket, announce: Callable[[], None]) -> None:
    """Serves in several processes until it is told to stop; their settings are in the environment.

    raises  StoreUnavailableError  a worker could not start
            InvalidInputError      none could: a file that the settings name is wrong
    """
    build(settings, prepared=True)  # said once, here, and not by each worker again and again
    os.environ.update(environment(settings))
    manager = Workers(_config(settings, APP), sock, announce)
    manager.run()
    if any(process.exitcode == STARTUP_FAILURE for process in manager.processes):
        raise StoreUnavailableError(NOT_STARTED)


def _config(settings: Settings, app: Callable[[], Any] | str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=True,
        workers=settings.workers,
        loop=LOOP,
        server_header=False,
        lifespan="on",
        log_config=log_config(settings.log_level),
        access_log=settings.log_level == "debug",
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=WS_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # events are small, and each connection would hold a window of memory
    )


class OneLine(logging.Formatter):
    """A message takes one line, whatever names it repeats; a traceback follows below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        record.message = line(record.message)
        return super().formatMessage(record)


def log_config(level: str) -> dict[str, Any]:
    """One log on stderr. uvicorn's own steps are for whoever looks for a fault: it says less than we do."""
    quiet = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": OneLine, "format": "%(levelname)s %(name)s: %(message)s"}},
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


MODES = {
    Mode.DEVELOPMENT: "development: migrates and syncs at start, answers this machine only, asks for no key",
    Mode.PRODUCTION: "production: neither migrates nor syncs",
}

STORES = "prompts, labels, agents; calls with their variables and outputs, but no x-sensitive variable"

TRIES = (
    "Three things to try, in another terminal or a browser:",
    "  1. Open {url}/graphql and run: {{ prompts {{ nodes {{ name metrics {{ calls costUsd }} }} }} }}",
    "  2. Change a message in {folder}, then: promptgraph sync{options}",
    "     It is refused, and says which command makes a new version of it.",
    "  3. See which version each label serves: promptgraph label list{options}",
)


def serve_on(settings: Settings, sock: socket.socket, *, hints: bool = False) -> None:
    """Serves on a socket that listens already, in one process or several; `hints` says what to try.

    raises  StoreUnavailableError  the database is out of reach, or not migrated in production mode
    """
    logging.config.dictConfig(log_config(settings.log_level))
    run(_prepared(settings))
    announced = partial(announce, settings, sock, hints=hints)
    serve = serve_here if settings.workers == 1 else serve_workers
    serve(settings, sock, announced)


def serve_demo(settings: Settings, *, calls: bool) -> None:
    """Serves the prompts there are, or a small set to start from, on the wanted port or the next free one."""
    if not settings.prompts_dir.exists():
        start(settings.prompts_dir)
        say(f"There was no folder {settings.prompts_dir}; a small one was started.")
    with listen_near(settings.host, settings.port) as sock:
        port = sock.getsockname()[1]
        if settings.port not in (0, port):
            say(f"Port {settings.port} is in use, so this is port {port}.", "warning")
        if calls:
            pretend(settings)
        serve_on(settings, sock, hints=True)


async def _prepared(settings: Settings) -> None:
    """What comes before the first request, once for all processes; what stands in the way is said here."""
    async with opened(settings) as db:
        await prepare(db, settings)


def announce(settings: Settings, sock: socket.socket, *, hints: bool) -> None:
    """Where the server answers, what it is, and what to try."""
    url = url_of(sock)
    show(f"promptgraph {__version__} serves {url}/graphql", "ok")
    show(f"  mode      {MODES[settings.mode]}")
    show(f"  database  {masked(settings.database_url)}")
    show(f"  stores    {STORES}")
    for words in TRIES if hints else ():
        show(words.format(url=url, folder=settings.prompts_dir, options=_options(settings)))
    show("Ctrl-C stops it.", "faint")


def _options(settings: Settings) -> str:
    """The options that make another command look at the same files and database."""
    given = {"database_url": masked(settings.database_url), "prompts_dir": str(settings.prompts_dir)}
    fields = type(settings).model_fields
    return "".join(
        f" --{name.replace('_', '-')} {shlex.quote(value or '')}"
        for name, value in given.items()
        if getattr(settings, name) != fields[name].default
    )
