"""JSON text that every reader takes alike: each key once, finite numbers, no endless integers."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

from promptgraph.domain.canonical import Json

MAX_DIGITS = 30
"""Of an integer: reading a longer one takes the square of its length, and readers differ in what it is."""


def strict_json(text: str) -> Json:
    """The value of a text.

    raises  json.JSONDecodeError  it is no JSON
            ValueError            it is, but readers differ in what it says
            RecursionError        it is nested too deeply
    """
    value: Json = _DECODER.decode(text)
    return value


def distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON text whose keys differ: for `json.loads(…, object_pairs_hook=distinct)`.

    raises  ValueError  a key comes twice; readers differ in which one counts
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:80]!r} comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON knows no {name}")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer has more than {MAX_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:MAX_DIGITS]} is too large")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=distinct, parse_constant=_no_constant, parse_int=_integer, parse_float=_finite
)
