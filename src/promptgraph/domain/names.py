"""What may be a name, a label, a selector; and the opaque ids made from them."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NamedTuple

from promptgraph.domain.errors import InvalidInputError

NAME_RULE = "lower-case letters, digits and . _ / - (at most 128, first a letter or digit, no ..)"
LABEL_RULE = "lower-case letters, digits, _ and - (at most 64, first a letter)"
ROLE_RULE = LABEL_RULE
SOURCE_RULE = "lower-case letters, digits and . _ / - (1 to 64, first a letter or digit)"
LATEST = "latest"
MAX_VERSION = 2_147_483_647

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def is_name(text: str) -> bool:
    """Whether `text` may name a prompt, a partial, or an agent that a file declares."""
    parts = text.split("/")
    return bool(_NAME.fullmatch(text)) and ".." not in text and all(parts)


def is_label(text: str) -> bool:
    """Whether `text` may be a label that somebody sets; `latest` is reserved."""
    return bool(_LABEL.fullmatch(text)) and text != LATEST


def checked_source(text: str, *, field: str = "source") -> str:
    """`text`, or the error that says how a sync source is named."""
    if not _SOURCE.fullmatch(text):
        raise InvalidInputError(f"A source is named with {SOURCE_RULE}.", field=field)
    return text


def is_role(text: str) -> bool:
    return bool(_LABEL.fullmatch(text))


def checked_label(text: str, *, field: str = "label") -> str:
    """`text`, or the error that says what a label is."""
    if text == LATEST:
        raise InvalidInputError("`latest` is reserved: it always means the highest version.", field=field)
    if not is_label(text):
        raise InvalidInputError(f"A label is made of {LABEL_RULE}.", field=field)
    return text


@dataclass(frozen=True, slots=True)
class Selector:
    """Which version of a prompt is meant: `name@label`, `name@2`, or `name` for the latest."""

    name: str
    label: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        if self.label is not None:
            return f"{self.name}@{self.label}"
        return self.name if self.version is None else f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str, *, field: str = "selector") -> Selector:
        """raises  InvalidInputError  it is no selector; the sentence says which part is wrong"""
        name, at, rest = text.partition("@")
        if not is_name(name):
            raise InvalidInputError(
                f"A selector is name, name@label or name@version; {name!r} is no prompt name ({NAME_RULE}).",
                field=field,
            )
        if not at:
            return cls(name)
        if rest.isascii() and rest.isdigit():
            if rest.startswith("0") and len(rest) > 1:
                raise InvalidInputError(f"A version has no leading zero: {text!r}.", field=field)
            return cls(name, version=checked_version(int(rest[:12]), field=field))
        if rest == LATEST:
            raise InvalidInputError(
                f"`latest` is reserved: write {name!r} alone for the latest version.", field=field
            )
        return cls(name, label=checked_label(rest, field=field))


def checked_version(version: int, *, field: str = "version") -> int:
    if not 1 <= version <= MAX_VERSION:
        raise InvalidInputError(f"A version is a whole number from 1 to {MAX_VERSION}.", field=field)
    return version


class NodeRef(NamedTuple):
    """What a global id stands for: a GraphQL type and the parts of its key."""

    kind: str
    key: tuple[str, ...]


def global_id(kind: str, *key: str | int) -> str:
    """An opaque id made from natural keys alone, hence the same in every database."""
    text = "\n".join((kind, *map(str, key)))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def parse_global_id(text: str, *, field: str = "id") -> NodeRef:
    """raises  InvalidInputError  `text` was not made by `global_id`"""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        kind, *key = raw.decode().split("\n")
    except (ValueError, binascii.Error) as error:
        raise InvalidInputError(f"Not an id of this API: {text[:80]!r}.", field=field) from error
    if not key or global_id(kind, *key) != text:
        raise InvalidInputError(f"Not an id of this API: {text[:80]!r}.", field=field)
    return NodeRef(kind, tuple(key))
