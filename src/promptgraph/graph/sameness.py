"""Whether two executors answered alike: the one comparison, for tests and for a running server."""

from __future__ import annotations

from typing import Any

from promptgraph.graph.wire import encoded

Data = dict[str, Any] | None


def same(standard: Data, fast: Data) -> bool:
    """Whether both are the same answer to a client: the same bytes, keys in the same order."""
    return encoded({"data": standard}) == encoded({"data": fast})


def where(standard: Any, fast: Any, place: str = "data") -> str:
    """The place of the first difference of two answers that are not the same. It shows no values."""
    if isinstance(standard, dict) and isinstance(fast, dict) and list(standard) == list(fast):
        pairs = [(f"{place}.{key}", standard[key], fast[key]) for key in standard]
    elif isinstance(standard, list) and isinstance(fast, list) and len(standard) == len(fast):
        rows = zip(standard, fast, strict=True)
        pairs = [(f"{place}[{index}]", one, other) for index, (one, other) in enumerate(rows)]
    else:
        return place
    differ = ((at, one, other) for at, one, other in pairs if not same({"": one}, {"": other}))
    return next((where(one, other, at) for at, one, other in differ), place)
