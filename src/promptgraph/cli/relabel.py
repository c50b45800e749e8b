"""A label set in labels.yaml, and the older version that it names kept in the tree."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.cli.keeping import copies_of
from promptgraph.cli.knowing import Known, known, stored_contents
from promptgraph.cli.writing import put_text, read_text, write_new
from promptgraph.config import Settings
from promptgraph.domain.errors import NotFoundError
from promptgraph.domain.names import checked_label, checked_version
from promptgraph.files.edit import set_label
from promptgraph.sync.scope import did_you_mean

LABELS_FILE = "labels.yaml"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What `label set` did; `before` is the version that labels.yaml said, None for none."""

    name: str
    label: str
    version: int
    before: int | None
    path: str
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


async def relabel(settings: Settings, name: str, label: str, version: int) -> Labelled:
    """Points a label of a prompt at a version, in labels.yaml.

    raises  NotFoundError       no file has this name, or nothing has this version
            InvalidInputError   no label, no version
    """
    checked_label(label)
    checked_version(version)
    state = await known(settings)
    _check_version(state, name, version)
    wanted = [] if _held(state, name, version) else [(name, version)]
    kept = copies_of(state, wanted, await stored_contents(settings, state, wanted))
    for path, text in kept.copies.items():
        write_new(state.folder / path, text)
    before = next((s.version for s in state.tree.labels if (s.name, s.label) == (name, label)), None)
    if before != version:
        file = state.folder / LABELS_FILE
        text = read_text(file) if file.exists() else ""
        put_text(file, set_label(text, label, name, version))
    notes = () if before == version else kept.notes
    return Labelled(name, label, version, before, LABELS_FILE, tuple(kept.copies), notes)


def _check_version(state: Known, name: str, version: int) -> None:
    newest = state.tree.newest()
    if name not in newest:
        hint = did_you_mean(name, newest)
        raise NotFoundError(" ".join(filter(None, (f"There is no prompt {name}.", hint))), field="name")
    if version > newest[name].version:
        raise NotFoundError(
            f"There is no version {version} of {name}: its file has version {newest[name].version}.",
            field="version",
        )


def _held(state: Known, name: str, version: int) -> bool:
    return any((spec.name, spec.version) == (name, version) for spec in state.tree.prompts)
