"""Redaction: a function of the operator's own that sees contents before they are stored, and what becomes of
those that it fails on: they are not stored.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import inspect
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeAlias

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import MAX_METADATA_BYTES, MAX_VARIABLES_BYTES, checked_json, checked_text

log = logging.getLogger("promptgraph.record")

Hook: TypeAlias = Callable[[str, Json], object]
"""Given the kind and the value, what is to be stored of it; None: nothing."""

ERROR_MESSAGE = "errorMessage"
SECONDS = 2.0
"""How long the redaction of one request's calls may take, all together."""
THREADS = 4
MAX_MESSAGE = 4096


LOST: Final = object()
"""In place of a value: its redaction failed, and nothing of it may be stored."""


class Redactor:
    """Runs a hook beside the event loop. `lost` counts the values that it failed on."""

    def __init__(self, hook: Hook, *, seconds: float = SECONDS) -> None:
        self._hook = hook
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(THREADS, "promptgraph redaction")
        self.lost = 0

    async def redacted(self, values: Sequence[tuple[str, Json]]) -> list[object]:
        """What the hook makes of each value of a kind; LOST where it fails, gives what cannot be stored, or
        takes too long.

        cost  a hop to a thread for each value; `seconds` at most
        """
        if not values:
            return []
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(self._pool, self._run, kind, value) for kind, value in values]
        await asyncio.wait(jobs, timeout=self._seconds)
        found = [_outcome(job) for job in jobs]
        faults = [
            f"{each.reason} in {kind}"
            for (kind, _), each in zip(values, found, strict=True)
            if isinstance(each, _Fault)
        ]
        if faults:
            self.lost += len(faults)
            _tell(Counter(faults))
        return [LOST if isinstance(each, _Fault) else each for each in found]

    def _run(self, kind: str, value: Json) -> Json:
        """In a thread, with a copy: what the hook does to that changes nothing here."""
        return _CHECKS[kind](self._hook(kind, copy.deepcopy(value)), kind)


class _Fault(NamedTuple):
    """Why a value is lost; nothing of the value."""

    reason: str


def _outcome(job: asyncio.Future[Json]) -> object:
    if not job.done():
        job.cancel()  # one that has not begun never does
        return _Fault("too late")
    error = job.exception()
    return job.result() if error is None else _Fault(type(error).__name__)


def _tell(faults: Counter[str]) -> None:
    """No traceback: what a hook raises may quote the value."""
    told = ", ".join(f"{count} x {fault}" for fault, count in faults.items())
    log.warning("The redaction hook failed, and what it failed on is not stored: %s.", told)


def _object(limit: int) -> Callable[[object, str], Json]:
    def check(value: object, kind: str) -> Json:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InvalidInputError(f"{kind} must stay an object.")
        return checked_json(value, field=kind, limit=limit)

    return check


def _json(value: object, kind: str) -> Json:
    return checked_json(value, field=kind, limit=MAX_VARIABLES_BYTES)  # type: ignore[arg-type]  # checked here


def _message(value: object, kind: str) -> Json:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInputError(f"{kind} must stay a text.")
    return checked_text(value, field=kind, limit=MAX_MESSAGE)


_CHECKS: Mapping[str, Callable[[object, str], Json]] = {
    "variables": _object(MAX_VARIABLES_BYTES),
    "output": _json,
    "metadata": _object(MAX_METADATA_BYTES),
    ERROR_MESSAGE: _message,
}
"""By kind, what a hook may give."""


def hook_of(name: str) -> Hook:
    """The function that `module:function` names.

    raises  InvalidInputError  there is none, or it is no plain function of two arguments
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise InvalidInputError(
            f"The redaction hook {name!r} cannot be imported: {error}. Its module must be installed where the"
            " server runs, or be on PYTHONPATH.",
            field="redact",
        ) from error
    if not callable(found) or inspect.iscoroutinefunction(found) or not _takes_two(found):
        raise InvalidInputError(
            f"The redaction hook {name!r} must be a function of a kind and a value, and not async.",
            field="redact",
        )
    hook: Hook = found
    return hook


def _takes_two(found: Callable[..., object]) -> bool:
    try:
        inspect.signature(found).bind("variables", {})
    except (TypeError, ValueError):
        return False
    return True
