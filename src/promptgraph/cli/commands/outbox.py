"""`promptgraph outbox`: what agents recorded and could not deliver yet."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.outboxes import delivered, opened
from promptgraph.cli.output import as_json as json_of
from promptgraph.cli.output import counted, say, show_json, show_table
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.client.core import DEFAULT_OUTBOX
from promptgraph.config import Settings

outbox_option = click.option(
    "--outbox",
    "path",
    default=DEFAULT_OUTBOX,
    show_default=True,
    type=click.Path(path_type=Path),
    help="The outbox file of the agents.",
)


@click.group()
def outbox() -> None:
    """Look into an outbox of recorded calls, or deliver it."""


@outbox.command()
@outbox_option
@json_option
def status(path: Path, *, as_json: bool) -> None:
    """Print how many rows wait, how many were refused and why, and what was delivered so far."""
    with opened(path) as found:
        facts, refusals = found.status(), found.refusals()
    if as_json:
        reasons = [{"callId": str(call_id), "reason": reason} for call_id, reason in refusals]
        show_json({"outbox": json_of(facts), "refusals": reasons})
        return
    show_table(("what", "number"), [(each.name, getattr(facts, each.name)) for each in fields(facts)])
    for call_id, reason in refusals:
        say(f"{call_id}: {reason}", "warning")


@outbox.command()
@outbox_option
@click.option("--retry-refused", is_flag=True, help="Send again what was set aside, too.")
@with_settings("server", "api_key")
def deliver(settings: Settings, /, path: Path, *, retry_refused: bool) -> None:
    """Send everything in an outbox to a server, and wait for its answer.

    Exit code 1 where the server refuses rows: they are set aside. 75 where it takes none now: they stay.
    """
    with opened(path) as found:
        total = delivered(found, settings, retry_refused=retry_refused)
        left = found.waiting()
    rest = f"{total.duplicates} known before, {total.refused} refused"
    say(f"{counted(total.recorded, 'row')} delivered, {rest}.")
    if left:
        say(f"{counted(left, 'row')} left: another process is sending them.", "warning")
    finish(FINDINGS if total.refused else FINE)
