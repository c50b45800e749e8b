"""A whole tree: every problem of all files in one run, and what stands between files."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest

from promptgraph.domain.names import Selector
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, LabelSpec, Place
from promptgraph.files import listing
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree, read_tree, run_tests
from tests.factories import prompt_yaml, write_tree
from tests.files.samples import WHOLE, parsed, told

TREE = {
    "support/triage.prompt.yaml": WHOLE,
    "support/triage@2.prompt.yaml": prompt_yaml(2),
    "_partials/tone.j2": "Be {{ tone }}.\n",
    "labels.yaml": "staging: {support/triage: 3}\nproduction:\n  support/triage: 2\n",
    "agents/bot.agent.yaml": (
        "description: First line.\nprompts:\n  triage: support/triage@production\n"
        "  answer:\n  - {prompt: x@1, when: {plan: [a, b]}}\n  - {prompt: x, metadata: {n: 1}}\n"
    ),
}


def test_reads_a_tree_from_disk(tmp_path: Path) -> None:
    """Prompts by name and version, agents, labels; nothing to complain about."""
    tree = read_tree(write_tree(tmp_path, TREE))
    assert [] == told(tree)
    assert [("support/triage", 2, True), ("support/triage", 3, False)] == [
        (spec.name, spec.version, spec.kept) for spec in tree.prompts
    ]
    assert ["support/triage"] == list(tree.newest())


def test_reads_agents() -> None:
    """Assignments in the order of the file, each with its place."""
    (agent,) = parsed(TREE).agents
    path = "agents/bot.agent.yaml"
    expected = AgentSpec(
        name="bot",
        description="First line.",
        assignments=(
            AssignmentSpec(
                role="triage",
                selector=Selector("support/triage", label="production"),
                place=Place(path, 3, 11),
            ),
            AssignmentSpec(
                role="answer",
                selector=Selector("x", version=1),
                when={"plan": ["a", "b"]},
                place=Place(path, 5, 14),
            ),
            AssignmentSpec(
                role="answer", selector=Selector("x"), metadata={"n": 1}, place=Place(path, 6, 14)
            ),
        ),
        place=Place(path, 1, 1),
    )
    assert expected == agent


def test_reads_labels() -> None:
    """By label and name, each with the place of its entry."""
    labels = parsed(TREE).labels
    assert [
        ("production", "support/triage", 2, Place("labels.yaml", 3, 3)),
        ("staging", "support/triage", 3, Place("labels.yaml", 1, 11)),
    ] == [(one.label, one.name, one.version, one.place) for one in labels]


def test_leaves_names_that_are_nowhere_to_others() -> None:
    """The registry may hold what the tree does not: a label or selector of it is no problem here."""
    tree = parsed({"labels.yaml": "production: {gone: 7}\n", "agents/a.agent.yaml": "prompts: {r: gone@7}\n"})
    assert [] == told(tree)
    assert isinstance(tree.labels[0], LabelSpec)


@dataclass(frozen=True)
class Commit:
    """What git says of a file."""

    commit_sha: str | None = "c0ffee"
    author: str | None = "Ann"
    committed_at: dt.datetime | None = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def test_says_where_everything_came_from(tmp_path: Path) -> None:
    """Git's facts go with the file they are about; the web address is the folder's and the path."""
    write_tree(
        tmp_path,
        {
            "a.prompt.yaml": prompt_yaml(),
            "b/c@1.prompt.yaml": prompt_yaml(),
            "b/c.prompt.yaml": prompt_yaml(2),
        },
    )
    tree = read_tree(tmp_path, {"a.prompt.yaml": Commit()}, url="https://example.org/tree/c0ffee/prompts")
    sources = {spec.source.path: spec.source for spec in tree.prompts}
    facts = sources["a.prompt.yaml"]
    assert ("c0ffee", "Ann", 2026) == (
        facts.commit_sha,
        facts.author,
        facts.committed_at and facts.committed_at.year,
    )
    kept = sources["b/c@1.prompt.yaml"]
    assert (None, "https://example.org/tree/c0ffee/prompts/b/c%401.prompt.yaml") == (
        kept.commit_sha,
        kept.url,
    )


def test_tells_every_problem_of_all_files() -> None:
    """A broken file hides no problem of another and stops no good one from being read."""
    files = {
        "good.prompt.yaml": prompt_yaml(),
        "a.prompt.yaml": "version: [",
        "b.prompt.yaml": prompt_yaml(content="{{ x("),
        "c.prompt.yaml": prompt_yaml(modle="x", tags="x"),
        "_partials/p.j2": "\n{% set x = 1 %}",
        "agents/a.agent.yaml": "prompts: {r: X}\n",
        "labels.yaml": "a: {x: 0}\nb: {x: 1}\n",
        "d.prompt.yml": "",
    }
    tree = parsed(files)
    assert ["good"] == [spec.name for spec in tree.prompts]
    places = [
        "_partials/p.j2:2",
        "a.prompt.yaml:1:10",
        "agents/a.agent.yaml:1:14",
        "b.prompt.yaml:3:40",
        "c.prompt.yaml:4:1",
        "c.prompt.yaml:5:7",
        "d.prompt.yml",
        "labels.yaml:1:8",
    ]
    assert places == [str(problem.place) for problem in tree.errors]


def test_does_not_depend_on_the_order_of_files() -> None:
    """Problems and specs are sorted."""
    files = [SourceFile(path, text.encode()) for path, text in TREE.items()]
    files.append(SourceFile("z.prompt.yaml", b"a: 1\nb: 2\n"))
    files.append(SourceFile("Z.prompt.yaml", b""))
    assert parse_tree(files) == parse_tree(files[::-1])


def test_tells_a_path_that_is_given_twice() -> None:
    """Only a client's own list of files can do that."""
    file = SourceFile("a.prompt.yaml", prompt_yaml().encode())
    assert "a.prompt.yaml: The path is given twice. Send each file once." in told(parse_tree([file, file]))


