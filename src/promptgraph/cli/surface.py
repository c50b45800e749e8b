"""The door between the commands and the shell: failures become a sentence and an exit code, here alone.

exit codes  0 fine · 1 findings · 2 usage · 75 busy or unavailable (try again)
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
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

FINE, FINDINGS, USAGE, UNAVAILABLE = 0, 1, 2, 75

EXITS: Mapping[type[PromptgraphError], int] = {
    PromptgraphError: FINDINGS,
    InvalidInputError: USAGE,
    TemplateError: FINDINGS,
    PromptFilesError: FINDINGS,
    StoreUnavailableError: UNAVAILABLE,
}
"""The exit code of each error; a class that is not named here has that of its parent."""

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
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PromptgraphError as error:
            say(f"error: {error}", "error")
            ctx.exit(exit_code(error))
        except OSError as error:
            say(f"error: {_about_file(error)}", "error")
            ctx.exit(FINDINGS)


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


def _about_file(error: OSError) -> str:
    """A file or folder that cannot be used is expected; a closed pipe is click's, the rest is a fault."""
    if error.errno == errno.EPIPE or error.filename is None:
        raise error
    return f"{error.filename}: {error.strerror}."
