"""What a YAML file holds: texts, mappings and lists that know where they stand; and what is found wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self, TypeAlias

from promptgraph.domain.tree import FileProblem, Place

MAX_SHOWN = 60


class Mark(Protocol):
    """A spot in a text; all three count from 0, `index` in characters from the text's beginning."""

    @property
    def index(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Scalar(str):
    """The text of a scalar, and how it is written: `style` is | > ' " or empty for plain."""

    __slots__ = ("end", "start", "style")

    start: Mark
    end: Mark
    style: str

    def __new__(cls, text: str, style: str, start: Mark, end: Mark) -> Self:
        self = str.__new__(cls, text)
        self.style, self.start, self.end = style, start, end
        return self

    @property
    def plain(self) -> bool:
        """Whether it is written without quotes and not as a block."""
        return not self.style

    def place(self, path: str) -> Place:
        """Where it begins, in the file at `path`."""
        return Place(path, self.start.line + 1, self.start.column + 1)

    @property
    def literal(self) -> bool:
        """Whether its lines are the file's lines, the first one below the `|`."""
        return self.style == "|"


class Map(dict[str, "Node"]):
    """A mapping; its keys are Scalars, found by their text. `end` is behind the brace of one in `flow` style;
    a block ends where its last value does.
    """

    __slots__ = ("end", "flow", "start")

    def __init__(self, start: Mark, *, flow: bool) -> None:
        super().__init__()
        self.start, self.end, self.flow = start, start, flow

    def key(self, text: str) -> Scalar | None:
        """The key itself, with its place."""
        return next((key for key in self if key == text and isinstance(key, Scalar)), None)


class Seq(list["Node"]):
    """A list, in brackets for `flow`."""

    __slots__ = ("flow", "start")

    def __init__(self, start: Mark, *, flow: bool) -> None:
        super().__init__()
        self.start, self.flow = start, flow


Node: TypeAlias = "Scalar | Map | Seq"


class Finding(NamedTuple):
    """What is wrong in one file, and what to do; `line` and `column` count from 1."""

    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None

    def at(self, path: str) -> FileProblem:
        return FileProblem(Place(path, self.line, self.column), self.message, self.hint)


class YamlRefusedError(ValueError):
    """Raised inside this room alone: `findings` become the file's problems."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(finding.message for finding in self.findings))


def finding(mark: Mark | None, message: str, hint: str | None = None) -> Finding:
    """A finding at `mark`, or about the file as a whole for None."""
    if mark is None:
        return Finding(message, hint)
    return Finding(message, hint, mark.line + 1, mark.column + 1)


def node_at(root: Node, path: Sequence[str | int]) -> Node:
    """The node that `path` leads to. A part that does not apply is passed over, so that the path of a
    shorthand's long form, or of something missing, leads to the nearest node that is there.
    """
    node = root
    for part in path:
        if isinstance(part, str):
            node = node.get(part, node) if isinstance(node, Map) else node
        elif isinstance(node, Seq) and part < len(node):
            node = node[part]
    return node


def map_at(root: Map, path: Sequence[str]) -> Map:
    """The mapping at exactly `path`, or an empty one."""
    node: Node | None = root
    for part in path:
        node = node.get(part) if isinstance(node, Map) else None
    return node if isinstance(node, Map) else Map(root.start, flow=True)


def mark_at(root: Node, path: Sequence[str | int], *, key: bool = False) -> Mark:
    """Where the node stands that `path` leads to, or with `key` the key that is the path's last part."""
    if key and path:
        parent = node_at(root, path[:-1])
        found = parent.key(str(path[-1])) if isinstance(parent, Map) else None
        if found is not None:
            return found.start
    return node_at(root, path).start


def place_at(root: Node, path: Sequence[str | int], file: str, *, key: bool = False) -> Place:
    """`mark_at` as a place in `file`."""
    mark = mark_at(root, path, key=key)
    return Place(file, mark.line + 1, mark.column + 1)


def shown(text: str) -> str:
    """`text` for a message: quoted as code, invisible characters escaped, cut to a readable length."""
    cut = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
    return f"`{repr(cut)[1:-1]}`"
