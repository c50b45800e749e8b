"""Do labels and selectors find what they name? One judgement, for a sync and for the files alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from promptgraph.domain.inventory import Inventory
from promptgraph.domain.names import Selector
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, FileProblem, LabelSpec, Tree
from promptgraph.sync.scope import SUFFIX, Scope


class Missing(NamedTuple):
    """Why something is not found, and what to do. `perhaps`: the registry may hold it."""

    message: str
    hint: str | None = None
    perhaps: bool = False


def unresolved(tree: Tree) -> list[FileProblem]:
    """What labels and selectors name that the files do not hold; a warning where the registry may."""
    return [
        problem if not perhaps else replace(problem, warning=True)
        for problem, perhaps in _found(Scope(tree, Inventory()), known=False)
    ]


def dangling(scope: Scope) -> list[FileProblem]:
    """What labels and selectors name that neither the files nor the registry hold."""
    return [problem for problem, _ in _found(scope, known=True)]


def _found(scope: Scope, *, known: bool) -> Iterator[tuple[FileProblem, bool]]:
    for label in scope.tree.labels:
        if missing := _missing_label_target(scope, label, known=known):
            message = f"Label {label.label}: {missing.message}"
            yield FileProblem(label.place, message, missing.hint), missing.perhaps
    for agent in scope.tree.agents:
        for assignment in agent.assignments:
            if missing := _missing(scope, assignment.selector, known=known):
                yield _of_agent(agent, assignment, missing), missing.perhaps


def _of_agent(agent: AgentSpec, assignment: AssignmentSpec, missing: Missing) -> FileProblem:
    message = f"Agent {agent.name}, role {assignment.role}: {missing.message}"
    return FileProblem(assignment.place, message, missing.hint)


def _missing_label_target(scope: Scope, label: LabelSpec, *, known: bool) -> Missing | None:
    """A label is set by the tree that has the prompt's file, under its present name."""
    name = label.name
    if name in scope.newest or name in scope.unread:
        return _missing(scope, Selector(name, version=label.version), known=known)
    present = scope.present_name(name)
    if present != name:
        return Missing(f"there is no prompt {name}.", f"It is called {present} now.")
    return _missing_name(scope, name)


def _missing(scope: Scope, selector: Selector, *, known: bool) -> Missing | None:
    name = scope.present_name(selector.name)
    if name in scope.unread:
        return None  # its own problems say it
    if name in scope.newest:
        return _missing_version(scope, name, selector.version, known=known) or _missing_label(
            scope, name, selector.label, known=known
        )
    stored = scope.stored.family(name)
    if stored is None or stored.retired_at is not None or stored.source == scope.origin.source:
        return _missing_name(scope, name)
    return _missing_elsewhere(scope, selector, stored.name)


def _missing_name(scope: Scope, name: str) -> Missing:
    if scope.stored.family(name) is not None:
        return Missing(f"{name} has no file here.", "Name another prompt, or bring its file back.")
    return Missing(f"there is no prompt {name}.", scope.hints.meant(name, scope.newest))


def _missing_version(scope: Scope, name: str, version: int | None, *, known: bool) -> Missing | None:
    if version is None or scope.holds(name, version):
        return None
    newest = scope.newest[name].version
    if version > newest:
        return Missing(f"there is no version {version} of {name}: its file has version {newest}.")
    keep = f"or keep it as {name}@{version}{SUFFIX}."
    if known:
        message = f"version {version} of {name} is in neither the files nor the registry."
        return Missing(message, f"Name a version that exists, {keep}")
    return Missing(
        f"version {version} of {name} is not among the files.",
        f"The registry must hold it; {keep}",
        perhaps=True,
    )


def _missing_label(scope: Scope, name: str, label: str | None, *, known: bool) -> Missing | None:
    labels = scope.labels.get(name, frozenset())
    if label is None or label in labels:
        return None
    hint = scope.hints.meant(label, labels) or f"Set it: promptgraph label set {name} {label} VERSION"
    return Missing(f"labels.yaml sets no label {label} for {name}.", hint, perhaps=not known)


def _missing_elsewhere(scope: Scope, selector: Selector, name: str) -> Missing | None:
    """The same for a prompt that another source owns: what is stored counts."""
    if selector.version is not None and (name, selector.version) not in scope.stored.versions:
        return Missing(f"version {selector.version} of {name} is not in the registry.")
    if selector.label is not None and (name, selector.label) not in scope.stored.labels:
        return Missing(f"{name} has no label {selector.label}.")
    return None
