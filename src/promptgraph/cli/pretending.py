"""The calls of a demo: invented, recorded like real ones, and called what they are."""

from __future__ import annotations

from promptgraph.app import clock, publish, recording
from promptgraph.cli.output import say, show, working
from promptgraph.cli.registry import opened
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError
from promptgraph.record.simulation import DAYS, Simulated, simulate
from promptgraph.store import migrate

STATED = "  calls     SIMULATED, none was made: {new} added, {known} were there (release demo, {days} days)"


def pretend(settings: Settings) -> None:
    """Fill the metrics of the last month with simulated calls, and say so."""
    with working("Simulating a month of calls"):
        done = run(_simulated(settings))
    show(STATED.format(new=done.new, known=done.known, days=DAYS), "warn")


async def _simulated(settings: Settings) -> Simulated:
    async with opened(settings) as db:
        await migrate.upgrade(db)
        try:
            await publish(db, settings.prompts_dir)
        except InvalidInputError as error:
            say(str(error), "warning")
        _, recorder = recording(db, settings, clock)
        await recorder.start()
        try:
            return await simulate(db, recorder, clock())
        finally:
            await recorder.stop()
