"""What the work of a client asks of its shell: to send something, or to wait. The work itself is written
once, as generators of these steps; a shell carries them out, with or without `await`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to send: the body of a POST."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause before the next step."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `retry_after` is the header of that name."""

    status: int
    body: bytes
    retry_after: str | None = None


Step: TypeAlias = Ask | Wait
Work: TypeAlias = Generator[Step, Reply | None, T]
"""Work that gives a T. An `Ask` is answered with a Reply, or a StoreUnavailableError is thrown in."""
