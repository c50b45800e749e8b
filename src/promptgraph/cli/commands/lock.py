"""`promptgraph lock` and `promptgraph verify`: the bundle that agents start from while the server is away."""

from __future__ import annotations

from pathlib import Path

import click

from promptgraph.cli.bundles import compared, made, write
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show_json, show_table, working
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.client.bundle import read_bundle
from promptgraph.config import Settings

FILE = Path("prompts.lock.json")

file_argument = click.argument("file", default=FILE, type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only what this label serves.")
@with_settings("prompts_dir", "server", "api_key")
def lock(settings: Settings, /, file: Path, *, labels: tuple[str, ...]) -> None:
    """Write what labels serve to a bundle FILE, with names, versions, hashes and contents.

    From the files, or with --server from a server. An agent that is given the bundle starts while the server
    is away, and its calls still name their versions. The latest versions and what agents use are in it, too.
    """
    with working("Reading"):
        bundle = made(settings, labels)
    write(bundle, file)
    prompts, agents = counted(len(bundle.prompts), "version"), counted(len(bundle.agents), "agent")
    say(f"{prompts}, {agents}: {file}", "ok")


@click.command()
@file_argument
@json_option
@with_settings("prompts_dir", "database_url", "server", "api_key")
def verify(settings: Settings, /, file: Path, *, as_json: bool) -> None:
    """Compare a bundle FILE with the files and with the registry, by the server or the database.

    Exit code 1 where they differ. What is not there, folder or registry, is not compared.
    """
    bundle = read_bundle(file)
    found = [(source, each) for source, some in compared(settings, bundle) for each in some]
    if as_json:
        show_json({"differences": [{"from": s, "name": e.name, "sentence": e.sentence} for s, e in found]})
    elif found:
        show_table(("from", "name", "difference"), [(s, e.name, e.sentence) for s, e in found])
    else:
        say(f"{file} is what is served.", "ok")
    finish(FINDINGS if found else FINE)
