"""How a door of this server says no."""

from __future__ import annotations

from collections.abc import Mapping


class HttpRefusedError(Exception):
    """An answer other than the one hoped for: its status, a sentence, and headers that explain it."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
