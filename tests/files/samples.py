"""What the tests of prompt files start from: a file with every key, and how a tree answers."""

import unicodedata

from hypothesis import strategies as st

from promptgraph.domain.text import forbidden_character, invisible_character
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.files.core import MAX_WHOLE
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree

TONE = "Be {{ tone }}.\n"
WHOLE = """\
# yaml-language-server: $schema=../../schema/prompt.schema.json
version: 3
description: Route a support ticket to a queue.
model: gpt-5-mini
config: {temperature: 0, stop: ["no"], note: no}
input:
  schema:
    type: object
    required: [ticket]
    properties:
      ticket: {type: string}
      tone: {type: string}
      email: {type: string, x-sensitive: true}
  default: {tone: neutral, email: ""}
output:
  schema: {type: object}
messages:
  - role: system
    content: |
      {% include "tone.j2" %}
      Pick one queue for {{ email }}.
  - placeholder: history
  - role: user
    parts:
      - {type: "{{ kept }}", text: "{{ ticket }}", n: 1, more: [{type: x, url: "{% include 'tone.j2' %}"}]}
tools:
  - {name: search, strict: true}
tags: [support]
metadata: {owner: support-team}
record: {variables: hashed, output: none}
formerly: [triage]
tests:
  - input: {ticket: My card was declined}
    contains: [declined]
    excludes: [warm]
"""


def read(text: str, **partials: str) -> tuple[PromptSpec | None, list[str]]:
    """What one prompt file says, and its problems without their hints; partials by name without .j2."""
    files = [SourceFile("a/b.prompt.yaml", text.encode(), "c0ffee", "Ann", None)]
    files += [SourceFile(f"_partials/{name}.j2", body.encode()) for name, body in partials.items()]
    tree = parse_tree(files, url="https://example.org/prompts/")
    found = [f"{problem.place}: {problem.message}" for problem in tree.errors]
    return (tree.prompts[0] if tree.prompts else None), [
        one.removeprefix("a/b.prompt.yaml:") for one in found
    ]


def faults(text: str, **partials: str) -> list[str]:
    """The problems alone."""
    return read(text, **partials)[1]


def messages(*lines: str) -> str:
    """A file with these messages."""
    return "version: 1\nmessages:\n" + "".join(f"- {line}\n" for line in lines)


def parsed(files: dict[str, str], **more: str) -> Tree:
    """A tree of texts by path."""
    return parse_tree([SourceFile(path, text.encode()) for path, text in files.items()], **more)


def told(tree: Tree) -> list[str]:
    """All problems in words."""
    return [str(problem) for problem in tree.problems]


def storable(text: str) -> bool:
    """Whether a file may hold `text`."""
    return forbidden_character(text) is None


def visible(text: str) -> bool:
    """Whether `text` may be a key."""
    return invisible_character(text) is None and unicodedata.is_normalized("NFC", text)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(storable)
AWKWARD_TEXT = st.text(" \n\t-#:{}[]'\"|>&*!%@`ab01.~\\,?\r", max_size=15)
TEXTS = ANY_TEXT | AWKWARD_TEXT
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_WHOLE, MAX_WHOLE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
KEYS = TEXTS.filter(visible)
VALUES_OF_ANY_KIND = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
