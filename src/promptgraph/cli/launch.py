"""How a server starts for somebody who looks on: what it needs is there, and it says what it is."""

from __future__ import annotations

import shlex
import socket
from functools import partial

from promptgraph import __version__
from promptgraph.cli.inforce import masked
from promptgraph.cli.init import start
from promptgraph.cli.listening import listen_near, url_of
from promptgraph.cli.opened import opened
from promptgraph.cli.output import say, show
from promptgraph.cli.pretending import pretend
from promptgraph.cli.serving import serve_here, serve_workers
from promptgraph.cli.surface import run
from promptgraph.config import Mode, Settings
from promptgraph.store import migrate

MODES = {
    Mode.DEVELOPMENT: "development: migrates and syncs at start, answers this machine only, asks for no key",
    Mode.PRODUCTION: "production: neither migrates nor syncs",
}
STORES = "prompts, labels, agents and their history; nothing of calls, variables or outputs"

TRIES = (
    "Three things to try, in another terminal or a browser:",
    "  1. Open {url}/graphql and run: {{ prompts {{ nodes {{ name version labelNames }} }} }}",
    "  2. Change a message in {folder}, then: promptgraph sync{options}",
    "     It is refused, and says which command makes a new version of it.",
    "  3. See which version each label serves: promptgraph label list{options}",
)


def serve_on(settings: Settings, sock: socket.socket, workers: int = 1, *, hints: bool = False) -> None:
    """Serves on a socket that listens already, in one process or several; `hints` says what to try.

    raises  StoreUnavailableError  the database is out of reach, or not migrated in production mode
    """
    run(_prepared(settings))
    announced = partial(announce, settings, sock, hints=hints)
    if workers == 1:
        serve_here(settings, sock, announced)
    else:
        serve_workers(settings, sock, workers, announced)


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
    """What the server does first, done here, where what stands in the way can be said in words."""
    async with opened(settings) as db:
        if settings.mode is Mode.DEVELOPMENT:
            await migrate.upgrade(db)
        else:
            await migrate.require_head(db)


def announce(settings: Settings, sock: socket.socket, *, hints: bool) -> None:
    """Where the server answers, what it is, and what to try."""
    url = url_of(sock)
    show(f"promptgraph {__version__} serves {url}/graphql", "ok")
    show(f"  mode      {MODES[settings.mode]}")
    show(f"  database  {masked(settings.database_url)}")
    show(f"  stores    {STORES}")
    for line in TRIES if hints else ():
        show(line.format(url=url, folder=settings.prompts_dir, options=_options(settings)))
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
