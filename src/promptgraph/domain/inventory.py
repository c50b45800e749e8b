"""What the registry holds at one moment, as far as a plan needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import PromptFamily
from promptgraph.domain.registry import Agent, Assignment, PromptLabel


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A row of `prompts` without its content; `content_hash` stands for it."""

    id: int
    family_id: int
    version: int
    draft: bool
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The whole registry, contents left out.

    keys   families and agents by name, versions by (name, version), labels by (name, label)
    units  sequences: the highest sequence applied, by sync source; a source without one is absent
    """

    families: Mapping[str, PromptFamily] = field(default_factory=dict)
    versions: Mapping[tuple[str, int], StoredVersion] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], PromptLabel] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    revision: int = 0

    @cached_property
    def former_names(self) -> dict[str, str]:
        """The present name of each former one."""
        return {old: family.name for family in self.families.values() for old in family.former_names}

    def family(self, name: str) -> PromptFamily | None:
        """The family of this name, or the one that had it before."""
        return self.families.get(name) or self.families.get(self.former_names.get(name, ""))

    def prompt_id(self, selector: Selector) -> int | None:
        """The row of `prompts` that `selector` names now; None for nothing."""
        family = self.family(selector.name)
        if family is None:
            return None
        if selector.label is not None:
            label = self.labels.get((family.name, selector.label))
            return label.prompt_id if label else None
        version = self.versions.get((family.name, selector.version or family.latest_version))
        return version.id if version else None

    @property
    def stale_resolutions(self) -> dict[int, int | None]:
        """The right prompt id of each assignment, by its id, where the stored one is another."""
        wanted = {a.id: self.prompt_id(a.parsed) for a in self.assignments}
        return {a.id: wanted[a.id] for a in self.assignments if wanted[a.id] != a.prompt_id}
