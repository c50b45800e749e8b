"""`promptgraph render`."""

from pathlib import Path

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.prompt import prompt_global_id
from tests.cli.conftest import Answer, Command
from tests.factories import prompt_yaml, write_tree

QUESTION = ("--var", "question=Why?")


def test_renders_from_the_files(prompts: Path, answer: Answer) -> None:
    """The messages, the variables as used, and which version it was; no database is needed."""
    found = answer("render", "support/answer", *QUESTION)
    assert {
        "id": prompt_global_id("support/answer", 1),
        "name": "support/answer",
        "version": 1,
        "contentHash": found["prompt"]["contentHash"],
    } == found["prompt"]
    assert "files" == found["from"]
    assert {"question": "Why?", "product": "our product"} == found["variables"]
    assert ["system", "user"] == [message["role"] for message in found["messages"]]
    assert "You answer questions about our product.\nBe brief" in found["text"]
    assert 64 == len(found["hash"])
    assert not (prompts.parent / ".promptgraph").exists()


@pytest.mark.usefixtures("prompts")
def test_prints_the_messages(cli: Command) -> None:
    """Each message under its role; where it came from is said on stderr."""
    result = cli("render", "support/answer", *QUESTION)
    assert result.stdout.startswith("[system]\nYou answer questions about our product.\n")
    assert result.stdout.endswith("[user]\nWhy?\n")
    assert "support/answer version 1, from the files\n" == result.stderr


@pytest.mark.usefixtures("prompts")
def test_renders_what_a_label_serves(answer: Answer) -> None:
    """--label asks labels.yaml."""
    found = answer("render", "support/answer", "--label", "production", *QUESTION)
    assert (1, "files") == (found["prompt"]["version"], found["from"])


def test_renders_parts(prompts: Path, answer: Answer, cli: Command) -> None:
    """A message of parts is shown as it is."""
    messages: list[Json] = [{"role": "user", "parts": [{"type": "text", "text": "Hi {{ name }}"}]}]
    text = prompt_yaml(content="{{ name }}", messages=messages)
    write_tree(prompts, {"hello.prompt.yaml": text})
    expected = [{"role": "user", "parts": [{"type": "text", "text": "Hi Ann"}]}]
    assert expected == answer("render", "hello", "--var", "name=Ann")["messages"]
    assert "Hi Ann" in cli("render", "hello", "--var", "name=Ann").stdout


def test_finds_older_versions_in_the_registry(prompts: Path, cli: Command, answer: Answer) -> None:
    """What the files no longer hold comes from the registry."""
    cli("sync")
    text = (prompts / "support/answer.prompt.yaml").read_text()
    changed = text.replace("version: 1 ", "version: 2 ").replace("You answer", "You always answer")
    (prompts / "support/answer.prompt.yaml").write_text(changed)
    cli("sync")
    found = answer("render", "support/answer", "--version", "1", *QUESTION)
    assert (1, "registry") == (found["prompt"]["version"], found["from"])
    assert "You answer" in found["text"]
    assert "You always answer" in answer("render", "support/answer", *QUESTION)["text"]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["support/answr"], 1, "There is no prompt support/answr. Did you mean `support/answer`?"),
        (["support/answer", "--label", "prodution", *QUESTION], 75, "Run: promptgraph db upgrade"),
        (["support/answer", "--version", "9", *QUESTION], 75, "Run: promptgraph db upgrade"),
        (
            ["support/answer", "--version", "1", "--label", "production"],
            2,
            "Give --version or --label, not both.",
        ),
        (["support/answer"], 2, "question"),
        (["support/answer", *QUESTION, "--var", "qestion=x"], 2, "qestion"),
        (
            ["support/answer", *QUESTION, "--vars-file", "none.json"],
            2,
            "none.json cannot be read: No such file or directory. Name a JSON file.",
        ),
        (["support/answer", *QUESTION, "--vars-file", "bad.json"], 2, "bad.json is not valid JSON"),
        (["support/answer", *QUESTION, "--vars-file", "."], 2, "Is a directory"),
        (["support/answer", "--label", "Not A Label", *QUESTION], 2, "A label is made of"),
        (["Not A Name"], 1, "'Not A Name' is no prompt name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_says_what_is_wrong(prompts: Path, cli: Command, words: list[str], code: int, expected: str) -> None:
    """Names, labels, versions, variables and files: what is wrong is named."""
    (prompts.parent / "bad.json").write_text("{")
    result = cli("render", *words, code=code)
    assert expected in result.stderr
    assert "" == result.stdout


@pytest.mark.usefixtures("prompts")
def test_says_that_nobody_has_the_version(cli: Command) -> None:
    """With a registry to ask, a missing version is missing for certain."""
    cli("sync")
    expected = "error: There is no version 9 of support/answer in the files or the registry.\n"
    assert expected == cli("render", "support/answer", "--version", "9", *QUESTION, code=1).stderr


def test_says_that_the_file_is_broken(prompts: Path, cli: Command) -> None:
    """A broken file is not taken for a missing one."""
    write_tree(prompts, {"a.prompt.yaml": "version: 1\n"})
    assert "a.prompt.yaml cannot be read" in cli("render", "a", code=1).stderr


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ([""], 2, "error: An empty word names no prompt.\n"),
        (["../x"], 1, "error: '../x' is no prompt name: use "),
    ],
)
def test_says_what_can_never_be_rendered(cli: Command, words: list[str], code: int, expected: str) -> None:
    """Nobody is told to try again where that cannot help."""
    assert cli("render", *words, code=code).stderr.startswith(expected)
