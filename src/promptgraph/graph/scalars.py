"""The scalars of the API: how they are written, and what they refuse."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NewType
from uuid import UUID

from graphql import (
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)
from strawberry.types.scalar import ScalarDefinition, scalar

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import MAX_JSON_DEPTH, MAX_VARIABLES_BYTES, checked_json

JSON = NewType("JSON", object)
BigInt = NewType("BigInt", int)

MAX_WORD = 80
ZERO_OFFSET = len("+00:00")
SAFE_INTEGER = 2**53 - 1
"""What every reader of JSON keeps exact."""

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339, section 5.6


_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")  # RFC 9562, section 4
_NUMBERS = frozenset({int, float})
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?", re.ASCII)


def _wrong(message: str) -> GraphQLError:
    return GraphQLError(message, original_error=InvalidInputError(message))


def instant(text: object) -> dt.datetime:
    """The moment that an RFC 3339 text names, in UTC.

    raises  GraphQLError  another form, no zone, or no such moment
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise _wrong("A DateTime is RFC 3339 text with a zone, e.g. 2026-11-22T10:00:00Z.")
    try:
        found = dt.datetime.fromisoformat(text.upper())
        return found if found.tzinfo is dt.UTC else found.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong("There is no such moment in the calendar.") from error


def instant_text(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with Z; microseconds only where there are any."""
    text = (moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)).isoformat()
    return f"{text[:-ZERO_OFFSET]}Z"


def json_value(value: Any) -> Json:
    """A JSON value that can be stored, hashed, and read by any client.

    raises  GraphQLError  too deep, too large, a character that cannot be stored, a number that JSON cannot be
    """
    try:
        return checked_json(value, field="JSON", limit=MAX_VARIABLES_BYTES)
    except InvalidInputError as error:
        raise _wrong(str(error)) from error


def json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Json:
    """The JSON value of a literal in a document, variables within it filled in.

    raises  GraphQLError  as `json_value`, or a bare word, which would be an enum's
    """
    return json_value(_plain(node, dict(variables or {})))


def _plain(node: ValueNode, variables: dict[str, Any]) -> Any:
    """A variable that is not given is left out of an object, and is null elsewhere."""
    if isinstance(node, ObjectValueNode):
        items = {field.name.value: field.value for field in node.fields}
        return {
            name: _plain(item, variables)
            for name, item in items.items()
            if not isinstance(item, VariableNode) or item.name.value in variables
        }
    if isinstance(node, ListValueNode):
        return [_plain(item, variables) for item in node.values]
    if isinstance(node, EnumValueNode):
        word = f"{node.value[:MAX_WORD]}…" if len(node.value) > MAX_WORD else node.value
        raise _wrong(f'JSON has no bare words: write "{word}" for a text.')
    value = value_from_ast_untyped(node, variables)
    return None if value is Undefined else value


def big_int(value: object) -> int:
    """A whole number, bounded only by what JSON readers keep exact."""
    if type(value) is not int or abs(value) > SAFE_INTEGER:
        raise _wrong(f"A BigInt is a whole number within ±{SAFE_INTEGER}.")
    return value


def uuid(text: object) -> UUID:
    """The UUID that a text is.

    raises  GraphQLError  it is not in the form with hyphens
    """
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise _wrong("A UUID is text such as 0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90.")
    return UUID(int=int(text.replace("-", ""), 16))  # the pattern has done what UUID(text) would look at


def decimal(value: object) -> Decimal:
    """The exact decimal that a text is; of a number, the shortest that stands for it.

    raises  GraphQLError  no number, an infinity, or absurdly long
    """
    text = repr(value) if type(value) in _NUMBERS else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise _wrong('A Decimal is text such as "0.0125".')
    return Decimal(text)


def decimal_literal(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> Decimal:
    """The decimal that a literal writes, digit by digit.

    raises  GraphQLError  as `decimal`
    """
    return decimal(node.value if isinstance(node, FloatValueNode | IntValueNode | StringValueNode) else None)


def decimal_text(value: Decimal) -> str:
    """All its digits, without an exponent."""
    return format(value, "f")


def _same(value: Any) -> Any:
    return value


def _scalar(
    name: str,
    words: str,
    out: Callable[[Any], Any],
    parse: Callable[[Any], Any],
    literal: Callable[[ValueNode, Mapping[str, Any] | None], Any] | None = None,
) -> ScalarDefinition:
    return scalar(name=name, description=words, serialize=out, parse_value=parse, parse_literal=literal)


SCALARS: dict[object, ScalarDefinition] = {
    dt.datetime: _scalar(
        "DateTime",
        "A moment: RFC 3339 text, answered in UTC (2026-11-22T10:00:00Z). On input the zone is required.",
        instant_text,
        instant,
    ),
    JSON: _scalar(
        "JSON",
        f"Any JSON value. On input: nested at most {MAX_JSON_DEPTH} deep,"
        f" at most {MAX_VARIABLES_BYTES // 1024} KiB, whole numbers within ±{SAFE_INTEGER}.",
        _same,
        _same,  # checked by whoever takes it: of many rows only the one is refused
        json_literal,
    ),
    BigInt: _scalar(
        "BigInt", f"A whole number beyond 32 bits, as a JSON number within ±{SAFE_INTEGER}.", _same, big_int
    ),
    Decimal: _scalar(
        "Decimal",
        'An exact decimal, as text: "0.0125". On input a number is taken, too.',
        decimal_text,
        decimal,
        decimal_literal,
    ),
    UUID: _scalar("UUID", "A UUID as text, with hyphens: 0199d2c4-7b1e-7c3a-9f52-3d1c0a6b8e90.", str, uuid),
}
"""What the schema hands to strawberry: Python type → scalar."""
