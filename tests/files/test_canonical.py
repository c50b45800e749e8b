"""The canonical YAML of a content: one text for equal contents, and a file that reads back."""

from pathlib import Path

import pytest

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent
from promptgraph.files.canonical import canonical_yaml
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree, read_tree

PROMPTS = Path(__file__).parents[2] / "prompts"
ANY: JsonObject = {"type": "string"}
USER = Message(MessageRole.USER, content="x")


def read_back(content: PromptContent) -> PromptContent:
    """The content of the file that its canonical YAML makes."""
    text = f"version: 1\n{canonical_yaml(content)}"
    tree = parse_tree([SourceFile("a.prompt.yaml", text.encode())])
    assert () == tree.problems
    return tree.prompts[0].content


def test_writes_a_content_as_its_file_would() -> None:
    """What matters first, texts as blocks, what is empty left out."""
    tools: list[Json] = [{"name": "b", "args": {"z": 1, "a": 2}}]
    content = PromptContent(
        messages=(
            Message(MessageRole.SYSTEM, content="Be kind.\nBe brief, {{ name }}.\n"),
            Message(placeholder="history"),
            Message(MessageRole.USER, parts=[{"type": "text", "text": "Hi"}]),
        ),
        model="gpt-5",
        config={"temperature": 0.0, "stop": ["no"]},
        tools=tools,
        input_schema={"type": "object", "properties": {"name": ANY}},
        input_default={"name": "you"},
        output_schema={"type": "object"},
    )
    expected = """\
model: gpt-5
config:
  stop:
    - "no"
  temperature: 0
input:
  default:
    name: you
  schema:
    properties:
      name:
        type: string
    type: object
output:
  schema:
    type: object
messages:
  - role: system
    content: |
      Be kind.
      Be brief, {{ name }}.
  - placeholder: history
  - role: user
    parts:
      - text: Hi
        type: text
tools:
  - args:
      a: 2
      z: 1
    name: b
"""
    assert expected == canonical_yaml(content)
    assert content.digest() == read_back(content).digest()


CONTENTS = {
    "verbatim": PromptContent(
        messages=(Message(MessageRole.USER, content="{{ {% \t\n x"),), engine=Engine.NONE
    ),
    "awkward text": PromptContent(
        messages=(Message(MessageRole.USER, content="\n  - a: #\n\u2028\u202e \n\n"),)
    ),
    "one line": PromptContent(messages=(Message(MessageRole.USER, content="no"),)),
    "model like a number": PromptContent(messages=(USER,), model="1.0"),
    "config of all kinds": PromptContent(
        messages=(USER,),
        config={"a": None, "b": [True, 1, 1e300, -0.5, "1", {}], "": {"x y": []}},
    ),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_reads_back(content: PromptContent) -> None:
    """With a version before it, it is a prompt file of the same content."""
    assert content == read_back(content)


def test_writes_equal_contents_equally() -> None:
    """Key order and the form of numbers make no difference, as in the digest."""
    one = PromptContent(messages=(USER,), config={"a": 1, "b": {"c": 2.0, "d": 1e2}})
    other = PromptContent(messages=(USER,), config={"b": {"d": 100, "c": 2}, "a": 1.0})
    assert one.digest() == other.digest()
    assert canonical_yaml(one) == canonical_yaml(other)


def test_the_prompts_of_this_project_read_back() -> None:
    """Every prompt that is delivered with the project survives being written out."""
    specs = read_tree(PROMPTS).prompts
    assert specs
    assert [spec.digest for spec in specs] == [read_back(spec.content).digest() for spec in specs]
