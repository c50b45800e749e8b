"""Whether the templates use just the variables that their file declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from promptgraph.domain.nearest import meant
from promptgraph.files.inputs import PROPERTIES, SCHEMA
from promptgraph.files.messages import line_in
from promptgraph.files.node import Finding, Map, Node, Scalar, finding, map_at, shown


def undeclared_findings(
    root: Map, used: Mapping[str, Node], placeholders: Sequence[str]
) -> Iterator[Finding]:
    """The variables that templates use and the file does not declare."""
    declared = map_at(root, PROPERTIES)
    for name in sorted(used.keys() - declared.keys() - set(placeholders)):
        message = f"The variable `{name}` is used and not declared."
        hints = (meant(name, declared), _addition(root, name))
        yield Finding(message, " ".join(filter(None, hints)), *_first_use(used[name], name))


def _addition(root: Map, name: str) -> str:
    """What to write to declare a variable."""
    entry = f"{name}: {{type: string}}"
    if map_at(root, SCHEMA):
        return f"Add `{entry}` under input.schema.properties."
    return f"Add `input: {{schema: {{type: object, required: [{name}], properties: {{{entry}}}}}}}`."


def _first_use(node: Node, name: str) -> tuple[int, int | None]:
    """Line and column in the file of the first line of a template that has a tag and names a variable."""
    lines = str(node).split("\n") if isinstance(node, Scalar) and node.literal else []
    word = re.compile(rf"\b{re.escape(name)}\b")
    numbered = enumerate(lines, 1)
    tagged = ((number, line) for number, line in numbered if "{{" in line or "{%" in line)
    return line_in(node, next((number for number, line in tagged if word.search(line)), None))


def unused_findings(root: Map, used: Mapping[str, Node]) -> Iterator[Finding]:
    """The variables that the file declares and no template uses."""
    for key in map_at(root, PROPERTIES):
        if key not in used and isinstance(key, Scalar):
            message = f"The variable {shown(key)} is declared, and no message uses it."
            yield finding(key.start, message, f"Write {{{{ {key} }}}} where it belongs, or remove it here.")
