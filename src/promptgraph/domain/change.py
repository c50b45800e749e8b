"""One difference between two contents, and what it asks of callers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from promptgraph.domain.canonical import Json


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


def impact_of(changes: Iterable[Change]) -> Impact:
    """The gravest of them, NONE for none."""
    return max((change.impact for change in changes), key=lambda impact: impact.weight, default=Impact.NONE)
