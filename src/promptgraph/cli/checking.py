"""A prompts folder read as a whole, every problem in it, and what it changes since a revision of git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from promptgraph.cli.branches import parted
from promptgraph.cli.output import counted, progress, show, working
from promptgraph.cli.problems import counted_problems, problem_json, show_problems
from promptgraph.cli.reviews import reviews_json, show_reviews
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.tree import FileProblem, Place, Tree
from promptgraph.files.tree import read_tree, run_tests
from promptgraph.sync.references import unresolved
from promptgraph.sync.review import Review

MAX_SHOWN = 100
"""Characters of a path that a sentence repeats."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree and all that is wrong with it, by place. With a `base`, what changed since, by prompt."""

    folder: Path
    tree: Tree
    problems: tuple[FileProblem, ...]
    base: str | None = None
    reviews: tuple[Review, ...] = ()

    @property
    def errors(self) -> int:
        """How many of the problems are no mere warnings."""
        return sum(not problem.warning for problem in self.problems)


def existing(folder: Path) -> Path:
    """`folder`, or the error that says what to do when it is none."""
    try:
        if folder.is_dir():
            return folder
    except OSError as error:
        shown = str(folder) if len(str(folder)) <= MAX_SHOWN else f"{str(folder)[:MAX_SHOWN]}…"
        raise InvalidInputError(
            f"The prompts folder {shown} cannot be looked at: {error.strerror}.", field="prompts_dir"
        ) from error
    if folder.exists():
        raise InvalidInputError(f"{folder} is a file; name the prompts folder.", field="prompts_dir")
    raise InvalidInputError(
        f"There is no folder {folder}. Start one with `promptgraph init {folder}`, or name another.",
        field="prompts_dir",
    )


def check_folder(folder: Path, base: str | None = None) -> Checked:
    """Reads every file, finds what labels and selectors name, renders the tests; with a `base`, finds what
    the branch changed since it parted from that revision.

    raises  InvalidInputError  git does not know the base, or not where the two parted
    """
    with working(f"Reading {folder}"):
        tree = read_tree(folder)
        branch = None if base is None else parted(folder, base).branch(tree)
    problems = [*tree.problems, *unresolved(tree), *needless(tree), *_tested(tree)]
    reviews = branch.reviews() if branch else []
    problems += branch.problems() if branch else []
    return Checked(folder, tree, tuple(sorted(problems, key=_order)), base, tuple(reviews))


def checked_json(checked: Checked) -> JsonObject:
    """The stable shape of `check --json`."""
    tree = checked.tree
    found: JsonObject = {
        "folder": checked.folder.as_posix(),
        "prompts": len(tree.newest()),
        "agents": len(tree.agents),
        "labels": len(tree.labels),
        "errors": checked.errors,
        "warnings": len(checked.problems) - checked.errors,
        "problems": [problem_json(problem) for problem in checked.problems],
    }
    if checked.base is not None:
        found |= {"base": checked.base, "changes": reviews_json(checked.reviews)}
    return found


def print_checked(checked: Checked) -> None:
    """The problems by file, and a last line that counts."""
    show_problems(checked.problems, checked.folder)
    show_reviews(checked.reviews)
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


def pinned(tree: Tree) -> set[tuple[str, int]]:
    """The (name, version) pairs that a label or a selector of the tree names."""
    labels = {(spec.name, spec.version) for spec in tree.labels}
    selectors = (assignment.selector for agent in tree.agents for assignment in agent.assignments)
    return labels | {(s.name, s.version) for s in selectors if s.version is not None}


def needless(tree: Tree) -> Iterator[FileProblem]:
    """Kept versions that nothing names."""
    named = pinned(tree)
    for spec in tree.prompts:
        if spec.kept and (spec.name, spec.version) not in named:
            message = f"No label and no agent names version {spec.version} of {spec.name} any more."
            yield FileProblem(Place(spec.source.path), message, "This file can go.", warning=True)
