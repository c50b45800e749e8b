"""What a tree of prompt files says, once read: the input of a sync."""

from __future__ import annotations

from dataclasses import dataclass, field

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import PromptContent, Source


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file; `line` and `column` count from 1. `path` is relative to the prompts folder."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong at a place, and what to do. A warning does not stop a sync."""

    place: Place
    message: str
    hint: str | None = None
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTest:
    """An example that a file carries: these inputs render, and the text holds these words."""

    input: JsonObject = field(default_factory=dict)
    contains: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpec:
    """One version of a prompt as a file says it. `kept` marks an older version kept as NAME@2.prompt.yaml:
    it brings content alone, the family's facts come from the main file.
    """

    name: str
    version: int
    content: PromptContent
    digest: str
    description: str | None = None
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    record: Levels = IN_FULL
    formerly: tuple[str, ...] = ()
    partials: tuple[str, ...] = ()
    tests: tuple[PromptTest, ...] = ()
    kept: bool = False
    source: Source
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSpec:
    role: str
    selector: Selector
    when: JsonObject = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    name: str
    description: str | None = None
    assignments: tuple[AssignmentSpec, ...] = ()
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpec:
    label: str
    name: str
    version: int
    source: Source
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All that the files say, sorted; what could not be read is in `problems` alone."""

    prompts: tuple[PromptSpec, ...] = ()
    agents: tuple[AgentSpec, ...] = ()
    labels: tuple[LabelSpec, ...] = ()
    problems: tuple[FileProblem, ...] = ()

    @property
    def errors(self) -> tuple[FileProblem, ...]:
        return tuple(problem for problem in self.problems if not problem.warning)

    def newest(self) -> dict[str, PromptSpec]:
        """The main file's version of each name."""
        return {spec.name: spec for spec in self.prompts if not spec.kept}
