"""JSON as requests may bring it, and as answers are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from promptgraph.domain.canonical import Json
from promptgraph.domain.strict_json import strict_json
from promptgraph.graph.answer import malformed

BOM = "\ufeff"


def decoded(body: bytes, what: str = "body") -> Json:
    """The JSON value of a text: UTF-8 without a mark, each key once, finite numbers, integers of 30 digits.

    raises  RequestRefusedError  naming `what` was wrong
    cost    2 µs a kB where it is written as most programs do, four times as much where it is not
    """
    if (found := _plain(body)) is not None:
        return found
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(f"The {what} is not UTF-8: byte {error.start} is wrong.") from error
    return parsed(text, what=what)


def _plain(body: bytes) -> Json:
    """The value of a text that orjson would write as it stands: so no key came twice, and no number was cut.
    None says nothing.
    """
    try:
        value: Json = orjson.loads(body)
        return value if orjson.dumps(value) == body else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def parsed(text: str, *, what: str) -> Json:
    """The JSON value of a text, as strictly as `decoded`.

    raises  RequestRefusedError  naming `what` was wrong
    """
    if text.startswith(BOM):
        raise malformed(f"The {what} begins with a byte order mark: leave it out.")
    try:
        return strict_json(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise malformed(f"The {what} is not JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise malformed(f"The {what} is nested too deeply.") from error
    except ValueError as error:
        raise malformed(f"The {what} is refused: {error}.") from error


def encoded(payload: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. What UTF-8 cannot write, quoted from a refused request, is escaped."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return json.dumps(payload, allow_nan=False).encode("ascii")
