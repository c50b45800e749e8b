"""Agent files and the label file, read: what they say, or all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import Source
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, LabelSpec
from promptgraph.files.filling import filled
from promptgraph.files.form import AgentForm, LabelsForm
from promptgraph.files.layout import Spot
from promptgraph.files.node import Finding, Map, Scalar, place_at


def read_agent(root: Map, spot: Spot, path: str) -> tuple[AgentSpec | None, list[Finding]]:
    """The agent that a file's mapping describes."""
    form = filled(AgentForm, root)
    if form.form is None:
        return None, list(form.findings)
    assignments = tuple(_assignments(form.form, root, path))
    agent = AgentSpec(
        name=spot.name,
        description=form.form.description,
        assignments=assignments,
        place=place_at(root, (), path),
    )
    return agent, list(_repeated(assignments))


def _assignments(form: AgentForm, root: Map, path: str) -> Iterator[AssignmentSpec]:
    for role, assignments in form.prompts.items():
        for index, one in enumerate(assignments):
            yield AssignmentSpec(
                role=role,
                selector=Selector.parse(one.prompt),
                when=one.when,
                metadata=one.metadata,
                place=place_at(root, ("prompts", role, index, "prompt"), path),
            )


def _repeated(assignments: tuple[AssignmentSpec, ...]) -> Iterator[Finding]:
    seen: dict[tuple[str, Selector], AssignmentSpec] = {}
    for one in assignments:
        first = seen.setdefault((one.role, one.selector), one)
        if first is not one:
            message = f"The role `{one.role}` has `{one.selector}` already, on line {first.place.line}."
            yield Finding(message, "Remove one of the two.", one.place.line, one.place.column)


def read_labels(root: Map, source: Source) -> tuple[list[LabelSpec], list[Finding]]:
    """The labels that the label file's mapping sets."""
    form = filled(LabelsForm, root)
    if form.form is None:
        return [], list(form.findings)
    versions = form.form.root
    labels = [
        LabelSpec(
            label=str(label),
            name=str(name),
            version=versions[label][name],
            source=source,
            place=name.place(source.path),
        )
        for label, names in root.items()
        for name in (names if isinstance(names, Map) else ())
        if isinstance(name, Scalar)
    ]
    return labels, []
