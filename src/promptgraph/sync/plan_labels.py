"""Which labels move: what labels.yaml says against what is stored."""

from __future__ import annotations

from collections.abc import Collection

from promptgraph.domain.registry import PromptLabel, SyncAction, SyncStep
from promptgraph.domain.tree import LabelSpec, Place
from promptgraph.sync.changes import DropLabel, Part, Planned, PutLabel
from promptgraph.sync.scope import Scope


def plan_labels(scope: Scope, wrong: Collection[Place]) -> Part:
    """The labels' part of a plan; what stands at a place of `wrong` names nothing and is left out."""
    planned = [
        _label(spec, stored_label(scope, spec.name, spec.label))
        for spec in scope.tree.labels
        if spec.place not in wrong
    ]
    planned += [_drop(label) for label in _left_out(scope)]
    return Part(tuple(planned))


def stored_label(scope: Scope, name: str, label: str) -> PromptLabel | None:
    """A stored label of a name of the tree, found under its stored name."""
    family = scope.families.get(name)
    return scope.stored.labels.get((family.name, label)) if family else None


def _label(spec: LabelSpec, stored: PromptLabel | None) -> Planned:
    if stored is None:
        return _move(spec, stored, f"Label {spec.label} set to version {spec.version}.")
    if stored.overridden and stored.file_version == spec.version:
        sentence = (
            f"Label {spec.label} is overridden: it serves version {stored.version},"
            f" the file says {spec.version}."
        )
        return Planned(_step(SyncAction.UNCHANGED, spec, sentence))
    if stored.version != spec.version:
        why = " The override ends." if stored.overridden else ""
        return _move(
            spec,
            stored,
            f"Label {spec.label} moves from version {stored.version} to {spec.version}.{why}",
        )
    if not stored.managed_by_file or stored.overridden:
        step = _step(SyncAction.UPDATE, spec, f"Label {spec.label} is the file's now.")
        return Planned(step, PutLabel(spec, stored))
    return Planned(_step(SyncAction.UNCHANGED, spec, f"Label {spec.label} unchanged."))


def _move(spec: LabelSpec, stored: PromptLabel | None, sentence: str) -> Planned:
    return Planned(_step(SyncAction.MOVE_LABEL, spec, sentence), PutLabel(spec, stored))


def _step(action: SyncAction, spec: LabelSpec, sentence: str) -> SyncStep:
    return SyncStep(
        action=action,
        kind="label",
        name=spec.name,
        version=spec.version,
        sentence=sentence,
        path=spec.place.path,
    )


def _left_out(scope: Scope) -> list[PromptLabel]:
    """The file's labels that the file no longer has; those of what retires stay and answer."""
    named = {(spec.name, spec.label) for spec in scope.tree.labels}
    present = {family.name: name for name, family in scope.families.items()}
    return [
        label
        for (stored_name, _), label in sorted(scope.stored.labels.items())
        if label.managed_by_file
        and stored_name in present
        and (present[stored_name], label.label) not in named
    ]


def _drop(label: PromptLabel) -> Planned:
    step = SyncStep(
        action=SyncAction.MOVE_LABEL,
        kind="label",
        name=label.name,
        version=None,
        sentence=f"Label {label.label} removed; it was version {label.version}.",
    )
    return Planned(step, DropLabel(label))
