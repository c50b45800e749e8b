"""A whole tree of prompt files, read: what it says, and everything that is wrong with it, in one run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Message, Source
from promptgraph.domain.tree import AgentSpec, FileProblem, LabelSpec, Place, PromptSpec, PromptTest, Tree
from promptgraph.files.agents import read_agent, read_labels
from promptgraph.files.filling import MAX_FOUND
from promptgraph.files.layout import Kind
from promptgraph.files.listing import ListedFile, listing
from promptgraph.files.node import Finding, Map, YamlRefusedError, shown
from promptgraph.files.partials import Partials, checked_partials, path_of
from promptgraph.files.prompts import PromptFile, read_prompt
from promptgraph.files.read import SourceFile, read_files
from promptgraph.files.relations import former_problems, kept_problems, unused_partials
from promptgraph.files.yaml import nodes
from promptgraph.template.parts import templates_of
from promptgraph.template.render import render


class Facts(Protocol):
    """What git knows of a file."""

    @property
    def commit_sha(self) -> str | None: ...
    @property
    def author(self) -> str | None: ...
    @property
    def committed_at(self) -> dt.datetime | None: ...


def read_tree(root: Path, provenance: Mapping[str, Facts] | None = None, url: str | None = None) -> Tree:
    """What the files below `root` say, with git's facts by path and the folder's web address where known.

    raises  InvalidInputError  `root` is no folder that can be read
    """
    files, problems = read_files(root)
    facts = provenance or {}
    tree = parse_tree([_with_facts(file, facts.get(file.path)) for file in files], url=url)
    return replace(tree, problems=_sorted([*problems, *tree.problems]))


def _with_facts(file: SourceFile, facts: Facts | None) -> SourceFile:
    if facts is None:
        return file
    return replace(file, commit_sha=facts.commit_sha, author=facts.author, committed_at=facts.committed_at)


def parse_tree(files: Sequence[SourceFile], *, url: str | None = None) -> Tree:
    """What `files` say, and every problem of all of them; a broken file hides no problem of another.

    cost  linear in the files; no disk, no network
    """
    listed, problems = listing(sorted(files, key=lambda file: file.path))
    reading = _Reading(url, _partials(listed), problems)
    for file in listed:
        if (act := _ACTS.get(file.spot.kind)) is not None:
            act(reading, file)
    return reading.tree()


def _partials(listed: Iterable[ListedFile]) -> Partials:
    found = [file for file in listed if file.spot.kind is Kind.PARTIAL]
    return checked_partials(
        {file.spot.name: file.text for file in found if file.text is not None},
        frozenset(file.spot.name for file in found if file.text is None),
    )


def run_tests(tree: Tree) -> list[FileProblem]:
    """What the files' own tests find: each renders its prompt and looks for words in the text.

    cost  one render per test
    """
    return [problem for spec in tree.prompts for test in spec.tests for problem in _tried(spec, test)]


def _tried(spec: PromptSpec, test: PromptTest) -> Iterator[FileProblem]:
    try:
        messages = render(spec.content, test.input).messages
    except InvalidInputError as error:
        yield FileProblem(test.place, f"The test cannot be rendered: {error}")
        return
    drafts = (Message(message.role, message.content, message.parts) for message in messages)
    text = "\n\n".join(found for draft in drafts for _, found in templates_of(draft))
    for words in test.contains:
        if words not in text:
            yield FileProblem(test.place, f"The rendered text does not hold {shown(words)}.", _excerpt(text))
    for words in test.excludes:
        if words in text:
            yield FileProblem(test.place, f"The rendered text holds {shown(words)}.", _excerpt(text))


def _excerpt(text: str) -> str:
    return f"It reads: {shown(text)}"


@dataclass(slots=True)
class _Reading:
    """What the files said so far."""

    url: str | None
    partials: Partials
    problems: list[FileProblem]
    prompts: list[PromptFile] = field(default_factory=list)
    agents: list[AgentSpec] = field(default_factory=list)
    labels: list[LabelSpec] = field(default_factory=list)

    def note(self, path: str, findings: Sequence[Finding]) -> None:
        """Findings as problems, the first ones if there are very many."""
        told = [found.at(path) for found in findings]
        if len(told) >= MAX_FOUND:
            place = Place(path)
            told = sorted(told, key=_order)[: MAX_FOUND - 1]
            told.append(FileProblem(place, "There are more problems in this file.", "Mend the others first."))
        self.problems += told

    def root(self, file: ListedFile) -> Map | None:
        """The mapping that a file holds, or None with its problems noted."""
        try:
            return None if file.text is None else nodes(file.text)
        except YamlRefusedError as error:
            self.note(file.file.path, error.findings)
            return None

    def source(self, file: SourceFile) -> Source:
        url = None if self.url is None else f"{self.url.rstrip('/')}/{quote(file.path)}"
        return Source(file.path, file.commit_sha, file.author, file.committed_at, url)

    def prompt(self, file: ListedFile) -> None:
        root, path = self.root(file), file.file.path
        read = PromptFile(path, file.spot.name, file.spot.version)
        if root is not None:
            read = read_prompt(root, file.spot, self.source(file.file), self.partials)
        self.note(path, read.findings)
        self.prompts.append(read)

    def agent(self, file: ListedFile) -> None:
        if (root := self.root(file)) is not None:
            agent, found = read_agent(root, file.spot, file.file.path)
            self.note(file.file.path, found)
            self.agents += [] if agent is None else [agent]

    def label_file(self, file: ListedFile) -> None:
        if (root := self.root(file)) is not None:
            labels, found = read_labels(root, self.source(file.file))
            self.note(file.file.path, found)
            self.labels += labels

    def tree(self) -> Tree:
        for name, found in self.partials.findings.items():
            self.note(path_of(name), [found])
        self.problems += self.between()
        specs = [file.spec for file in self.prompts if file.spec is not None]
        return Tree(
            prompts=tuple(sorted(specs, key=lambda spec: (spec.name, spec.version))),
            agents=tuple(sorted(self.agents, key=lambda agent: agent.name)),
            labels=tuple(sorted(self.labels, key=lambda label: (label.label, label.name))),
            problems=_sorted(self.problems),
        )

    def between(self) -> Iterator[FileProblem]:
        yield from kept_problems(self.prompts)
        yield from former_problems(self.prompts)
        if not self.partials.broken:  # what those include cannot be told
            yield from unused_partials(self.prompts, self.partials.texts)


_ACTS: dict[Kind, Callable[[_Reading, ListedFile], None]] = {
    Kind.PROMPT: _Reading.prompt,
    Kind.AGENT: _Reading.agent,
    Kind.LABELS: _Reading.label_file,
}


def _sorted(problems: Iterable[FileProblem]) -> tuple[FileProblem, ...]:
    """Each problem once, by place."""
    return tuple(sorted(dict.fromkeys(problems), key=_order))


def _order(problem: FileProblem) -> tuple[str, int, int, str]:
    place = problem.place
    return place.path, place.line or 0, place.column or 0, problem.message
