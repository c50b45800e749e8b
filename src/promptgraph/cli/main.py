"""`promptgraph`: every command, and the way in."""

from __future__ import annotations

import io
import logging
import sys

import click

from promptgraph import __version__
from promptgraph.cli.surface import Surface, last_words

PLACES = {
    "init": "promptgraph.cli.init:init",
    "check": "promptgraph.cli.check:check",
    "sync": "promptgraph.cli.sync:sync",
    "bump": "promptgraph.cli.bump:bump",
    "render": "promptgraph.cli.render:render_prompt",
    "label": "promptgraph.cli.label:label",
    "serve": "promptgraph.cli.serve:serve",
    "demo": "promptgraph.cli.serve:demo",
    "calls": "promptgraph.cli.calls:calls",
    "reprice": "promptgraph.cli.reprice:reprice_calls",
    "rollup": "promptgraph.cli.rollup:rollup",
    "db": "promptgraph.cli.db:db",
    "legacy": "promptgraph.cli.legacy:legacy",
    "schema": "promptgraph.cli.schema:schema",
    "doctor": "promptgraph.cli.doctor:doctor",
}
"""Every command, in the order of the help, and where it is."""


@click.group(cls=Surface, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def promptgraph(*, debug: bool) -> None:
    """Versioned prompts: YAML files in git, a registry in a database, one GraphQL graph.

    Exit codes: 0 fine, 1 findings, 2 usage, 75 busy or unavailable (try again).
    """
    sys.excepthook = last_words(debug=debug)


def main() -> None:
    """The entry point of the installed command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = last_words(debug=False)
    logging.getLogger("promptgraph").setLevel(
        logging.ERROR
    )  # `serve` has a log; here what matters is printed
    promptgraph(prog_name="promptgraph")


if __name__ == "__main__":
    main()
