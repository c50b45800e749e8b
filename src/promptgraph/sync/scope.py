"""What every part of the planning looks at."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from promptgraph.domain.prompt import PromptContent, PromptFamily
from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.snapshot import Snapshot, StoredVersion
from promptgraph.domain.tree import PromptSpec, Tree


@dataclass(frozen=True)
class Scope:
    """The files, the registry, and who syncs. `contents` are the stored latest contents by the name they are
    stored under, as far as somebody loaded them: without one a new version has no stated impact.
    """

    tree: Tree
    stored: Snapshot
    origin: SyncOrigin = field(default_factory=SyncOrigin)
    draft: bool = False
    contents: Mapping[str, PromptContent] = field(default_factory=dict)

    @cached_property
    def newest(self) -> dict[str, PromptSpec]:
        return self.tree.newest()

    @cached_property
    def families(self) -> dict[str, PromptFamily]:
        """The stored family that each name of the tree continues, renames included."""
        found = {}
        for name, spec in self.newest.items():
            candidates = [name, *spec.formerly]
            known = [self.stored.families[n] for n in candidates if n in self.stored.families]
            if known:
                found[name] = known[0]
        return found

    @cached_property
    def renamed(self) -> dict[str, str]:
        """The tree's present name of each name that a file or the registry calls former."""
        stored = {
            old: name for name, family in self.families.items() for old in (family.name, *family.former_names)
        }
        return stored | {old: spec.name for spec in self.newest.values() for old in spec.formerly}

    def present_name(self, name: str) -> str:
        """The name under which the tree has this prompt; `name` itself where it was never renamed."""
        return name if name in self.newest else self.renamed.get(name, name)

    @cached_property
    def continued(self) -> frozenset[str]:
        """The stored names that some file of the tree continues."""
        return frozenset(family.name for family in self.families.values())

    def version(self, name: str, version: int) -> StoredVersion | None:
        """A stored version of a name of the tree, found under its stored name."""
        family = self.families.get(name)
        return self.stored.versions.get((family.name, version)) if family else None

    @cached_property
    def tree_versions(self) -> frozenset[tuple[str, int]]:
        return frozenset((spec.name, spec.version) for spec in self.tree.prompts)

    def holds(self, name: str, version: int) -> bool:
        """Whether the registry will hold this version of a name of the tree after the sync."""
        return (name, version) in self.tree_versions or self.version(name, version) is not None


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest known word; None when nothing is near."""
    near = difflib.get_close_matches(wrong, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else None
