"""Labels of the files beside labels of the registry, their history, and a label set in labels.yaml."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from promptgraph.cli.registry import reading, stored_family
from promptgraph.cli.versions import Known, copies_of, known, stored_contents
from promptgraph.cli.writing import put_text, read_text, write_new
from promptgraph.config import Settings
from promptgraph.domain.asking import PageArgs
from promptgraph.domain.errors import NotFoundError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.names import checked_label, checked_version
from promptgraph.domain.nearest import meant
from promptgraph.domain.registry import LabelMove, PromptLabel
from promptgraph.domain.tree import Tree
from promptgraph.files.edit import set_label
from promptgraph.store.labels import moves_by_family
from promptgraph.store.paging import PageKey
from promptgraph.store.registry import inventory

SAME, DIFFERS, OVERRIDDEN, BY_HAND, UNKNOWN = "same", "not synced", "overridden", "registry only", "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One label of one prompt: the version that labels.yaml gives it and the version it serves."""

    name: str
    label: str
    file: int | None
    registry: int | None
    state: str
    moved_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a label, in versions; no `to_version` means that it was removed."""

    label: str
    from_version: int | None
    to_version: int | None
    moved_at: dt.datetime
    moved_by: str | None
    reason: str | None
    path: str | None
    commit_sha: str | None


def label_rows(tree: Tree, stored: Inventory | None, name: str | None = None) -> list[Row]:
    """Every label of the files and of the registry, by name and label; of one prompt if named.

    raises  NotFoundError  neither knows the name
    """
    files = {(spec.name, spec.label): spec.version for spec in tree.labels}
    labels = stored.labels if stored else {}
    if name is not None:
        _check_name(name, tree, stored)
    keys = sorted(key for key in files.keys() | labels.keys() if name in (None, key[0]))
    return [_row(key, files.get(key), labels.get(key), known=stored is not None) for key in keys]


def _row(key: tuple[str, str], file: int | None, label: PromptLabel | None, *, known: bool) -> Row:
    state = _state(file, label) if known else UNKNOWN
    served, moved_at = (label.version, label.moved_at) if label else (None, None)
    return Row(*key, file, served, state, moved_at)


def _state(file: int | None, label: PromptLabel | None) -> str:
    if label is None or (file is None and label.managed_by_file):
        return DIFFERS
    if label.overridden:
        return OVERRIDDEN
    if file is None:
        return BY_HAND
    return SAME if file == label.version else DIFFERS


def _check_name(name: str, tree: Tree, stored: Inventory | None) -> None:
    known = tree.newest().keys() | (stored.families.keys() if stored else set())
    if name not in known:
        raise NotFoundError(" ".join(filter(None, (f"There is no prompt {name}.", meant(name, known)))))


async def history(settings: Settings, name: str, size: int) -> list[Move]:
    """The newest moves of a prompt's labels, newest first.

    raises  NotFoundError  the registry knows no such prompt · StoreUnavailableError
    """
    async with reading(settings) as session:
        stored = await inventory(session)
        family = stored_family(stored, name)
        (page,) = await moves_by_family(session, [PageKey(family.id, PageArgs.of(first=size))])
        versions = {version.id: version.version for version in stored.versions.values()}
        return [_move(move, versions) for move in page.items]


def _move(move: LabelMove, versions: dict[int, int]) -> Move:
    source = move.source
    return Move(
        label=move.label,
        from_version=versions.get(move.from_prompt_id or 0),
        to_version=versions.get(move.to_prompt_id or 0),
        moved_at=move.moved_at,
        moved_by=move.moved_by,
        reason=move.reason,
        path=source.path if source else None,
        commit_sha=source.commit_sha if source else None,
    )


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
    before = next((s.version for s in state.tree.labels if (s.name, s.label) == (name, label)), None)
    changed = set_label(read_text(state.folder, LABELS_FILE) or "", label, name, version)
    for path, text in kept.copies.items():
        write_new(state.folder / path, text)
    if before != version:
        put_text(state.folder / LABELS_FILE, changed)
    notes = () if before == version else kept.notes
    return Labelled(name, label, version, before, LABELS_FILE, tuple(kept.copies), notes)


def _check_version(state: Known, name: str, version: int) -> None:
    newest = state.tree.newest()
    if name not in newest:
        hint = meant(name, newest)
        raise NotFoundError(" ".join(filter(None, (f"There is no prompt {name}.", hint))), field="name")
    if version > newest[name].version:
        raise NotFoundError(
            f"There is no version {version} of {name}: its file has version {newest[name].version}.",
            field="version",
        )


def _held(state: Known, name: str, version: int) -> bool:
    return any((spec.name, spec.version) == (name, version) for spec in state.tree.prompts)
