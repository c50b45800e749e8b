"""Do the labels and selectors of a tree find what they name, as far as the tree alone can tell?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptgraph.domain.names import Selector
from promptgraph.domain.tree import FileProblem, Place, Tree
from promptgraph.sync.scope import did_you_mean

SUFFIX = ".prompt.yaml"


@dataclass(frozen=True, slots=True)
class Known:
    """What a tree holds. `broken` are the names of files that could not be read: nothing is said of those."""

    newest: dict[str, int]
    versions: frozenset[tuple[str, int]]
    labels: dict[tuple[str, str], int]
    former: dict[str, str]
    broken: frozenset[str]

    @classmethod
    def of(cls, tree: Tree) -> Known:
        """What `tree` holds."""
        return cls(
            newest={name: spec.version for name, spec in tree.newest().items()},
            versions=frozenset((spec.name, spec.version) for spec in tree.prompts),
            labels={(spec.name, spec.label): spec.version for spec in tree.labels},
            former={old: spec.name for spec in tree.prompts for old in spec.formerly},
            broken=frozenset(_broken_names(tree)),
        )


def unresolved(tree: Tree) -> list[FileProblem]:
    """Labels and selectors that name what no file has, and kept versions that nothing names, by place."""
    known = Known.of(tree)
    found = [*_labels(tree, known), *_selectors(tree, known), *_needless(tree)]
    return sorted(found, key=lambda problem: (problem.place.path, problem.place.line or 0))


def pinned(tree: Tree) -> set[tuple[str, int]]:
    """The (name, version) pairs that a label or a selector of the tree names."""
    labels = {(spec.name, spec.version) for spec in tree.labels}
    selectors = (assignment.selector for agent in tree.agents for assignment in agent.assignments)
    return labels | {(s.name, s.version) for s in selectors if s.version is not None}


def _broken_names(tree: Tree) -> Iterator[str]:
    read = {spec.source.path for spec in tree.prompts}
    for problem in tree.errors:
        path = problem.place.path
        if path.endswith(SUFFIX) and path not in read:
            yield path.removesuffix(SUFFIX).partition("@")[0]


def _labels(tree: Tree, known: Known) -> Iterator[FileProblem]:
    for spec in tree.labels:
        yield from _missing(known, spec.name, spec.version, spec.place)


def _selectors(tree: Tree, known: Known) -> Iterator[FileProblem]:
    for agent in tree.agents:
        for assignment in agent.assignments:
            selector = assignment.selector
            yield from _missing(known, selector.name, selector.version, assignment.place)
            yield from _missing_label(known, selector, assignment.place)


def _missing(known: Known, name: str, version: int | None, place: Place) -> Iterator[FileProblem]:
    if name in known.broken:
        return
    newest = known.newest.get(name)
    if newest is None:
        yield FileProblem(place, f"There is no prompt {name}.", _other_name(known, name))
    elif version is None or (name, version) in known.versions:
        return
    elif version > newest:
        yield FileProblem(place, f"There is no version {version} of {name}: its file has version {newest}.")
    else:
        yield FileProblem(
            place,
            f"Version {version} of {name} is not among the files.",
            f"The registry must hold it; or keep it as {name}@{version}{SUFFIX}.",
            warning=True,
        )


def _other_name(known: Known, name: str) -> str | None:
    if name in known.former:
        return f"It is called {known.former[name]} now."
    return did_you_mean(name, known.newest)


def _missing_label(known: Known, selector: Selector, place: Place) -> Iterator[FileProblem]:
    name, label = selector.name, selector.label
    if label is None or name not in known.newest or (name, label) in known.labels:
        return
    near = did_you_mean(label, sorted({lab for n, lab in known.labels if n == name}))
    yield FileProblem(
        place,
        f"labels.yaml sets no label {label} for {name}.",
        near or "The registry must hold it; or set it: " + f"promptgraph label set {name} {label} VERSION.",
        warning=True,
    )


def _needless(tree: Tree) -> Iterator[FileProblem]:
    named = pinned(tree)
    for spec in tree.prompts:
        if spec.kept and (spec.name, spec.version) not in named:
            message = f"No label and no agent names version {spec.version} of {spec.name} any more."
            yield FileProblem(Place(spec.source.path), message, "This file can go.", warning=True)
