"""Threads that work beside a program, and never hold up its end."""

from __future__ import annotations

import threading
from collections.abc import Callable


def begun(work: Callable[..., object], name: str, *given: object) -> threading.Thread | None:
    """A thread that does `work`; None where the program ends, or may have no more threads."""
    thread = threading.Thread(target=work, args=given, name=f"promptgraph-{name}", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
