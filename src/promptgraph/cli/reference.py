"""docs/reference/cli.md, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from promptgraph.cli.program import promptgraph


def reference() -> str:
    """The whole page: every command with its usage, words and options."""
    lines = ["# Commands", "", *_words(promptgraph), ""]
    for command, path in _commands(promptgraph, ("promptgraph",)):
        lines += [
            f"## {' '.join(path)}",
            "",
            *_usage(command, path),
            *_words(command),
            "",
            *_options(command),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield command, (*path, name)


def _usage(command: click.Command, path: tuple[str, ...]) -> list[str]:
    context = click.Context(command, info_name=" ".join(path))
    return ["```", " ".join((" ".join(path), *command.collect_usage_pieces(context))), "```", ""]


def _words(command: click.Command) -> list[str]:
    """The command's own words, a line for each paragraph."""
    paragraphs = (command.help or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).split("\n")


def _options(command: click.Command) -> list[str]:
    rows = [record for option in command.params if (record := _option(command, option))]
    return ["| option | meaning |", "|---|---|", *rows, ""] if rows else []


def _option(command: click.Command, param: click.Parameter) -> str | None:
    record = param.get_help_record(click.Context(command)) if isinstance(param, click.Option) else None
    if record is None:
        return None
    flags, words = (part.replace("|", "\\|") for part in record)
    return f"| `{flags}` | {words} |"
