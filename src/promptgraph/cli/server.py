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
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from promptgraph import __version__
from promptgraph.app import build, prepare, settle, settled
from promptgraph.cli.connection import Connection
from promptgraph.cli.logs import log_config
from promptgraph.cli.options import masked
from promptgraph.cli.output import as_json, say, show
from promptgraph.cli.pretending import pretend
from promptgraph.cli.registry import opened
from promptgraph.cli.starter import start
from promptgraph.cli.surface import run
from promptgraph.config import FIGURES_DIR, PREFIX, Mode, Settings
from promptgraph.domain.content import policy_of
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
STOPS = (signal.SIGINT, signal.SIGTERM)

NOT_STARTED = "The server could not start; its log says why."


class OneProcess(uvicorn.Server):
    """A server that says so once it answers, and ends at once when it is told to a second time."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise StoreUnavailableError(NOT_STARTED) from error
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)


class Workers(Multiprocess):
    """Several processes that say so once all of them answer. SIGHUP has each replaced, one by one."""

    def __init__(
        self, config: uvicorn.Config, sock: socket.socket, announce: Callable[[], None], figures: Path
    ) -> None:
        super().__init__(config, [sock])
        self._announce = announce
        self._figures = figures
        for number in STOPS:
            signal.signal(number, self._told)
        self._stopping = False

    def _told(self, number: int, _frame: FrameType | None) -> None:
        """To stop; a second time, to end at once.

        raises  KeyboardInterrupt  the second time, out of whatever is waited for
        """
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        self.signal_queue.append(number)

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        settle(self._figures, {process.pid for process in self.processes if process.pid is not None})

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
    with TemporaryDirectory(prefix="promptgraph-") as figures:
        os.environ.update({**environment(settings), FIGURES_DIR: figures})
        manager = Workers(_config(settings, APP), sock, announce, Path(figures))
        try:
            manager.run()
        except KeyboardInterrupt:
            for child in active_children():
                child.kill()
                child.join()
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
        log_config=log_config(settings.log_level, settings.log_format),
        access_log=False,  # ours names no path that a client made, and no variable
        http=Connection,
        proxy_headers=False,  # web/proxy.py believes the proxy that is named, and no other
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=START_S,
        ws_max_size=WS_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # events are small, and each connection would hold a window of memory
    )


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
    Mode.PRODUCTION: "production: neither migrates nor syncs, asks for a key",
}

STORES = "prompts, labels, agents; calls, {policy}; no x-sensitive variable{redaction}"

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
    logging.config.dictConfig(log_config(settings.log_level, settings.log_format))
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
    show(f"  stores    {stores(settings)}")
    for words in TRIES if hints else ():
        show(words.format(url=url, folder=settings.prompts_dir, options=_options(settings)))
    show("Ctrl-C stops it.", "faint")


def stores(settings: Settings) -> str:
    """What is stored, and how much of what calls are about."""
    redaction = "; redacted by " + settings.redact if settings.redact else ""
    return STORES.format(policy=policy_of(settings.content).sentence(), redaction=redaction)


def _options(settings: Settings) -> str:
    """The options that make another command look at the same files and database."""
    given = {"database_url": masked(settings.database_url), "prompts_dir": str(settings.prompts_dir)}
    fields = type(settings).model_fields
    return "".join(
        f" --{name.replace('_', '-')} {shlex.quote(value or '')}"
        for name, value in given.items()
        if getattr(settings, name) != fields[name].default
    )