def test_warns_of_files_that_are_not_read() -> None:
    """A stranger is named, a README is not; nothing of it stops a sync."""
    tree = parsed({"notes.txt": "", "README.md": "", ".env": ""})
    assert ["notes.txt: This file is not read. Prompt files are called NAME.prompt.yaml."] == told(tree)
    assert () == tree.errors


def test_shows_paths_that_can_be_printed() -> None:
    """Half a character in a path is written out."""
    (problem,) = parsed({"a\ud800.prompt.yaml": ""}).problems
    assert "a\\ud800.prompt.yaml" == problem.place.path


def test_warns_of_invisible_characters_in_bodies() -> None:
    """With line and column, in prompts and partials, comments included; a reviewer could not see them."""
    files = {
        "a.prompt.yaml": "version: 1\n# see \u202e here\ntemplate: |\n  x\u200by {% include 'p.j2' %}\n",
        "_partials/p.j2": "a\n\u2066b\n",
    }
    tree = parsed(files)
    assert [
        "_partials/p.j2:2:1: The invisible character U+2066 is here. Remove it unless it is meant.",
        "a.prompt.yaml:2:7: The invisible character U+202E is here. Remove it unless it is meant.",
        "a.prompt.yaml:4:4: The invisible character U+200B is here. Remove it unless it is meant.",
    ] == told(tree)
    assert () == tree.errors
    assert 1 == len(tree.prompts)


def test_warns_of_few_invisible_characters() -> None:
    """A text in a script that needs them is not drowned in warnings."""
    text = "version: 1\ntemplate: |\n" + "  می\u200cروم\n" * 50
    assert listing.MAX_WARNINGS == len(parsed({"a.prompt.yaml": text}).problems)


def test_refuses_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree sent by a client has the same limits as one on disk."""
    monkeypatch.setattr(listing, "MAX_FILES", 2)
    assert [".: There are more than 2 files. Keep only prompt files in this folder."] == told(parsed(TREE))


def test_refuses_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum counts too."""
    monkeypatch.setattr(listing, "MAX_TREE_BYTES", 100)
    assert 1 == len(told(parsed(TREE)))


TESTS: dict[str, tuple[str, list[str]]] = {
    "fine": (prompt_yaml(tests=[{"input": {"name": "Ann"}, "contains": ["Ann"], "excludes": ["Bob"]}]), []),
    "words missing": (
        prompt_yaml(tests=[{"input": {"name": "Ann"}, "contains": ["Bob"]}]),
        ["a.prompt.yaml:4:9: The rendered text does not hold `Bob`. It reads: `Hi Ann`"],
    ),
    "words unwanted": (
        prompt_yaml(tests=[{"input": {"name": "Ann"}, "excludes": ["Ann", "Hi"]}]),
        [
            "a.prompt.yaml:4:9: The rendered text holds `Ann`. It reads: `Hi Ann`",
            "a.prompt.yaml:4:9: The rendered text holds `Hi`. It reads: `Hi Ann`",
        ],
    ),
    "variable missing": (
        prompt_yaml(tests=[{}]),
        ["a.prompt.yaml:4:9: The test cannot be rendered: `name` is required: send a value."],
    ),
    "variable unknown": (
        prompt_yaml(tests=[{"input": {"name": "x", "nmae": "y"}}]),
        [
            (
                "a.prompt.yaml:4:9: The test cannot be rendered: This prompt has no variable `nmae`. "
                "Did you mean `name`?"
            )
        ],
    ),
    "variable of another type": (
        prompt_yaml(tests=[{"input": {"name": 1}}]),
        ['a.prompt.yaml:4:9: The test cannot be rendered: `name` is not of type "string".'],
    ),
    "words in parts": (
        (
            "version: 1\nmessages: [{role: user, parts: [{type: x, text: Hi}]}]\n"
            "tests: [{contains: [Hi], excludes: [x]}]\n"
        ),
        [],
    ),
}


@pytest.mark.parametrize(("text", "expected"), TESTS.values(), ids=TESTS)
def test_runs_the_tests_of_a_file(text: str, expected: list[str]) -> None:
    """Each test renders its prompt; what fails is told at the test."""
    tree = parsed({"a.prompt.yaml": text})
    assert [] == told(tree)
    assert expected == [str(problem) for problem in run_tests(tree)]


def test_runs_the_tests_of_versions_kept_too() -> None:
    """An older version's tests are about that version."""
    tree = parsed(
        {
            "a.prompt.yaml": prompt_yaml(2),
            "a@1.prompt.yaml": prompt_yaml(tests=[{"input": {"name": "x"}, "contains": ["y"]}]),
        }
    )
    assert ["a@1.prompt.yaml:4:9"] == [str(problem.place) for problem in run_tests(tree)]
