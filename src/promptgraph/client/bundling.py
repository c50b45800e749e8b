"""Bundles from a server, and what differs between a bundle and where it came from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from promptgraph.client.agents import Assigned, Assignments, assignments_of
from promptgraph.client.answers import ServerAwayError, answered
from promptgraph.client.bundle import Bundle, Bundled
from promptgraph.client.documents import AGENTS, FAMILIES
from promptgraph.client.lookups import request
from promptgraph.client.patience import Patience
from promptgraph.client.prompts import Prompt, prompt_of
from promptgraph.client.steps import Work
from promptgraph.domain.canonical import JsonObject, canonical_json


@dataclass(slots=True)
class Gathered:
    """A bundle in the making: each version once, with all that leads to it."""

    labels: Collection[str] = ()
    prompts: dict[tuple[str, int], Prompt] = field(default_factory=dict)
    led: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    latest: set[tuple[str, int]] = field(default_factory=set)
    agents: dict[str, tuple[Assigned, ...]] = field(default_factory=dict)

    def add(self, prompt: Prompt, label: str | None = None, *, latest: bool = False) -> None:
        """A version that a label leads to, or that is wanted anyway. Labels that are not asked for are left
        out; none asked for means all.
        """
        if label is not None and self.labels and label not in self.labels:
            return
        key = prompt.name, prompt.version
        self.prompts[key] = prompt
        self.led.setdefault(key, set()).update([label] if label else [])
        if latest:
            self.latest.add(key)

    def bundle(self) -> Bundle:
        prompts = (
            Bundled(p.name, p.version, p.hash, p.content, tuple(sorted(self.led[key])), key in self.latest)
            for key, p in sorted(self.prompts.items())
        )
        return Bundle(tuple(prompts), dict(sorted(self.agents.items())))


def bundled(labels: Collection[str], patience: Patience) -> Work[Bundle]:
    """What the labels of a server serve, the latest versions, and what its agents use.

    raises  PromptgraphError  as `answers.data_of`
    """
    made = Gathered(labels)
    for family in (yield from _all(FAMILIES, patience)):
        if family["latest"] is not None:
            made.add(prompt_of(family["latest"]), latest=True)
        for each in family["labels"]:
            made.add(prompt_of(each["prompt"]), each["label"])
    for agent in (yield from _all(AGENTS, patience)):
        _add_agent(made, assignments_of(agent["name"], agent))
    return made.bundle()


def _add_agent(made: Gathered, found: Assignments) -> None:
    if found.assigned:
        made.agents[found.agent] = tuple(Assigned(a.role, a.selector, a.when) for a in found.assigned)
    for each in found.assigned:
        if each.prompt is not None:
            made.add(each.prompt, each.prompt.label)


def _all(document: str, patience: Patience) -> Work[list[dict[str, Any]]]:
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        data = yield from answered(request(document, {"after": after}), patience)
        try:
            page = cast("dict[str, Any]", data["page"])
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]
        except (KeyError, TypeError) as error:
            raise ServerAwayError("The server's answer makes no sense; try again.") from error


@dataclass(frozen=True, slots=True)
class Facts:
    """What is compared: versions by (name, label), the latest by name, hashes by (name, version), and agents'
    assignments by name.
    """

    labels: Mapping[tuple[str, str], int]
    latest: Mapping[str, int]
    hashes: Mapping[tuple[str, int], str]
    agents: Mapping[str, tuple[Assigned, ...]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the bundle has it; the sentence says how."""

    name: str
    sentence: str


def facts_of(bundle: Bundle) -> Facts:
    """What a bundle says."""
    return Facts(
        {(each.name, label): each.version for each in bundle.prompts for label in each.labels},
        {each.name: each.version for each in bundle.prompts if each.latest},
        {(each.name, each.version): each.hash for each in bundle.prompts},
        bundle.agents,
    )


def differences(bundle: Bundle, there: Facts) -> list[Difference]:
    """How what is there differs from what the bundle says, by name. Labels that the bundle leaves out do not
    count.
    """
    mine = facts_of(bundle)
    kept = {label for _, label in mine.labels}
    labels = {key: version for key, version in there.labels.items() if key[1] in kept}
    return sorted(
        [
            *_moved({(n, f"label {label}"): v for (n, label), v in mine.labels.items()},
                    {(n, f"label {label}"): v for (n, label), v in labels.items()}),
            *_moved({(n, "the latest"): v for n, v in mine.latest.items()},
                    {(n, "the latest"): v for n, v in there.latest.items()}),
            *_rewritten(mine, there),
            *_reassigned(mine, there),
        ],
        key=lambda each: (each.name, each.sentence),
    )  # fmt: skip


def _moved(mine: Mapping[tuple[str, str], int], there: Mapping[tuple[str, str], int]) -> Iterator[Difference]:
    for name, what in mine.keys() | there.keys():
        had, has = mine.get((name, what)), there.get((name, what))
        if had != has:
            yield Difference(name, f"{what} is {_version(has)}; the bundle has {_version(had)}.")


def _version(number: int | None) -> str:
    return "nothing" if number is None else f"version {number}"


def _rewritten(mine: Facts, there: Facts) -> Iterator[Difference]:
    for name, version in mine.hashes.keys() & there.hashes.keys():
        if mine.hashes[name, version] != there.hashes[name, version]:
            yield Difference(name, f"version {version} has another content than the bundle.")


def _reassigned(mine: Facts, there: Facts) -> Iterator[Difference]:
    for agent in mine.agents.keys() | there.agents.keys():
        if _plain(mine.agents.get(agent, ())) != _plain(there.agents.get(agent, ())):
            yield Difference(agent, "the agent's assignments are others than the bundle's.")


def _plain(assigned: tuple[Assigned, ...]) -> bytes:
    facts: JsonObject = {"all": [[a.role, a.selector, a.when] for a in assigned]}
    return canonical_json(facts)
