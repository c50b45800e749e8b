"""Entries put into and taken out of a mapping's text, in its own style and with its own line ends."""

from __future__ import annotations

import re

from promptgraph.files.node import Map, Node, Scalar

_LINE_END = re.compile("\r\n|\n|\r")
_COLON = re.compile(r"[ \t]*:")
_AFTER_ENTRY = re.compile(r"([ \t]*,)?[ \t]*(#[^\r\n]*)?")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_BLANKS = " \t"


def newline(text: str) -> str:
    """The line end that `text` uses."""
    found = _LINE_END.search(text)
    return found.group() if found else "\n"


def replaced(text: str, node: Scalar, new: str) -> str:
    """`text` with another scalar in the place of `node`."""
    return text[: node.start.index] + new + text[node.end.index :]


def appended(text: str, *lines: str) -> str:
    """`text` with lines at its end."""
    end = newline(text)
    gap = "" if not text or text.endswith(("\n", "\r")) else end
    return text + gap + end.join(lines) + end


def added(text: str, mapping: Map, *lines: str) -> str:
    """`text` with an entry at the end of `mapping`: its lines in a block, all on one in braces."""
    if mapping.flow:
        head, *entries = lines
        inner = ", ".join(entry.strip() for entry in entries)
        return _added_in_braces(text, mapping, f"{head} {{{inner}}}" if entries else head)
    indent = " " * min(key.start.column for key in mapping if isinstance(key, Scalar))
    at = _line_end(text, _end(mapping))
    return text[:at] + "".join(newline(text) + indent + line for line in lines) + text[at:]


def _added_in_braces(text: str, mapping: Map, entry: str) -> str:
    if not mapping:
        at = mapping.start.index + 1
        return text[:at] + entry + (" " if text[at] == "#" else "") + text[at:]
    key, value = list(mapping.items())[-1]
    at = _end(value)
    line_end = _line_end(text, at)
    indent = _indent(text, key)
    rest = _AFTER_ENTRY.fullmatch(text, at, line_end)
    if rest is None or indent is None:
        return f"{text[:at]}, {entry}{text[at:]}"
    comma = "," if rest[1] else ""
    head = text[:at] + ("" if comma else ",") + text[at:line_end]
    return head + newline(text) + indent + entry + comma + text[line_end:]


def removed(text: str, mapping: Map, entry: Scalar, owner: Scalar) -> str | None:
    """`text` without the entry of `mapping` that has this key; None where only a person can tell how.

    keys  `owner` is the key whose value `mapping` is
    """
    if mapping.flow:
        return _removed_in_braces(text, mapping, entry)
    if _indent(text, entry) is None:
        return None
    rest = _without_lines(text, entry.start.index, _end(mapping[entry]))
    if len(mapping) > 1:
        return rest
    colon = _COLON.match(text, owner.end.index)
    return None if colon is None else f"{rest[: colon.end()]} {{}}{rest[colon.end() :]}"


def _removed_in_braces(text: str, mapping: Map, entry: Scalar) -> str:
    """Takes the comma behind the entry along, or for want of one the comma before it."""
    start, end = entry.start.index, _end(mapping[entry])
    others = list(mapping.values())
    place = list(mapping).index(entry)
    comma = _comma(text, end)
    if comma is None and place:
        spare = _comma(text, _end(others[place - 1]))
        if spare is not None:
            rest = _joined(text[:spare], text[spare + 1 :], last=True)
            gone = len(text) - len(rest)
            text, start, end = rest, start - gone, end - gone
    before, after = text[:start], text[end if comma is None else comma + 1 :]
    return _joined(before, after, last=comma is None)


def _joined(before: str, after: str, *, last: bool) -> str:
    """What is left on both sides of an entry: without the line that it had alone, without a gap."""
    head, tail = before.rstrip(_BLANKS), after.lstrip(_BLANKS)
    line_end = _LINE_END.match(tail)
    if line_end and head.endswith(("\n", "\r")):
        return head + tail[line_end.end() :]
    return head + after if last else before + (" " if tail.startswith("#") else "") + tail


def _comma(text: str, at: int) -> int | None:
    """Where the comma is that ends an entry, beyond line ends and comments; None if there is none."""
    between = _BETWEEN.match(text, at)
    end = between.end() if between else at
    return end if text.startswith(",", end) else None


def _without_lines(text: str, start: int, end: int) -> str:
    """`text` without the lines that this stretch is on, but for those that are comments alone."""
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    stop = _line_end(text, end)
    line_end = _LINE_END.match(text, stop)
    stop = line_end.end() if line_end else stop
    kept = [line for line in text[begin:stop].splitlines(keepends=True) if line.lstrip().startswith("#")]
    return text[:begin] + "".join(kept) + text[stop:]


def _end(node: Node) -> int:
    """The index behind a node."""
    if isinstance(node, Map) and not node.flow and node:
        return _end(list(node.values())[-1])
    return node.start.index if not isinstance(node, Scalar | Map) else node.end.index


def _line_end(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.start() if found else len(text)


def _indent(text: str, key: str) -> str | None:
    """The white space before a key that begins its line; None for any other."""
    start = key.start.index if isinstance(key, Scalar) else 0
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    prefix = text[begin:start]
    return None if prefix.strip(_BLANKS) else prefix
