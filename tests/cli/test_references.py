"""What labels and selectors name, judged by the tree alone."""

import pytest

from promptgraph.cli.references import pinned, unresolved
from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import Message, MessageRole, PromptContent, Source
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, FileProblem, LabelSpec, Place, PromptSpec, Tree

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
    problems: tuple[FileProblem, ...] = (),
) -> Tree:
    return Tree(prompts=prompts, labels=labels, agents=agents, problems=problems)


MAIN, OLD = spec("a/b", 3), spec("a/b", 2, kept=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (tree(MAIN, labels=(label("a/b", 3),)), []),
        (tree(MAIN, OLD, labels=(label("a/b", 2),)), []),
        (tree(MAIN, OLD, agents=(agent("a/b@2"),)), []),
        (tree(MAIN, labels=(label("a/b", 3),), agents=(agent("a/b@production", "a/b"),)), []),
        (tree(MAIN, labels=(label("a/c", 3),)), [(False, "There is no prompt a/c. Did you mean a/b?")]),
        (
            tree(MAIN, agents=(agent("a/c@production"),)),
            [(False, "There is no prompt a/c. Did you mean a/b?")],
        ),
        (
            tree(spec("new", 1, formerly=("old",)), labels=(label("old", 1),)),
            [(False, "There is no prompt old. It is called new now.")],
        ),
        (
            tree(MAIN, labels=(label("a/b", 4),)),
            [(False, "There is no version 4 of a/b: its file has version 3.")],
        ),
        (
            tree(MAIN, labels=(label("a/b", 2),)),
            [
                (
                    True,
                    (
                        "Version 2 of a/b is not among the files."
                        " The registry must hold it; or keep it as a/b@2.prompt.yaml."
                    ),
                )
            ],
        ),
        (
            tree(MAIN, labels=(label("a/b", 3),), agents=(agent("a/b@prodution"),)),
            [(True, "labels.yaml sets no label prodution for a/b. Did you mean production?")],
        ),
        (
            tree(MAIN, agents=(agent("a/b@staging"),)),
            [
                (
                    True,
                    (
                        "labels.yaml sets no label staging for a/b."
                        " The registry must hold it; or set it: promptgraph label set a/b staging VERSION."
                    ),
                )
            ],
        ),
        (
            tree(MAIN, OLD),
            [(True, "No label and no agent names version 2 of a/b any more. This file can go.")],
        ),
    ],
    ids=[
        "newest",
        "kept, by label",
        "kept, by selector",
        "label and bare name",
        "label of an unknown name",
        "selector of an unknown name",
        "former name",
        "version above the file's",
        "version that is not kept",
        "misspelt label",
        "label that no file sets",
        "kept and not named",
    ],
)
def test_finds_what_names_nothing(given: Tree, expected: list[tuple[bool, str]]) -> None:
    """A name that no file has is an error; what the registry may hold is a warning."""
    found = [(p.warning, " ".join(filter(None, (p.message, p.hint)))) for p in unresolved(given)]
    assert expected == found


def test_says_nothing_of_files_that_could_not_be_read() -> None:
    """A broken file is one problem, not one for each label that names it."""
    broken = FileProblem(Place("a/b.prompt.yaml", 3), "No YAML.")
    given = tree(labels=(label("a/b", 3), label("x", 1)), agents=(agent("a/b@2"),), problems=(broken,))
    assert ["There is no prompt x."] == [problem.message for problem in unresolved(given)]


def test_sorts_by_place() -> None:
    """Problems come file by file."""
    given = tree(MAIN, OLD, labels=(label("x", 1),), agents=(agent("y"),))
    paths = [problem.place.path for problem in unresolved(given)]
    assert ["a/b@2.prompt.yaml", "agents/bot.agent.yaml", "labels.yaml"] == paths


def test_knows_what_is_pinned() -> None:
    """Labels and fixed selectors pin versions; labels and bare names in selectors do not."""
    given = tree(MAIN, labels=(label("a/b", 2),), agents=(agent("a/b@1", "a/b", "a/b@production"),))
    assert {("a/b", 2), ("a/b", 1)} == pinned(given)
