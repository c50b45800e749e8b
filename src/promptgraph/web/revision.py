"""The registry's revision in the headers of HTTP."""

from __future__ import annotations

from promptgraph.web.refusal import HttpRefusedError

REVISION = "x-promptgraph-revision"
"""Of an answer: everything up to this revision was there to be read."""
LEAST_REVISION = "x-promptgraph-min-revision"
"""Of a request: what is read must have this revision."""
_MAX_DIGITS = 18


def least_revision(text: str) -> int | None:
    """The revision that a request needs; None where the header says nothing.

    raises  HttpRefusedError  400, it is no revision
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise HttpRefusedError(
            400, f"{LEAST_REVISION} must be one whole number: the {REVISION} of an answer."
        )
    return int(text)
