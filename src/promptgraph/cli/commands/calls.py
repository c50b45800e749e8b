"""`promptgraph calls`: recorded calls, to look at and to take away."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from promptgraph.cli.call_rows import Names, json_line, line_of, rows_of
from promptgraph.cli.following import FORMS, UnwrittenError, export, follow, unwritable
from promptgraph.cli.instants import INSTANT
from promptgraph.cli.options import with_settings
from promptgraph.cli.output import counted, plain, say
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import run
from promptgraph.cli.writing import writing
from promptgraph.config import Settings
from promptgraph.domain.call import CallStatus, LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.window import Window
from promptgraph.store.call_stream import newest_calls
from promptgraph.store.database import Session

F = TypeVar("F", bound=Callable[..., Any])

MAX_LAST = 10_000

FILTERS = (
    click.option("--since", type=INSTANT, help="Started then or later: 2026-11-22, in UTC, or a time."),
    click.option("--until", type=INSTANT, help="Started before."),
    click.option("--prompt", "prompts", multiple=True, metavar="NAME", help="Of this prompt."),
    click.option("--version", "versions", multiple=True, type=int, help="Of this version."),
    click.option("--agent", "agents", multiple=True, metavar="NAME", help="By this agent."),
    click.option("--model", "models", multiple=True, metavar="NAME", help="To this model."),
    click.option("--provider", "providers", multiple=True, metavar="NAME", help="To this provider."),
    click.option("--environment", "environments", multiple=True, metavar="NAME", help="In this environment."),
    click.option(
        "--status",
        "statuses",
        multiple=True,
        type=click.Choice([status.value for status in CallStatus], case_sensitive=False),
        help="That ended so.",
    ),
    click.option("--error-type", "error_types", multiple=True, metavar="NAME", help="With this error."),
)
"""Which calls. One that is given several times asks for any of its values."""


def filtered(command: F) -> F:
    """A command with an option for each filter."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


@click.group()
def calls() -> None:
    """Look at recorded calls, or write them to a file."""


@calls.command()
@click.option("--follow", "-f", "follows", is_flag=True, help="Go on with what is recorded, until Ctrl-C.")
@click.option(
    "--last",
    "-n",
    type=click.IntRange(0, MAX_LAST),
    default=20,
    show_default=True,
    help="How many of the newest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per line.")
@filtered
@with_settings("database_url")
def tail(settings: Settings, /, *, follows: bool, last: int, as_json: bool, **asked: Any) -> None:
    """Print the newest calls, the newest last."""
    wanted = _wanted(**asked)
    with _quiet_pipe(), suppress(KeyboardInterrupt):
        run(_tailed(settings, wanted, last, follows=follows, as_json=as_json))


@calls.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    default="ndjson",
    show_default=True,
    help="What to write.",
)
@click.option("--contents", is_flag=True, help="Variables, output and metadata too: they may hold secrets.")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@filtered
@with_settings("database_url")
def export_calls(settings: Settings, /, *, form: str, contents: bool, file: str, **asked: Any) -> None:
    """Write calls to FILE, or to stdout (`-`), the oldest first. FILE is there when it is whole.

    In CSV a text that a spreadsheet would run begins with an apostrophe.
    """
    wanted = _wanted(**asked)
    with _quiet_pipe():
        written = run(_exported(settings, wanted, file, form, contents=contents))
        if file != "-":
            say(f"{counted(written, 'call')}: {file}", "ok")


def _wanted(since: dt.datetime | None, until: dt.datetime | None, **asked: tuple[Any, ...]) -> LlmCallFilter:
    given: dict[str, Any] = {name: values or None for name, values in asked.items()}
    if statuses := asked["statuses"]:
        given["statuses"] = tuple(CallStatus(value) for value in statuses)
    return LlmCallFilter(window=Window.of(since, until, now=dt.datetime.now(dt.UTC)), **given)


async def _tailed(
    settings: Settings, wanted: LlmCallFilter, last: int, *, follows: bool, as_json: bool
) -> None:
    names = Names()
    async with patient(settings) as db:
        if follows:
            async for session, some in follow(db, wanted, last):
                await _print(session, some, names, as_json=as_json)
        else:
            async with db.read() as session:
                some = await newest_calls(session, wanted, last)
                await _print(session, some, names, as_json=as_json)
            if last and not some:
                say("There are no such calls.")


async def _print(session: Session, some: list[LlmCall], names: Names, *, as_json: bool) -> None:
    if as_json:
        lines = [json_line(row) for row in await rows_of(session, some, names, contents=False)]
    else:
        await names.learn(session, some)
        lines = [plain(line_of(call, names)) for call in some]
    with unwritable():
        for line in lines:
            click.echo(line)


async def _exported(
    settings: Settings, wanted: LlmCallFilter, file: str, form: str, *, contents: bool
) -> int:
    with _whole(file) as out:
        async with patient(settings) as db, db.read() as session:
            return await export(session, wanted, out, form, contents=contents)


@contextmanager
def _whole(file: str) -> Iterator[IO[str]]:
    """Stdout, or a file that is there once it is whole."""
    if file == "-":
        with click.open_file(file, "w", encoding="utf-8") as out:
            yield out
        return
    with writing(Path(file)) as out:
        yield out


@contextmanager
def _quiet_pipe() -> Iterator[None]:
    """Whoever reads stdout may stop when it has seen enough: that is no failure."""
    try:
        yield
        with unwritable():
            sys.stdout.flush()
    except UnwrittenError as error:
        if not isinstance(error.cause, BrokenPipeError):
            raise error.cause from error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
