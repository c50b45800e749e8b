"""What a plan is made of: steps to read, and the changes that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from promptgraph.domain.prompt import PromptFamily
from promptgraph.domain.registry import Agent, PromptLabel, SyncAction, SyncStep
from promptgraph.domain.tree import AgentSpec, FileProblem, LabelSpec, PromptSpec


@dataclass(frozen=True, slots=True)
class ChangeFamily:
    """Name, facts or retirement of a stored family become what `spec` says; it is live afterwards."""

    family: PromptFamily
    spec: PromptSpec


@dataclass(frozen=True, slots=True)
class RetireFamily:
    family: PromptFamily


@dataclass(frozen=True, slots=True)
class AddPrompt:
    """A new version; `main` is its name's main file, whose facts a new family takes."""

    spec: PromptSpec
    main: PromptSpec
    draft: bool


@dataclass(frozen=True, slots=True)
class ReplaceDraft:
    prompt_id: int
    spec: PromptSpec


@dataclass(frozen=True, slots=True)
class MakeFirm:
    prompt_id: int
    spec: PromptSpec


@dataclass(frozen=True, slots=True)
class SetLatest:
    """A stored version is the latest from now on: the drafts above it are set aside."""

    family: PromptFamily
    version: int


@dataclass(frozen=True, slots=True)
class PutLabel:
    """`stored` is the label as it was, None for a new one."""

    spec: LabelSpec
    stored: PromptLabel | None


@dataclass(frozen=True, slots=True)
class DropLabel:
    stored: PromptLabel


@dataclass(frozen=True, slots=True)
class PutAgent:
    """The agent, new if `stored` is None, and all the assignments that its file makes."""

    spec: AgentSpec
    stored: Agent | None


@dataclass(frozen=True, slots=True)
class ForgetAgent:
    """Its file is gone: its file's assignments go, the agent stays."""

    stored: Agent


Change: TypeAlias = (
    ChangeFamily
    | RetireFamily
    | AddPrompt
    | ReplaceDraft
    | MakeFirm
    | SetLatest
    | PutLabel
    | DropLabel
    | PutAgent
    | ForgetAgent
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A step with the change that it stands for; none for what stays and for a conflict."""

    step: SyncStep
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one side of the planning found: prompts, labels or agents."""

    planned: tuple[Planned, ...] = ()

    def __add__(self, other: Part) -> Part:
        return Part(self.planned + other.planned)


@dataclass(frozen=True, slots=True)
class Plan(Part):
    """All steps in the order they are applied, and all problems of the files."""

    problems: tuple[FileProblem, ...] = ()

    @property
    def steps(self) -> tuple[SyncStep, ...]:
        return tuple(planned.step for planned in self.planned)

    @property
    def conflicts(self) -> tuple[SyncStep, ...]:
        return tuple(step for step in self.steps if step.action is SyncAction.CONFLICT)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(planned.change for planned in self.planned if planned.change is not None)
