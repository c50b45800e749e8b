"""`promptgraph serve` and `promptgraph demo`: the GraphQL server."""

from __future__ import annotations

import click

from promptgraph.cli.options import with_settings
from promptgraph.cli.server import listen, serve_demo, serve_on
from promptgraph.config import Mode, Settings


@click.command()
@with_settings("workers", "host", "port", "mode", "database_url", "prompts_dir", "log_level")
def serve(settings: Settings) -> None:
    """Serve the GraphQL API until it is stopped.

    Development mode migrates the database and syncs the prompts first; production mode does neither, and
    says what is missing.
    """
    with listen(settings.host, settings.port) as sock:
        serve_on(settings, sock)


@click.command()
@click.option("--calls/--no-calls", default=True, help="Simulate a month of calls, or leave them out.")
@with_settings("host", "port", "database_url", "prompts_dir", fixed={"mode": Mode.DEVELOPMENT})
def demo(settings: Settings, *, calls: bool) -> None:
    """Have a look: migrate, sync, simulate a month of calls, and serve on the next free port.

    Where there is no prompts folder yet, a small one is started. It may run any number of times: simulated
    calls are added for the days since. They have the release `demo` and the metadata {"simulated": true}.
    """
    serve_demo(settings, calls=calls)
