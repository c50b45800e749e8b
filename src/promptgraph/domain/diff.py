"""What changed between two contents, in words, and what it means for callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from promptgraph.domain.canonical import Json
from promptgraph.domain.prompt import PromptContent


class Impact(StrEnum):
    """What a change asks of callers. MAJOR: they break. PATCH: no reader could tell the difference."""

    NONE = "NONE"
    PATCH = "PATCH"
    MINOR = "MINOR"
    MAJOR = "MAJOR"

    @property
    def weight(self) -> int:
        return list(Impact).index(self)


class ChangeKind(StrEnum):
    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is where it stands in the file, e.g. `input.schema.properties.tone`."""

    path: str
    kind: ChangeKind
    before: Json
    after: Json
    impact: Impact
    sentence: str


def impact_of(changes: Sequence[Change]) -> Impact:
    """The gravest of them, NONE for none."""
    return max((change.impact for change in changes), key=lambda i: i.weight, default=Impact.NONE)


def changes_between(before: PromptContent, after: PromptContent) -> list[Change]:
    """Every difference, by path. Equal contents give an empty list, unequal ones never do."""
    raise NotImplementedError
