"""Which characters a text may hold, for every door that takes text."""

from __future__ import annotations

import re
import unicodedata

import orjson

from promptgraph.domain.canonical import Json, canonical_json
from promptgraph.domain.errors import InvalidInputError

MAX_JSON_DEPTH = 10
MAX_METADATA_BYTES = 16 * 1024
MAX_VARIABLES_BYTES = 256 * 1024

# NUL and lone surrogates cannot be stored; other C0 controls but tab and line ends are never meant.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# in JSON as orjson writes it: what may stand for a character of _FORBIDDEN, a number that is not exact, or
# one that JSON cannot be
_DOUBTFUL = re.compile(rb"\\[ubf]|\x7f|[0-9]{16}|null")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def forbidden_character(text: str) -> str | None:
    """The first character that no text may hold, as U+0000; None if all may stay."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def invisible_character(text: str) -> str | None:
    """The first character that a reviewer cannot see (bidi marks, zero width), as U+202E; or None."""
    found = _INVISIBLE.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def is_normal(text: str) -> bool:
    """Whether `text` is in Unicode's form NFC, so that two that look alike are alike."""
    return unicodedata.is_normalized("NFC", text)


def checked_text(text: str, *, field: str, limit: int) -> str:
    """`text`, or an InvalidInputError naming `field`: it is longer than `limit` characters or holds a
    character that cannot be stored.
    """
    if len(text) > limit:
        raise InvalidInputError(f"{field} may hold at most {limit} characters.", field=field)
    if found := forbidden_character(text):
        raise InvalidInputError(f"{field} holds the character {found}.", field=field)
    return text


def cleaned_text(text: str, limit: int) -> str:
    """At most `limit` characters of a text that others wrote, with ? for those that no text may hold."""
    return _FORBIDDEN.sub("?", text[:limit])


def is_line(text: str, limit: int) -> bool:
    """Whether `text` has 1 to `limit` characters, without a control among them, and not blanks alone."""
    return 1 <= len(text) <= limit and not _CONTROL.search(text) and not text.isspace()


def checked_line(text: str, *, field: str, limit: int) -> str:
    """`text`, or an InvalidInputError naming `field`: it is no line of at most `limit` characters."""
    if is_line(text, limit):
        return text
    if found := forbidden_character(text[:limit]):
        raise InvalidInputError(f"{field} holds the character {found}.", field=field)
    raise InvalidInputError(
        f"{field} must hold 1 to {limit} characters on one line, and not blanks alone.", field=field
    )


def checked_json(value: Json, *, field: str, limit: int, depth: int = MAX_JSON_DEPTH) -> Json:
    """`value`, or an InvalidInputError naming `field`: nested deeper than `depth`, larger than `limit` bytes
    in canonical form, not to be written as JSON at all (NaN, an integer beyond 2**53 - 1), or a text or key
    in it holds a character that cannot be stored.

    cost  2 µs for 1 kB that is sound at first sight, else a step per part
    """
    if _is_sound(value, limit, depth):
        return value
    stack: list[tuple[Json, int]] = [(value, 0)]
    while stack:
        item, level = stack.pop()
        if isinstance(item, str):
            if found := forbidden_character(item):
                raise InvalidInputError(f"{field} holds the character {found}.", field=field)
            continue
        if isinstance(item, dict):
            stack += [(key, level) for key in item]
            stack += [(child, level + 1) for child in item.values()]
        elif isinstance(item, list):
            stack += [(child, level + 1) for child in item]
        if isinstance(item, dict | list) and level >= depth:
            raise InvalidInputError(f"{field} is nested deeper than {depth}.", field=field)
    _check_size(value, field=field, limit=limit)
    return value


def _is_sound(value: Json, limit: int, depth: int) -> bool:
    """Whether nothing about `value` is in doubt: few brackets nest no deeper than they are many."""
    try:
        raw = orjson.dumps(value, option=_AS_IT_IS)
    except orjson.JSONEncodeError:
        return False
    nests = raw.count(b"{") + raw.count(b"[") > depth
    return not nests and len(raw) * 2 < limit and not _DOUBTFUL.search(raw)


_AS_IT_IS = (
    orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)


def _check_size(value: Json, *, field: str, limit: int) -> None:
    try:
        size = len(canonical_json(value))
    except InvalidInputError as error:
        raise InvalidInputError(f"{field}: {error}", field=field) from error
    if size > limit:
        raise InvalidInputError(f"{field} may hold at most {limit} bytes of JSON.", field=field)
