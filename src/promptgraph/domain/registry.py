"""Around the prompts: labels and their moves, agents and their assignments, syncs and their plans."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from promptgraph.domain.canonical import Json, JsonObject, canonical_json
from promptgraph.domain.diff import Impact
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import Selector, checked_source, global_id
from promptgraph.domain.prompt import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLabel:
    """A movable pointer. `file_version` is what labels.yaml said at the last sync, None if it says nothing;
    an overridden label points elsewhere until that entry changes.
    """

    id: int
    family_id: int
    name: str
    label: str
    prompt_id: int
    version: int
    managed_by_file: bool = False
    overridden: bool = False
    file_version: int | None = None
    moved_at: dt.datetime

    @property
    def global_id(self) -> str:
        return global_id("PromptLabel", self.name, self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMove:
    """One move of a label; no `to` means that it was removed."""

    id: int
    family_id: int
    name: str
    label: str
    from_prompt_id: int | None
    to_prompt_id: int | None
    moved_at: dt.datetime
    moved_by: str | None = None
    reason: str | None = None
    source: Source | None = None

    @property
    def global_id(self) -> str:
        return global_id("LabelMove", self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A named caller. `declared`: a file names it. `source`: the sync source that owns it, None for none."""

    id: int
    name: str
    description: str | None = None
    declared: bool = False
    source: str | None = None
    created_at: dt.datetime

    @property
    def global_id(self) -> str:
        return global_id("Agent", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One way an agent uses prompts. `prompt_id` is what the selector resolves to now, None for nothing.
    `metadata` is free; `when` holds the circumstances.
    """

    id: int
    agent_id: int
    agent_name: str
    role: str
    position: int
    selector: str
    prompt_id: int | None
    when: JsonObject = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    managed_by_file: bool = False

    @property
    def global_id(self) -> str:
        return global_id("Assignment", self.agent_name, self.role, self.selector)

    @property
    def parsed(self) -> Selector:
        return Selector.parse(self.selector)

    def matches(self, context: JsonObject) -> bool:
        """Whether every circumstance of `when` holds in `context`; a list means any of."""
        return fits(self.when, context)


def fits(when: JsonObject, context: JsonObject) -> bool:
    """Whether every circumstance of `when` holds in `context`; a list means any of."""
    return all(key in context and _holds(wanted, context[key]) for key, wanted in when.items())


def _holds(wanted: Json, given: Json) -> bool:
    choices = wanted if isinstance(wanted, list) else [wanted]
    # as JSON compares: 1 is 1.0, and true is not 1
    return canonical_json(given) in [canonical_json(choice) for choice in choices]


class SyncAction(StrEnum):
    ADD = "ADD"
    UPDATE = "UPDATE"
    MOVE_LABEL = "MOVE_LABEL"
    RETIRE = "RETIRE"
    RESTORE = "RESTORE"
    UNCHANGED = "UNCHANGED"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStep:
    """One line of a plan. `kind` is prompt, family, label, agent or assignment; `path` is the file."""

    action: SyncAction
    kind: str
    name: str
    version: int | None = None
    sentence: str
    impact: Impact | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOrigin:
    """Who syncs, and from which commit. `sequence` grows along the source's history; `url` is the web
    address of the prompts folder at that commit.

    raises  InvalidInputError  the source has no proper name, or the sequence is below 0
    """

    source: str = "default"
    commit_sha: str | None = None
    sequence: int | None = None
    author: str | None = None
    committed_at: dt.datetime | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        checked_source(self.source)
        if self.sequence is not None and self.sequence < 0:
            raise InvalidInputError("A sequence counts commits: it is 0 or more.", field="sequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One applied sync, with the steps that changed something."""

    id: int
    origin: SyncOrigin
    forced: bool = False
    started_at: dt.datetime
    finished_at: dt.datetime
    added: int = 0
    moved: int = 0
    retired: int = 0
    unchanged: int = 0
    steps: tuple[SyncStep, ...] = ()

    @property
    def global_id(self) -> str:
        return global_id("SyncRun", self.id)
