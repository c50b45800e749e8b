"""Partials: what is wrong in one is said once, at its own line, and troubles nobody who includes it."""

import pytest

from promptgraph.domain.tree import Tree
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree
from tests.factories import prompt_yaml


def including(*names: str) -> str:
    """A prompt that includes these partials and nothing else."""
    return prompt_yaml(content=" ".join(f"{{% include '{name}.j2' %}}" for name in names))


def tree_of(prompts: dict[str, str], partials: dict[str, str | bytes]) -> Tree:
    """A tree of prompts and partials by name."""
    files = [SourceFile(f"{name}.prompt.yaml", text.encode()) for name, text in prompts.items()]
    for name, text in partials.items():
        files.append(SourceFile(f"_partials/{name}.j2", text if isinstance(text, bytes) else text.encode()))
    return parse_tree(files)


def told(tree: Tree) -> list[str]:
    """The problems, without hints."""
    return [f"{problem.place}: {problem.message}" for problem in tree.problems]


def test_puts_partials_in_place() -> None:
    """Partials of partials too, one trailing line end dropped, line ends of Windows made plain."""
    tree = tree_of({"p": including("a")}, {"a": "A {% include 'sub/b.j2' %}\r\n\r\n", "sub/b": "b\r\nB\n"})
    assert [] == told(tree)
    assert ("A b\nB\n", ("a.j2", "sub/b.j2")) == (
        tree.prompts[0].content.messages[0].content,
        tree.prompts[0].partials,
    )


def test_tells_a_broken_partial_once() -> None:
    """Ten prompts that include it say nothing; a partial that includes it says nothing."""
    prompts = {f"p{i}": including("bad", "outer") for i in range(10)}
    tree = tree_of(prompts, {"bad": "x\n{% set y = 1 %}\n", "outer": "{% include 'bad.j2' %}"})
    assert ["_partials/bad.j2:2: {% set %} is not allowed in prompt templates."] == told(tree)
    assert () == tree.prompts


def test_tells_other_faults_of_a_prompt_with_a_broken_partial() -> None:
    """Only what cannot be judged is left out: whether a declared variable is used."""
    text = prompt_yaml(
        content="{% include 'bad.j2' %}{{ other }}",
        input={"schema": {"properties": {"maybe": {"type": "string"}}}},
    )
    tree = tree_of({"p": text}, {"bad": "{{ maybe("})
    assert [
        "_partials/bad.j2:1: Not a valid template: unexpected 'end of template'.",
        "p.prompt.yaml:3:40: The variable `other` is used and not declared.",
    ] == told(tree)


FAULTS: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    "no such partial": (
        {"a": "1\n{% include 'nope.j2' %}"},
        ["_partials/a.j2:2: There is no partial 'nope.j2'. There are: a.j2."],
    ),
    "of itself": (
        {"a": "{% include 'a.j2' %}"},
        ["_partials/a.j2:1: Partials include each other in a circle: a.j2 → a.j2."],
    ),
    "circle": (
        {"a": "{% include 'b.j2' %}", "b": "\n{% include 'a.j2' %}"},
        [
            "_partials/a.j2:1: Partials include each other in a circle: b.j2 → a.j2 → b.j2.",
            "_partials/b.j2:2: Partials include each other in a circle: a.j2 → b.j2 → a.j2.",
        ],
    ),
    "not UTF-8": ({"a": b"x\ncaf\xe9"}, ["_partials/a.j2:2: The file is not UTF-8."]),
    "byte order mark": (
        {"a": b"\xef\xbb\xbfx"},
        ["_partials/a.j2:1:1: The file begins with a byte order mark."],
    ),
    "NUL": ({"a": "x\n\0"}, ["_partials/a.j2:2:1: The file holds the character U+0000."]),
    "too large": ({"a": "x" * (256 * 1024 + 1)}, ["_partials/a.j2: The file is larger than 256 KiB."]),
    "name": ({"A": "x"}, ["_partials/A.j2: `A.j2` is no partial name."]),
}


@pytest.mark.parametrize(("partials", "expected"), FAULTS.values(), ids=FAULTS)
def test_tells_what_is_wrong_with_a_partial(partials: dict[str, str | bytes], expected: list[str]) -> None:
    """At its path and line, and there alone."""
    assert expected == told(tree_of({"p": including(*partials)}, partials))


def test_tells_partials_nested_too_deeply() -> None:
    """Three deep is the most; the partial from which it goes too deep is told."""
    chain: dict[str, str | bytes] = {f"p{i}": f"{{% include 'p{i + 1}.j2' %}}" for i in range(1, 4)}
    tree = tree_of({"p": including("p1")}, chain | {"p4": "x"})
    (found,) = told(tree)
    assert found.startswith("_partials/p1.j2")
    assert "Partials are nested deeper than 3" in found


def test_warns_of_a_partial_that_nobody_includes() -> None:
    """A warning, which stops nothing."""
    tree = tree_of({"p": including("a")}, {"a": "x", "spare": "{% include 'spare2.j2' %}", "spare2": "y"})
    assert [
        ("_partials/spare.j2", "No prompt includes this partial.", True),
        ("_partials/spare2.j2", "No prompt includes this partial.", True),
    ] == [(str(problem.place), problem.message, problem.warning) for problem in tree.problems]
    assert () == tree.errors
    assert 1 == len(tree.prompts)


def test_warns_of_no_partial_while_a_prompt_cannot_be_read() -> None:
    """It may be the very one that includes it."""
    tree = tree_of({"p": "version: ["}, {"a": "x"})
    assert [False] == [problem.warning for problem in tree.problems]
