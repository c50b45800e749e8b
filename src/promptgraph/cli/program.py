"""`promptgraph`: every command, where it is, and what all of them have in common."""

from __future__ import annotations

import os
import sys

import click

from promptgraph import __version__
from promptgraph.cli.output import say
from promptgraph.cli.surface import Surface, last_words
from promptgraph.config import unknown_variables

ROOM = "promptgraph.cli.commands"
PLACES = {
    "init": f"{ROOM}.init:init",
    "check": f"{ROOM}.check:check",
    "sync": f"{ROOM}.sync:sync",
    "bump": f"{ROOM}.bump:bump",
    "diff": f"{ROOM}.diff:diff",
    "log": f"{ROOM}.history:show_log",
    "at": f"{ROOM}.history:show_at",
    "status": f"{ROOM}.status:status",
    "render": f"{ROOM}.render:render_prompt",
    "label": f"{ROOM}.label:label",
    "codegen": f"{ROOM}.codegen:codegen",
    "lock": f"{ROOM}.lock:lock",
    "verify": f"{ROOM}.lock:verify",
    "serve": f"{ROOM}.serve:serve",
    "demo": f"{ROOM}.serve:demo",
    "calls": f"{ROOM}.calls:calls",
    "outbox": f"{ROOM}.outbox:outbox",
    "reprice": f"{ROOM}.reprice:reprice_calls",
    "rollup": f"{ROOM}.rollup:rollup",
    "prune": f"{ROOM}.prune:prune_calls",
    "keys": f"{ROOM}.keys:keys",
    "erase": f"{ROOM}.erase:erase_calls",
    "db": f"{ROOM}.db:db",
    "legacy": f"{ROOM}.legacy:legacy",
    "schema": f"{ROOM}.schema:schema",
    "explain": f"{ROOM}.explain:explain_operation",
    "doctor": f"{ROOM}.doctor:doctor",
}
"""Every command, in the order of the help, and where it is."""


@click.group(cls=Surface, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def promptgraph(*, debug: bool) -> None:
    """Versioned prompts: YAML files in git, a registry in a database, one GraphQL graph.

    Exit codes: 0 fine, 1 findings, 2 usage, 75 busy or unavailable (try again), 130 stopped by Ctrl-C.
    """
    sys.excepthook = last_words(debug=debug)
    for sentence in unknown_variables(os.environ):
        say(f"warning: {sentence}", "warning")
