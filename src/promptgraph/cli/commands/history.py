"""`promptgraph log` and `at`: the versions of a prompt, and what was live when."""

from __future__ import annotations

import datetime as dt

import click

from promptgraph.cli.histories import Logged, logged, served
from promptgraph.cli.instants import INSTANT
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import instant, show, show_json, show_table
from promptgraph.cli.surface import run
from promptgraph.config import Settings


@click.command("log")
@click.argument("name")
@click.option("--last", "size", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@json_option
@with_settings("database_url")
def show_log(settings: Settings, name: str, size: int, *, as_json: bool) -> None:
    """Show the stored versions of prompt NAME, newest first: who wrote them, and which labels serve them."""
    versions = run(logged(settings, name, size))
    if as_json:
        show_json({"name": name, "versions": versions})
    else:
        show_table(("version", "labels", "at", "by", "commit", "content"), [_row(one) for one in versions])


@click.command("at")
@click.argument("time", type=INSTANT)
@click.argument("name", required=False)
@json_option
@with_settings("database_url")
def show_at(settings: Settings, time: dt.datetime, name: str | None, *, as_json: bool) -> None:
    """Show what every label (of prompt NAME) served at TIME, by when its moves were applied here.

    TIME is a date, or a time with its zone: 2026-11-22T14:05Z.
    """
    found = run(served(settings, time, name))
    if as_json:
        show_json({"at": time, "labels": found})
    elif found:
        show_table(("prompt", "label", "version"), [(one.name, one.label, one.version) for one in found])
    else:
        show(f"No label served anything at {instant(time)}.")


def _row(one: Logged) -> tuple[str | int | None, ...]:
    version = f"{one.version} (draft)" if one.draft else one.version
    at = instant(one.committed_at or one.created_at)
    commit, content = (one.commit_sha or "")[:10], one.content_hash.removeprefix("sha256:")[:12]
    return version, " ".join(one.labels), at, one.author, commit, content
