"""What every part of the planning looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from promptgraph.domain.inventory import Inventory, StoredVersion
from promptgraph.domain.nearest import Hints
from promptgraph.domain.prompt import PromptContent, PromptFamily
from promptgraph.domain.registry import Assignment, SyncOrigin
from promptgraph.domain.tree import PromptSpec, Tree

SUFFIX = ".prompt.yaml"


@dataclass(frozen=True)
class Scope:
    """The files, the registry, and who syncs. `contents` are the stored latest contents by the name they are
    stored under, as far as somebody loaded them: without one a new version has no stated impact.
    """

    tree: Tree
    stored: Inventory
    origin: SyncOrigin = field(default_factory=SyncOrigin)
    draft: bool = False
    contents: Mapping[str, PromptContent] = field(default_factory=dict)
    hints: Hints = field(default_factory=Hints)

    @cached_property
    def newest(self) -> dict[str, PromptSpec]:
        return self.tree.newest()

    @cached_property
    def specs(self) -> Mapping[str, list[PromptSpec]]:
        """Every version of each name of the tree, the oldest first."""
        found: defaultdict[str, list[PromptSpec]] = defaultdict(list)
        for spec in self.tree.prompts:
            found[spec.name].append(spec)
        return found

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
    def firm(self) -> Mapping[int, int]:
        """The highest stored version that is no draft, by family."""
        found: dict[int, int] = {}
        for version in self.stored.versions.values():
            if not version.draft:
                found[version.family_id] = max(version.version, found.get(version.family_id, 0))
        return found

    def holds(self, name: str, version: int) -> bool:
        """Whether the registry will hold this version of a name of the tree after the sync."""
        return any(spec.version == version for spec in self.specs[name]) or bool(self.version(name, version))

    @cached_property
    def labels(self) -> Mapping[str, frozenset[str]]:
        """The labels that each name of the tree will have: the file's, and those not owned by it."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for spec in self.tree.labels:
            found[spec.name].add(spec.label)
        present = {family.name: name for name, family in self.families.items()}
        for label in self.stored.labels.values():
            if not label.managed_by_file and label.name in present:
                found[present[label.name]].add(label.label)
        return {name: frozenset(labels) for name, labels in found.items()}

    @cached_property
    def managed(self) -> Mapping[int, list[Assignment]]:
        """The assignments that files made, by agent, in their order."""
        found: defaultdict[int, list[Assignment]] = defaultdict(list)
        for assignment in sorted(self.stored.assignments, key=lambda a: a.position):
            if assignment.managed_by_file:
                found[assignment.agent_id].append(assignment)
        return found

    @cached_property
    def unread(self) -> frozenset[str]:
        """The names of prompt files with problems so grave that nothing is known of them."""
        read = {spec.source.path for spec in self.tree.prompts}
        paths = {problem.place.path for problem in self.tree.errors} - read
        return frozenset(p.removesuffix(SUFFIX).partition("@")[0] for p in paths if p.endswith(SUFFIX))
