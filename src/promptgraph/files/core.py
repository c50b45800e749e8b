"""YAML 1.2's core schema, both ways: what a free-form value means, and how to write one.

source  https://yaml.org/spec/1.2.2/#103-core-schema, without octal and hexadecimal numbers
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from promptgraph.domain.canonical import Json, JsonObject, canonical_json
from promptgraph.domain.text import invisible_character
from promptgraph.files.node import Finding, Map, Node, Scalar, YamlRefusedError, finding, map_at, shown

MAX_WHOLE = 2**53 - 1
"""The largest whole number that canonical JSON can write."""

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def is_null(node: Node) -> bool:
    """Whether nothing is written, or a plain null."""
    return isinstance(node, Scalar) and node.plain and node in _WORDS and _WORDS[node] is None


def is_text(node: Node) -> bool:
    """Whether a free-form value is text."""
    found: list[Finding] = []
    return isinstance(node, Scalar) and isinstance(_scalar(node, found), str) and not found


def core(node: Node) -> Json:
    """The value of a free-form node: plain true, false, null and decimal numbers are what they say; all other
    scalars and every quoted one are text.

    raises  YamlRefusedError  with every number in it that canonical JSON cannot write
    """
    found: list[Finding] = []
    value = _value(node, found)
    if found:
        raise YamlRefusedError(found)
    return value


def free_at(root: Map, path: Sequence[str]) -> JsonObject:
    """The free-form mapping at `path`; empty where there is none that can be read."""
    try:
        value = core(map_at(root, path))
    except YamlRefusedError:
        return {}
    return value if isinstance(value, dict) else {}


def _value(node: Node, found: list[Finding]) -> Json:
    if isinstance(node, Scalar):
        return _scalar(node, found)
    if isinstance(node, Map):
        return {str(key): _value(child, found) for key, child in node.items()}
    return [_value(child, found) for child in node]


def _scalar(node: Scalar, found: list[Finding]) -> Json:
    if not node.plain or (node and node not in _WORDS and node[0] not in _NUMBER_STARTS):
        return str(node)
    if node in _WORDS:
        return _WORDS[node]
    value: Json = str(node)
    if _WHOLE.fullmatch(node):
        value, fault = _whole(node)
    elif _REAL.fullmatch(node):
        value, fault = float(node), None if math.isfinite(float(node)) else "is beyond the range of numbers"
    else:
        fault = "is not a finite number" if _NOT_FINITE.fullmatch(node) else None
    if fault:
        found.append(_unwritable(node, fault))
    return value


def _whole(node: Scalar) -> tuple[Json, str | None]:
    digits = node.lstrip("+-0")
    if len(digits) <= len(str(MAX_WHOLE)) and int(digits or "0") <= MAX_WHOLE:
        return int(node), None
    return None, "is beyond 2**53 - 1"


def _unwritable(node: Scalar, why: str) -> Finding:
    hint = "JSON has no exact form for it: put quotes round it to keep it as text."
    return finding(node.start, f"The number {shown(node)} {why}.", hint)


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@ -]*(?<! )")
# Words that a reader of YAML 1.1 takes for something else than text.
_TRAPS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_LITERAL = re.compile("[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")
_ESCAPED = re.compile("[\x7f-\xa0\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u2069\ufeff\ufffe\uffff]")


def dump(value: JsonObject) -> str:
    """YAML for `value`: block style, literal blocks for text of several lines, keys in the order given.
    `load` and `core` read it back as it was.
    """
    return "\n".join(_block(value)) + "\n"


def _block(value: Json) -> list[str]:
    """The lines of a value, the first one fit to follow a key or a dash if the value is a leaf."""
    if isinstance(value, dict) and value:
        return [line for key, child in value.items() for line in _entry(f"{_flat(key)}:", child)]
    if isinstance(value, list) and value:
        return [line for child in value for line in _item(child)]
    if isinstance(value, str):
        return _literal(value) if _fits_literal(value) else [_flat(value)]
    return [_number(value) if isinstance(value, float) else canonical_json(value).decode()]


def _number(value: float) -> str:
    """ECMAScript's form, as in canonical JSON; a point tells a large one from a whole number."""
    text = canonical_json(value).decode()
    return f"{text}.0" if abs(value) > MAX_WHOLE and "e" not in text else text


def _entry(head: str, value: Json) -> list[str]:
    first, *rest = lines = _block(value)
    if isinstance(value, dict | list) and value:
        return [head, *_indented(lines)]
    return [f"{head} {first}", *rest]


def _item(value: Json) -> list[str]:
    first, *rest = _block(value)
    return [f"- {first}", *(_indented(rest) if isinstance(value, dict | list) else rest)]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def _fits_literal(text: str) -> bool:
    many = "\n" in text and bool(text.strip())
    return many and bool(_LITERAL.fullmatch(text)) and invisible_character(text) is None


def _literal(text: str) -> list[str]:
    """A literal block: its indentation told where the first line would mislead, all line ends kept."""
    end = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    indentation = "2" if text[0] in " \t\n" else ""
    return [f"|{indentation}{end}", *_indented(text.removesuffix("\n").split("\n"))]


def _flat(text: str) -> str:
    """Text on one line: plain where nobody could misread it, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _TRAPS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
