"""`promptgraph render`: a prompt's messages, filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from promptgraph.cli.found import Found, find
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import dumps, say, show, show_json, show_text
from promptgraph.cli.variables import variables_from
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.prompt import prompt_global_id
from promptgraph.store.prompts import PromptRef
from promptgraph.template.render import Rendered, RenderedMessage, render


@click.command("render")
@click.argument("name")
@click.option("--label", help="The version that this label serves.")
@click.option("--version", type=click.IntRange(min=1), help="This version (default: the latest).")
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="A variable; may be repeated.")
@click.option("--vars-file", type=click.Path(path_type=Path), help="A JSON object of variables; --var wins.")
@json_option
@with_settings("prompts_dir", "database_url")
def render_prompt(settings: Settings, /, name: str, *, as_json: bool, **given: Any) -> None:
    """Render prompt NAME from the files, or from the registry what the files do not hold.

    A value is taken as text where the prompt's schema says text, else as JSON where it is JSON.
    """
    found = find(settings, PromptRef(name, given["version"], given["label"]))
    variables = variables_from(given["vars_file"], given["pairs"], found.content.variables)
    rendered = render(found.content, variables)
    if as_json:
        show_json(rendered_json(found, rendered))
    else:
        _print(found, rendered)


def rendered_json(found: Found, rendered: Rendered) -> JsonObject:
    """The stable shape of `render --json`."""
    return {
        "prompt": {
            "id": prompt_global_id(found.name, found.version),
            "name": found.name,
            "version": found.version,
            "contentHash": found.digest,
        },
        "from": found.origin,
        "messages": [_message(message) for message in rendered.messages],
        "text": rendered.text,
        "variables": rendered.variables,
        "hash": rendered.hash,
    }


def _message(message: RenderedMessage) -> JsonObject:
    body: JsonObject = {"content": message.content} if message.parts is None else {"parts": [*message.parts]}
    return {"role": message.role.value} | body


def _print(found: Found, rendered: Rendered) -> None:
    say(f"{found.name} version {found.version}, from the {found.origin}", "faint")
    for message in rendered.messages:
        show(f"[{message.role.value}]", "head")
        show_text(message.content if message.content is not None else dumps(message.parts))
