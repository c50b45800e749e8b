"""The types of a form's keys: what a node must look like, and the value that it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from promptgraph.domain.call import ContentState
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.content import LEVELS
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import (
    LABEL_RULE,
    MAX_VERSION,
    NAME_RULE,
    Selector,
    checked_label,
    is_name,
    is_role,
)
from promptgraph.domain.nearest import meant
from promptgraph.domain.text import MAX_METADATA_BYTES, checked_json, invisible_character
from promptgraph.files.core import core, is_null
from promptgraph.files.node import Map, Node, Scalar, Seq, shown

_DIGITS = re.compile(r"[1-9][0-9]{0,9}")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_KINDS: dict[type, str] = {Scalar: "text", Map: "a mapping", Seq: "a list"}


class UnfitError(ValueError):
    """What is wrong with a key's value; `{field}` in the sentence becomes the key's path."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def _of_kind(node: Node, kind: type, hint: str | None = None) -> None:
    if is_null(node):
        raise UnfitError("{field} has no value.", "Give one, or leave the key out.")
    if not isinstance(node, kind):
        raise UnfitError(f"{{field}} must be {_KINDS[kind]}, not {_KINDS[type(node)]}.", hint)


def text(node: Node) -> str:
    """The text of a scalar, quoted or not."""
    _of_kind(node, Scalar)
    return str(node)


def mapped(node: Node) -> Node:
    """`node`, a mapping."""
    _of_kind(node, Map, "Write {} for an empty one." if node == "" else None)
    return node


def listed(node: Node) -> Node:
    """`node`, a list."""
    _of_kind(node, Seq, "Put [ ] round it, or a dash before each item.")
    return node


def version(node: Node) -> int:
    """A version: plain digits."""
    digits = text(node)
    quoted = isinstance(node, Scalar) and not node.plain
    fits = bool(_DIGITS.fullmatch(digits)) and int(digits) <= MAX_VERSION
    if fits and not quoted:
        return int(digits)
    hint = f"Write it without quotes: {digits}." if fits else "Write plain digits, as 3."
    raise UnfitError(f"{{field}} must be a whole number from 1 to {MAX_VERSION}.", hint)


def level(node: Node) -> ContentState:
    """What is stored of a part of calls."""
    word = text(node)
    if word not in LEVELS:
        raise UnfitError("{field} must be `full`, `hashed` or `none`.", meant(word, LEVELS))
    return LEVELS[word]


def free_object(node: Node) -> JsonObject:
    """The value of a free-form mapping."""
    value = core(mapped(node))
    return value if isinstance(value, dict) else {}


def _checked(check: Callable[[str], object]) -> Callable[[str], str]:
    """A check of the domain as a form's: its error becomes one of the form."""

    def apply(value: str) -> str:
        if found := invisible_character(value):
            raise UnfitError(f"{{field}} holds the invisible character {found}.", "Remove it.")
        try:
            check(value)
        except InvalidInputError as error:
            raise UnfitError(str(error)) from error
        return value

    return apply


def _fitting(fits: Callable[[str], object], noun: str, rule: str) -> Callable[[str], str]:
    def check(value: str) -> None:
        if not fits(value):
            raise UnfitError(f"{shown(value)} is no {noun}.", f"Use {rule}.")

    return _checked(check)


def _small(value: JsonObject) -> JsonObject:
    try:
        checked_json(value, field="{field}", limit=MAX_METADATA_BYTES)
    except InvalidInputError as error:
        raise UnfitError(str(error)) from error
    return value


_VERSION_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_VERSION}
_AS_NAME = AfterValidator(_fitting(is_name, "prompt name", NAME_RULE))
_VARIABLE_RULE = "letters, digits and _ (at most 100, first a letter)"

Text: TypeAlias = Annotated[str, BeforeValidator(text)]
SomeText: TypeAlias = Annotated[Text, Field(min_length=1)]
Version: TypeAlias = Annotated[int, BeforeValidator(version), WithJsonSchema(_VERSION_SCHEMA)]
Name: TypeAlias = Annotated[Text, _AS_NAME]
NameKey: TypeAlias = Annotated[str, _AS_NAME]
LabelKey: TypeAlias = Annotated[str, AfterValidator(_checked(checked_label))]
RoleKey: TypeAlias = Annotated[str, AfterValidator(_fitting(is_role, "role", LABEL_RULE))]
Tag: TypeAlias = Annotated[Text, AfterValidator(_fitting(is_role, "tag", LABEL_RULE))]
SelectorText: TypeAlias = Annotated[Text, AfterValidator(_checked(Selector.parse))]
Level: TypeAlias = Annotated[
    ContentState, BeforeValidator(level), WithJsonSchema({"type": "string", "enum": [*LEVELS]})
]
VariableName: TypeAlias = Annotated[
    Text, AfterValidator(_fitting(_VARIABLE.fullmatch, "variable name", _VARIABLE_RULE))
]
FreeObject: TypeAlias = Annotated[dict[str, Any], BeforeValidator(free_object)]
SmallObject: TypeAlias = Annotated[FreeObject, AfterValidator(_small)]
Listed = BeforeValidator(listed)
Mapped = BeforeValidator(mapped)
Choice = BeforeValidator(text)
