"""A request while it is under way: what its log lines and its figures say of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count

_PROCESS = secrets.token_hex(4).encode()
_NUMBERS = count(1)


@dataclass(slots=True, eq=False)
class Visit:
    """`operation`: its name, empty where it has none, None where none was found; `kind`: what became of it;
    `path`: who answered; `codes`: of its errors; `streams`: it is answered by events, as they come; `key`:
    the public id of the key that it came with; `user`: who asks, by a proxy that knows.
    """

    request_id: bytes = b""
    operation: str | None = None
    kind: str = ""
    path: str = ""
    codes: Collection[str] = ()
    streams: bool = False
    key: str | None = None
    user: str | None = None


def new_id() -> bytes:
    """A request id that nothing else has."""
    return b"%b-%x" % (_PROCESS, next(_NUMBERS))


CURRENT: ContextVar[Visit] = ContextVar("visit", default=Visit())  # noqa: B039  # what is noted there, nobody reads
"""The request that the running task works for. Without a request id it works for none."""
