"""What the terminal sees: data on stdout, words about it on stderr, one form of table, one of JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from pathlib import PurePath
from typing import TypeVar

import click
from rich import box
from rich.console import Console, RenderableType
from rich.progress import track
from rich.table import Table
from rich.text import Text

from promptgraph.domain.canonical import Json

T = TypeVar("T")

PIPE_WIDTH = 1000
"""Columns where nobody looks: a pipe must not cut or wrap what a program reads."""

STYLES: Mapping[str, str] = {
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
    "error": "bold red",
    "warning": "yellow",
    "faint": "dim",
    "head": "bold",
}

# Terminals obey escape sequences: no text from a file, a server or a database may hold one.
# Overrides of the writing direction make it show what it does not say.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_END = re.compile("[\t\n\u2028\u2029]")
_JSON_CONTROL = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_CAMEL = re.compile(r"_([a-z])")


def screen(*, err: bool = False) -> Console:
    """A console on stdout or stderr as they are now, plain when piped."""
    console = Console(stderr=err, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


def plain(text: str) -> str:
    """`text` with control characters made visible, line ends and tabs kept."""
    return _CONTROL.sub(_escaped, text)


def line(text: str) -> str:
    """`text` on one line: line ends are made visible too, so that no name of a file can forge a line."""
    return _LINE_END.sub(_escaped, plain(text))


def styled(text: str, style: str | None = None) -> Text:
    """`text` on one line in one of our styles, safe for a terminal."""
    return Text(line(text), STYLES.get(style or "", ""))


def say(text: str, style: str | None = None) -> None:
    """A line about the work, on stderr."""
    screen(err=True).print(styled(text, style))


def show(text: str, style: str | None = None) -> None:
    """A line of the answer, on stdout."""
    _print(styled(text, style))


def show_text(text: str) -> None:
    """Text of many lines on stdout, where the lines are what was asked for."""
    _print(Text(plain(text)))


def show_rich(text: Text) -> None:
    """Styled text of many lines on stdout, safe for a terminal as it is."""
    _print(text)


def has_colours() -> bool:
    """Whether whoever looks at stdout sees colours."""
    return screen().color_system is not None


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text | int | None]]) -> None:
    """Rows under headings; None is an empty cell. Piped it is plain columns, one line a row."""
    live = screen().is_terminal
    table = Table(box=box.SIMPLE_HEAD if live else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print(table)


def show_grid(rows: Iterable[Sequence[Text]]) -> None:
    """Rows side by side without headings; the last column takes what width there is."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*row)
    _print(grid)


def show_json(value: object) -> None:
    """`value` as one JSON document in UTF-8."""
    click.echo(dumps(value).encode(errors="backslashreplace"))


def dumps(value: object) -> str:
    """`value` as JSON text, indented."""
    text = json.dumps(as_json(value), indent=2, ensure_ascii=False, allow_nan=False)
    return _JSON_CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def as_json(value: object) -> Json:
    """Records as objects with the names of the GraphQL fields, instants in RFC 3339, the rest as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(f.name): as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if fields := getattr(value, "_fields", None):  # a named tuple
        return {camel(name): as_json(getattr(value, name)) for name in fields}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(item) for item in value]
    return _scalar(value)


def camel(name: str) -> str:
    """`committed_at` as `committedAt`."""
    return _CAMEL.sub(lambda found: found.group(1).upper(), name)


def working(words: str) -> AbstractContextManager[object]:
    """A spinner on stderr while the block runs; nothing where no terminal looks."""
    console = screen(err=True)
    return console.status(line(words)) if console.is_terminal else nullcontext()


def progress(items: Sequence[T], words: str) -> Iterator[T]:
    """`items`, with a bar on stderr that moves along; nothing where no terminal looks."""
    console = screen(err=True)
    shown = console.is_terminal
    yield from track(items, line(words), console=console, transient=True, disable=not shown)


def instant(at: dt.datetime | None) -> str:
    """An instant as people read it, in UTC; empty for none."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}Z" if at else ""


def counted(count: int, noun: str) -> str:
    """`1 prompt`, `2 prompts`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _escaped(found: re.Match[str]) -> str:
    """A character as Python writes it: \\n, \\x1b, \\u2028."""
    return found.group().encode("unicode_escape").decode()


def _cell(value: str | Text | int | None) -> Text:
    if isinstance(value, Text):
        return value
    return Text("" if value is None else line(str(value)))


def _scalar(value: object) -> Json:
    if isinstance(value, Enum):
        return _scalar(value.value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _print(what: RenderableType) -> None:
    """Printed through a buffer, so that rows end without the blanks that fill a table."""
    console = screen()
    buffer = io.StringIO()
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        buffer.write(line.rstrip() + "\n")
    console.file.write(buffer.getvalue())
    console.file.flush()
