"""`promptgraph sync --watch`: a draft sync at every change, until it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from watchfiles import awatch

from promptgraph.cli.output import say
from promptgraph.cli.plans import Synced
from promptgraph.cli.surface import run
from promptgraph.cli.syncing import Wanted, check_draft, synced
from promptgraph.config import Settings
from promptgraph.domain.errors import PromptgraphError

DEBOUNCE_MS = 200
TICK_MS = 300


def watch(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """Syncs now and after each change, and gives each outcome; ends with Ctrl-C.

    raises  ForbiddenError · InvalidInputError  drafts are not for this place; see `check_draft`
    """
    check_draft(settings, wanted.options)
    with suppress(KeyboardInterrupt):
        run(_watching(settings, wanted, give))
    say("\nNo longer watching.")


async def _watching(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """The watch begins before the first sync, so that no change falls between the two."""
    say(f"Watching {wanted.folder}; Ctrl-C ends it.")
    first = True
    async for changes in awatch(
        wanted.folder, debounce=DEBOUNCE_MS, rust_timeout=TICK_MS, yield_on_timeout=True
    ):
        if first or changes:
            await _once(settings, wanted, give)
        first = False


async def _once(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """One sync; what stands in its way is said, and the watch goes on."""
    try:
        give(await synced(settings, wanted))
    except (PromptgraphError, OSError) as error:
        say(f"error: {error}", "error")
