"""The door between the commands and the shell: failures become a sentence and an exit code, here alone.

exit codes  0 fine · 1 findings · 2 usage · 75 busy or unavailable (try again) · 130 stopped by Ctrl-C
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

import click

from promptgraph.cli.output import say
from promptgraph.domain.errors import (
    InvalidInputError,
    PromptFilesError,
    PromptgraphError,
    StoreUnavailableError,
    TemplateError,
)

T = TypeVar("T")

FINE, FINDINGS, USAGE, UNAVAILABLE, STOPPED = 0, 1, 2, 75, 130

EXITS: Mapping[type[PromptgraphError], int] = {
    PromptgraphError: FINDINGS,
    InvalidInputError: USAGE,
    TemplateError: FINDINGS,
    PromptFilesError: FINDINGS,
    StoreUnavailableError: UNAVAILABLE,
}
"""The exit code of each error; a class that is not named here has that of its parent."""

LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a stream says that takes nothing more, where the error names no file."""

REPORT_AT = "the project's issue tracker"


class Surface(click.Group):
    """The group of all commands. Each is imported when it is asked for, so that `check` need not wait for the
    server's packages. What a command raises on purpose becomes a line on stderr and an exit code.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        """keys  places: the commands' names, to `module:attribute`"""
        super().__init__(*args, **kwargs)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        place = self._places.get(cmd_name)
        return None if place is None else _command(place)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PromptgraphError as error:
            say(f"error: {failure(error)}", "error")
            ctx.exit(exit_code(error))
        except OSError as error:
            say(f"error: {failure(error)}", "error")
            ctx.exit(FINDINGS)
        except KeyboardInterrupt:
            ctx.exit(STOPPED)


def enter(place: str) -> None:
    """Runs the command at `place` with this process's words, and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = last_words(debug=False)
    # `serve` has a log; here what matters is printed
    logging.getLogger("promptgraph").setLevel(logging.ERROR)
    try:
        _command(place)(prog_name="promptgraph")
    except OSError as error:
        if error.filename is not None or error.errno not in LOST:
            raise
        _give_up_output(error)


def _command(place: str) -> click.Command:
    module, _, attribute = place.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _give_up_output(error: OSError) -> None:
    """Says that nobody can read the rest, where that can still be read, and drops it."""
    with suppress(OSError):
        say(f"error: The output could not be written: {error.strerror}.", "error")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            os.dup2(nowhere, stream.fileno())
    sys.exit(FINDINGS)


def exit_code(error: PromptgraphError) -> int:
    """The exit code of an expected failure."""
    return next(EXITS[cls] for cls in type(error).__mro__ if cls in EXITS)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives: the one place where the commands enter an event loop."""
    return asyncio.run(work)


def finish(code: int) -> None:
    """Ends the command with `code`; what was printed stays."""
    if code:
        click.get_current_context().exit(code)


def last_words(*, debug: bool) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """The hook for what nobody expected: one line and how to report it, or the traceback with `debug`."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if debug:
            traceback.print_exception(kind, error, trace, file=sys.stderr)
            return
        say(f"unexpected error: {kind.__name__}: {' '.join(str(error).split())}", "error")
        say(
            "  This is a fault of promptgraph. Run the command again with `promptgraph --debug …` and report"
            f" what it prints to {REPORT_AT}."
        )

    return hook


def failure(error: PromptgraphError | OSError) -> str:
    """The sentence of an expected failure. A file or folder that cannot be used is one; a closed pipe is
    click's, the rest is a fault.
    """
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.EPIPE or error.filename is None:
        raise error
    return f"{error.filename}: {error.strerror}."
