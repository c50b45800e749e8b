"""Older versions kept for what labels and selectors name."""

from typing import Any

import pytest

from promptgraph.cli.checking import needless, pinned
from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import Message, MessageRole, PromptContent, Source
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, LabelSpec, Place, PromptSpec, Tree

CONTENT = PromptContent(messages=(Message(MessageRole.USER, "Hi"),))


def spec(name: str, version: int, *, kept: bool = False, formerly: tuple[str, ...] = ()) -> PromptSpec:
    path = f"{name}@{version}.prompt.yaml" if kept else f"{name}.prompt.yaml"
    return PromptSpec(
        name=name,
        version=version,
        content=CONTENT,
        digest=CONTENT.digest(),
        formerly=formerly,
        kept=kept,
        source=Source(path),
        place=Place(path, 1),
    )


def label(name: str, version: int, label: str = "production") -> LabelSpec:
    return LabelSpec(
        label=label, name=name, version=version, source=Source("labels.yaml"), place=Place("labels.yaml", 1)
    )


def agent(*selectors: str) -> AgentSpec:
    place = Place("agents/bot.agent.yaml", 2)
    chosen = tuple(AssignmentSpec(role="r", selector=Selector.parse(s), place=place) for s in selectors)
    return AgentSpec(name="bot", assignments=chosen, place=place)


def tree(
    *prompts: PromptSpec,
    labels: tuple[LabelSpec, ...] = (),
    agents: tuple[AgentSpec, ...] = (),
) -> Tree:
    return Tree(prompts=prompts, labels=labels, agents=agents)


MAIN, OLD = spec("a/b", 3), spec("a/b", 2, kept=True)


def test_finds_kept_versions_that_nothing_names() -> None:
    """An older version is kept for a label or a selector; without either its file can go."""
    (found,) = needless(tree(MAIN, OLD))
    assert ("No label and no agent names version 2 of a/b any more.", "This file can go.", True) == (
        found.message,
        found.hint,
        found.warning,
    )


@pytest.mark.parametrize("given", [{"labels": (label("a/b", 2),)}, {"agents": (agent("a/b@2"),)}])
def test_leaves_those_that_are_named(given: dict[str, Any]) -> None:
    """A label or a selector is reason enough."""
    assert [] == list(needless(tree(MAIN, OLD, **given)))


def test_knows_what_is_pinned() -> None:
    """Labels and fixed selectors pin versions; labels and bare names in selectors do not."""
    given = tree(MAIN, labels=(label("a/b", 2),), agents=(agent("a/b@1", "a/b", "a/b@production"),))
    assert {("a/b", 2), ("a/b", 1)} == pinned(given)
