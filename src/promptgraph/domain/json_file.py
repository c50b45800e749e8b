"""JSON files that an operator writes by hand or has a tool write: read once, at start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.strict_json import distinct


def read_json(path: Path, limit: int, **numbers: Any) -> Any:
    """What a file of UTF-8 JSON holds; no key of an object comes twice.

    keys    numbers: how these are read, by the names that `json.loads` has for it
    units   limit: bytes
    raises  InvalidInputError  it cannot be read, is larger, or is no JSON; the sentence names no file
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise InvalidInputError(f"it cannot be read: {error.strerror}.") from error
    if len(raw) > limit:
        raise InvalidInputError(f"it may hold at most {limit:,} bytes.")
    try:
        return json.loads(raw.decode(), object_pairs_hook=distinct, **numbers)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"it is no JSON: {error}.") from error
