"""Problems of files as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.text import Text

from promptgraph.cli.output import counted, show, show_grid, styled
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.tree import FileProblem


def problem_json(problem: FileProblem) -> JsonObject:
    """The stable shape of a problem, wherever one is printed."""
    place = problem.place
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "severity": severity(problem),
        "message": problem.message,
        "hint": problem.hint,
    }


def severity(problem: FileProblem) -> str:
    """`warning` or `error`."""
    return "warning" if problem.warning else "error"


def show_problems(problems: Sequence[FileProblem], folder: Path) -> None:
    """The problems, each under the file that it is in."""
    for path, found in groupby(problems, key=lambda problem: problem.place.path):
        show(str(folder / path), "head")
        show_grid([_row(problem) for problem in found])


def counted_problems(problems: Sequence[FileProblem]) -> str:
    """`2 errors, 1 warning`; `no problems` for none."""
    warnings = sum(problem.warning for problem in problems)
    counts = ((len(problems) - warnings, "error"), (warnings, "warning"))
    return ", ".join(counted(count, noun) for count, noun in counts if count) or "no problems"


def _row(problem: FileProblem) -> tuple[Text, Text, Text]:
    line, column = problem.place.line, problem.place.column
    spot = ":".join(str(part) for part in (line, column) if part is not None)
    words = styled(problem.message)
    if problem.hint:
        words = Text("\n").join([words, styled(problem.hint, "faint")])
    return styled(f"  {spot:>7}"), styled(severity(problem), severity(problem)), words
