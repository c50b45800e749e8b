"""Whether this process can do its work: what a load balancer asks before it sends requests here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from promptgraph.domain.errors import PromptgraphError

log = logging.getLogger("promptgraph.web")

Check = Callable[[], Awaitable[object]]
FRESH_SECONDS = 1.0
"""So long what was found is told again, however many ask."""
LOOK_SECONDS = 2.0
"""How long a look may take; what has not answered by then has failed."""
LATE = f"There was no answer within {LOOK_SECONDS:g} s."


class Readiness:
    """Some checks, each of which raises one of our errors where it fails."""

    def __init__(self, checks: Mapping[str, Check], *, fresh_for: float = FRESH_SECONDS) -> None:
        """units  fresh_for: seconds"""
        self._checks = checks
        self._fresh_for = fresh_for
        self._turn = asyncio.Lock()
        self._found: dict[str, str | None] = {}
        self._at = float("-inf")

    async def look(self) -> Mapping[str, bool]:
        """By check whether it holds.

        cost  one look for all that ask within a second; a few statements, LOOK_SECONDS at most
        """
        async with self._turn:
            if time.monotonic() >= self._at + self._fresh_for:
                found = await self._looked()
                self._tell(found)
                self._found, self._at = found, time.monotonic()
            return {name: flaw is None for name, flaw in self._found.items()}

    async def _looked(self) -> dict[str, str | None]:
        """By check what is wrong."""
        flaws = await asyncio.gather(*(_flaw(check) for check in self._checks.values()))
        return dict(zip(self._checks, flaws, strict=True))

    def _tell(self, found: Mapping[str, str | None]) -> None:
        """Say in the log what is otherwise than before: those who ask are not told why."""
        for name, flaw in found.items():
            before = self._found.get(name)
            if flaw is not None and before is None:
                log.warning("Not ready, by the check of the %s: %s", name, flaw)
            elif flaw is None and before is not None:
                log.warning("Ready again, by the check of the %s.", name)


async def _flaw(check: Check) -> str | None:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await check()
    except PromptgraphError as error:
        return str(error)
    except TimeoutError:
        return LATE
    return None
