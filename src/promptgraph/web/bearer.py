"""The key that a request brings: `Authorization: Bearer …`, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Scope

from promptgraph.domain.canonical import Json
from promptgraph.domain.key_form import NO_KEY, Presented, presented

HEADER = "authorization"
SCHEME = "bearer"


def key_in(values: Sequence[str]) -> Presented:
    """The key in the Authorization headers of a request. In two of them is none: who is meant?"""
    if len(values) != 1:
        return NO_KEY
    scheme, _, text = values[0].strip().partition(" ")
    return presented(text.strip()) if scheme.lower() == SCHEME else NO_KEY


def key_of(scope: Scope) -> Presented:
    """The key that a request or a handshake brings."""
    name = HEADER.encode()
    return key_in([value.decode("latin-1") for each, value in scope["headers"] if each == name])


def key_told(payload: Json) -> Presented | None:
    """The key in the payload of `connection_init`, for browsers, which send no headers; None where it names
    none.
    """
    told = payload if isinstance(payload, dict) else {}
    values = [value for name, value in told.items() if name.lower() == HEADER]
    if not values:
        return None
    return key_in([value if isinstance(value, str) else "" for value in values])
