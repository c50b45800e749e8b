"""`promptgraph check`: every problem of a prompts folder in one run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, progress, show, show_json, working
from promptgraph.cli.problems import counted_problems, problem_json, show_problems
from promptgraph.cli.references import unresolved
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.tree import FileProblem, Tree
from promptgraph.files.tree import read_tree, run_tests


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree and all that is wrong with it, by place."""

    folder: Path
    tree: Tree
    problems: tuple[FileProblem, ...]

    @property
    def errors(self) -> int:
        """How many of the problems are no mere warnings."""
        return sum(not problem.warning for problem in self.problems)


@click.command()
@click.argument("folder", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@json_option
@with_settings("prompts_dir")
def check(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Check a prompts folder: forms, templates, tests, labels and selectors.

    PATH is the folder (default: the setting PROMPTS_DIR). Nothing is stored. Exit code 1 when there are
    errors.
    """
    checked = check_folder(existing(folder or settings.prompts_dir))
    if as_json:
        show_json(checked_json(checked))
    else:
        print_checked(checked)
    finish(FINDINGS if checked.errors else FINE)


def existing(folder: Path) -> Path:
    """`folder`, or the error that says what to do when it is none."""
    if folder.is_dir():
        return folder
    if folder.exists():
        raise InvalidInputError(f"{folder} is a file; name the prompts folder.", field="prompts_dir")
    raise InvalidInputError(
        f"There is no folder {folder}. Start one with `promptgraph init {folder}`, or name another.",
        field="prompts_dir",
    )


def check_folder(folder: Path) -> Checked:
    """Reads every file, finds what labels and selectors name, renders the tests."""
    with working(f"Reading {folder}"):
        tree = read_tree(folder)
    problems = [*tree.problems, *unresolved(tree), *_tested(tree)]
    return Checked(folder, tree, tuple(sorted(problems, key=_order)))


def checked_json(checked: Checked) -> JsonObject:
    """The stable shape of `check --json`."""
    tree = checked.tree
    return {
        "folder": checked.folder.as_posix(),
        "prompts": len(tree.newest()),
        "agents": len(tree.agents),
        "labels": len(tree.labels),
        "errors": checked.errors,
        "warnings": len(checked.problems) - checked.errors,
        "problems": [problem_json(problem) for problem in checked.problems],
    }


def print_checked(checked: Checked) -> None:
    """The problems by file, and a last line that counts."""
    show_problems(checked.problems, checked.folder)
    tree = checked.tree
    size = ", ".join(
        counted(count, noun)
        for count, noun in (
            (len(tree.newest()), "prompt"),
            (len(tree.agents), "agent"),
            (len(tree.labels), "label"),
        )
    )
    show(f"{size}: {counted_problems(checked.problems)}.", "error" if checked.errors else "ok")


def _tested(tree: Tree) -> list[FileProblem]:
    """The tests of every prompt, rendered one prompt at a time so that a bar can move along."""
    return [
        problem
        for spec in progress(tree.prompts, "Rendering tests")
        if spec.tests
        for problem in run_tests(replace(tree, prompts=(spec,)))
    ]


def _order(problem: FileProblem) -> tuple[str, int, int]:
    return problem.place.path, problem.place.line or 0, problem.place.column or 0
