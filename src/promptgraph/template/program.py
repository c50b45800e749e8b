"""A checked template, compiled once by its text, and run within a budget."""

from __future__ import annotations

import time
from functools import lru_cache
from types import TracebackType
from typing import TypeAlias

import jinja2
from jinja2 import nodes as N  # noqa: N812  # Jinja's node classes, read as one short prefix
from jinja2.runtime import Context

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import TemplateError
from promptgraph.template.environment import BUDGET, ENVIRONMENT, MAX_ROUNDS, MAX_SECONDS, Budget, with_budget
from promptgraph.template.guard import check_tree, parsed

MAX_OUTPUT = 1024 * 1024
_CACHED = 1_024
_TOO_LARGE = f"The rendered messages are larger than {MAX_OUTPUT // 1024} KiB."

Program: TypeAlias = "jinja2.Template | str"
"""A compiled template, or the text of one without any tag."""


class Run:
    """One rendering: the variables, and what all its templates together may still spend and print."""

    __slots__ = ("_context", "_left")

    def __init__(self, values: JsonObject) -> None:
        names = {**values, BUDGET: Budget(MAX_ROUNDS, time.monotonic() + MAX_SECONDS)}
        self._context = Context(ENVIRONMENT, names, None, {})
        self._left = MAX_OUTPUT

    def spend(self, text: str) -> str:
        """`text`, taken off what may still be printed."""
        self._left -= len(text) if text.isascii() else len(text.encode())
        if self._left < 0:
            raise TemplateError(_TOO_LARGE)
        return text

    def text(self, program: Program) -> str:
        """What a template gives.

        raises  TemplateError  it cannot be rendered with these variables, with its line
        """
        if isinstance(program, str):
            return self.spend(program)
        pieces: list[str] = []
        left = self._left
        try:
            for piece in program.root_render_func(self._context):
                left -= len(piece)
                if left < 0:
                    raise TemplateError(_TOO_LARGE)
                pieces.append(piece)
        except _EXPECTED as error:
            raise TemplateError(_sentence(error), line=_line(program, error.__traceback__)) from error
        return self.spend("".join(pieces))


_EXPECTED = (
    TemplateError,
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    RecursionError,
)


@lru_cache(maxsize=_CACHED)
def compiled(source: str) -> Program:
    """The program of a template, checked as it may come from a database of an older release."""
    tree = parsed(source)
    check_tree(tree)
    if text := _plain(tree):
        return text
    try:
        code = ENVIRONMENT.compile(with_budget(tree), filename="<template>")
    except (jinja2.TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        raise TemplateError("Not a valid template: it is nested too deeply.") from error
    return jinja2.Template.from_code(ENVIRONMENT, code, {})


def _plain(tree: N.Template) -> str | None:
    """The text of a template that is nothing else."""
    nodes = [node for output in tree.body if isinstance(output, N.Output) for node in output.nodes]
    if len(tree.body) > 1 or not all(isinstance(node, N.TemplateData) for node in nodes):
        return None
    return "".join(node.data for node in nodes if isinstance(node, N.TemplateData))


def _sentence(error: BaseException) -> str:
    if isinstance(error, TemplateError | jinja2.UndefinedError):
        return str(error)
    return "An operation does not fit the values that it is given, such as a number plus a text."


def _line(program: jinja2.Template, trace: TracebackType | None) -> int | None:
    """The line of the template that an error came from."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is program:
            line = program.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
