"""What the registry holds at one moment, as far as a plan needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
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
