"""YAML, read safely: parser events become nodes in one pass. No anchors, tags, merge keys, surprises.

The events come from libyaml, which does not recurse; its composer does, and ends the process on a file of
opening brackets. Scalars stay text: what a text means is decided by the form it fills, or by `files.core`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from promptgraph.domain.text import forbidden_character, invisible_character, is_normal
from promptgraph.files.node import (
    Finding,
    Map,
    Mark,
    Node,
    Scalar,
    Seq,
    YamlRefusedError,
    finding,
    mark_at,
    shown,
)

MAX_BYTES = 256 * 1024
MAX_EVENTS = 20_000
MAX_DEPTH = 20
MAX_FINDINGS = 20

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Line ends to libyaml (YAML 1.1) and ordinary characters to editors and git: line numbers would drift.
_ODD_LINE_END = re.compile("[\u0085\u2028\u2029]")
_UTF8_HINT = "Save it as UTF-8 without a byte order mark."

# A part of libyaml's words → what usually helps.
_HINTS = {
    "mapping values are not allowed": "Put quotes round a text that holds `: `, and check the indentation.",
    "cannot start any token": "Indent with spaces, not tabs; quote a text that begins with @, ` or %.",
    "could not find expected ':'": "This line is neither `key: value` nor indented enough to belong above.",
    "found unknown escape": r"In double quotes a backslash begins an escape: write \\ or use single quotes.",
    "escape code": "Write the character itself; half of a surrogate pair is none.",
    "did not find expected": "Check the brackets, the quotes and the indentation.",
    "unexpected end of stream": "A quote or a bracket that opens here is never closed.",
}


def decoded(raw: bytes) -> str:
    """The text of a file, or the refusal of what is too large, not UTF-8, or holds a control character."""
    if len(raw) > MAX_BYTES:
        raise YamlRefusedError([Finding(f"The file is larger than {MAX_BYTES // 1024} KiB.", "Split it.")])
    if raw.startswith(_BOMS):
        raise YamlRefusedError([Finding("The file begins with a byte order mark.", _UTF8_HINT, 1, 1)])
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlRefusedError([Finding("The file is not UTF-8.", _UTF8_HINT, line)]) from error
    if forbidden_character(text):
        character = next(one for one in text if forbidden_character(one))
        raise YamlRefusedError([_character(text, character, "Remove it.")])
    return text


def _character(text: str, character: str, hint: str) -> Finding:
    index = text.find(character)
    line, start = text.count("\n", 0, index) + 1, text.rfind("\n", 0, index) + 1
    message = f"The file holds the character U+{ord(character):04X}."
    return Finding(message, hint) if index < 0 else Finding(message, hint, line, index - start + 1)


def load(raw: bytes) -> Map:
    """The mapping that a YAML file holds.

    raises  YamlRefusedError  with all that is wrong, as far as the parser gets
    cost    linear; at most MAX_EVENTS events
    """
    return nodes(decoded(raw))


def nodes(text: str) -> Map:
    """The same for text that is decoded already."""
    if odd := _ODD_LINE_END.search(text):
        escape = f'"\\u{ord(odd.group()):04x}"'
        hint = f"YAML takes it for a line end, editors do not: write {escape} in double quotes."
        raise YamlRefusedError([_character(text, odd.group(), hint)])
    reading = _Reading(text)
    try:
        reading.read()
    except (yaml.YAMLError, UnicodeError, OverflowError) as error:
        stopped = _stopped(error, reading)
        if not reading.found or reading.found[-1].line != stopped.line:  # what was found there explains it
            reading.found.append(stopped)
    if reading.found:
        raise YamlRefusedError(reading.found)
    if not isinstance(reading.root, Map):
        message = "The file is empty." if reading.root is None else "The file must hold one mapping."
        raise YamlRefusedError(
            [Finding(message, "Write it as lines of `key: value`; {} says that there are none.", 1, 1)]
        )
    return reading.root


def _stopped(error: Exception, reading: _Reading) -> Finding:
    """Where the parser stopped, and why."""
    if isinstance(error, yaml.MarkedYAMLError):
        return _syntax(error, reading)
    code = getattr(error, "character", None)  # a reader's error names the character
    if isinstance(code, int):
        return _character(reading.text, chr(code), "Remove it.")
    return Finding("This is not valid YAML.")


def _syntax(error: yaml.MarkedYAMLError, reading: _Reading) -> Finding:
    problem = error.problem or "it cannot be read"
    hint = next((hint for words, hint in _HINTS.items() if words in problem), None)
    mark: Mark | None = error.problem_mark
    if mark is None or mark.index >= len(reading.text):  # what is not closed is better told by where it opens
        opened = reading.open.start if reading.open is not None and reading.open.flow else None
        mark = opened or error.context_mark or mark
    return finding(mark, f"This is not valid YAML: {problem}.", hint)


class _Reading:
    """What has been read so far: the container that is open, the key in it that waits for its value, and the
    same of the containers around it. A key that was refused waits as `_REFUSED`, and its value is dropped.
    """

    __slots__ = ("around", "documents", "found", "open", "root", "text", "waiting")

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Node | None = None
        self.found: list[Finding] = []
        self.open: Map | Seq | None = None
        self.waiting: Scalar | None = None
        self.around: list[tuple[Map | Seq | None, Scalar | None]] = []
        self.documents = 0

    def read(self) -> None:
        for count, event in enumerate(yaml.parse(self.text, Loader=_PARSER)):
            if count >= MAX_EVENTS:
                self.stop(
                    event.start_mark, f"The file holds more than {MAX_EVENTS} YAML events.", "Split it."
                )
            if (act := _ACTS.get(type(event))) is not None:
                act(self, event)

    def refuse(self, mark: Mark | None, message: str, hint: str) -> None:
        self.found.append(finding(mark, message, hint))
        if len(self.found) >= MAX_FINDINGS:
            raise YamlRefusedError(self.found)

    def stop(self, mark: Mark | None, message: str, hint: str) -> NoReturn:
        raise YamlRefusedError([*self.found, finding(mark, message, hint)])

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = "A file holds one: remove the `---`."
            self.stop(event.start_mark, "A second document begins here.", hint)
        if event.version or event.tags:
            self.refuse(event.start_mark, "Directives (% lines) are not read.", "Remove them.")

    def scalar(self, event: Any) -> None:
        node = Scalar(event.value, event.style or "", event.start_mark, event.end_mark)
        if event.anchor is not None or event.tag is not None:
            self.properties(event)
        if node.style == '"' and (character := forbidden_character(node)):
            message = f"The text holds the character {character}."
            self.refuse(node.start, message, "It cannot be stored: remove it.")
        self.put(node)

    def mapping(self, event: Any) -> None:
        self.container(event, Map(event.start_mark, flow=bool(event.flow_style)))

    def sequence(self, event: Any) -> None:
        self.container(event, Seq(event.start_mark, flow=bool(event.flow_style)))

    def container(self, event: Any, node: Map | Seq) -> None:
        self.properties(event)
        if len(self.around) >= MAX_DEPTH:
            self.stop(event.start_mark, f"Nested deeper than {MAX_DEPTH}.", "Write it flatter.")
        self.put(node)
        self.around.append((self.open, self.waiting))
        self.open, self.waiting = node, None

    def end(self, event: Any) -> None:
        if isinstance(self.open, Map):
            self.open.end = event.end_mark
        self.open, self.waiting = self.around.pop()

    def alias(self, event: Any) -> None:
        message = f"The alias {shown('*' + event.anchor)} is not read."
        self.refuse(event.start_mark, message, "Write the value out.")
        self.put(Scalar("", "", event.start_mark, event.end_mark))

    def properties(self, event: Any) -> None:
        if event.anchor is not None:
            message = f"The anchor {shown('&' + event.anchor)} is not read."
            self.refuse(event.start_mark, message, "Write the value where it is used.")
        if event.tag is not None:
            message = f"The tag {shown(event.tag)} is not read."
            self.refuse(event.start_mark, message, "Remove it: the value needs none.")

    def put(self, node: Node) -> None:
        parent, key = self.open, self.waiting
        if isinstance(parent, Map):
            if key is None:
                self.waiting = self.key(parent, node)
                return
            if key is not _REFUSED:
                parent[key] = node
            self.waiting = None
        elif parent is None:
            self.root = node
        else:
            parent.append(node)

    def key(self, parent: Map, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            if node not in parent and node.isascii() and node != "<<":  # nearly every key
                return node
            wrong = _unfit(parent, node)
            if wrong is None:
                return node
        else:
            wrong = self.no_text(node)
        self.refuse(node.start, *wrong)
        return _REFUSED

    def no_text(self, node: Node) -> tuple[str, str]:
        """Why a container cannot be a key: mostly it is a text that wants quotes."""
        braces = self.text.startswith("{{", node.start.index - 1)
        hint = "Put quotes round a text that begins with {{." if braces else "Write the key as text."
        return "A list or a mapping cannot be a key.", hint


def _unfit(parent: Map, key: Scalar) -> tuple[str, str] | None:
    """Why `key` cannot be one of `parent`, and what to do."""
    if key in parent:
        line = mark_at(parent, (str(key),), key=True).line + 1
        return f"The key {shown(key)} is already on line {line}.", "Remove one of the two."
    if key == "<<" and key.plain:
        return "Merge keys (<<) are not read.", "Write the values out."
    return None if key.isascii() else _deceiving(key)


def _deceiving(key: Scalar) -> tuple[str, str] | None:
    if character := invisible_character(key):
        return f"The key {shown(key)} holds the invisible character {character}.", "Remove it."
    if not is_normal(key):
        return f"The key {shown(key)} is not in Unicode's form NFC.", "Type it again."
    return None


_REFUSED = Scalar("", "", yaml.Mark("", 0, 0, 0, None, 0), yaml.Mark("", 0, 0, 0, None, 0))
_ACTS: dict[type[yaml.Event], Callable[[_Reading, Any], None]] = {
    yaml.DocumentStartEvent: _Reading.document,
    yaml.ScalarEvent: _Reading.scalar,
    yaml.MappingStartEvent: _Reading.mapping,
    yaml.SequenceStartEvent: _Reading.sequence,
    yaml.MappingEndEvent: _Reading.end,
    yaml.SequenceEndEvent: _Reading.end,
    yaml.AliasEvent: _Reading.alias,
}
