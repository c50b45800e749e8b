"""`promptgraph prune`: calls that are kept no longer go, their figures stay."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import aclosing

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, instant, say, show, show_json
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError, PromptgraphError
from promptgraph.domain.retention import days_of, start_of
from promptgraph.record.pruning import Pruned, prunable, prune
from promptgraph.store.pruning import Old

TELL_SECONDS = 5.0
"""How often it says how far it is."""


@click.command("prune")
@click.option("--older-than", metavar="AGE", help="Which calls go: 90d. Default: PROMPTGRAPH_RETENTION_DAYS.")
@click.option("--keep-errors", is_flag=True, help="Calls that ended in an error stay.")
@click.option("--unchecked", is_flag=True, help="Do not hold the figures against the calls before these go.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@json_option
@with_settings("database_url")
def prune_calls(
    settings: Settings,
    *,
    older_than: str | None,
    keep_errors: bool,
    unchecked: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove calls with their contents and scores; the figures of metrics stay, by whole hours and days.

    It goes by whole days of UTC: what started before the day that was so many days ago. From then on such
    calls are refused (TOO_OLD). It may be stopped and run again at any time, while calls are recorded. Before
    anything goes, the figures are held against the calls: where they differ, nothing is removed.
    """
    days = _days(settings, older_than)
    if dry_run:
        before, old = run(_looked(settings, days, keep_errors=keep_errors))
        _print_plan(before, old, as_json=as_json)
        return
    done = run(_pruned(settings, days, keep_errors=keep_errors, check=not unchecked))
    if as_json:
        show_json({"dryRun": False, "before": start_of(done.before), "calls": done.calls})
    else:
        day = instant(start_of(done.before))
        show(f"Removed {counted(done.calls, 'call')} that started before {day}. Their figures stay.", "ok")


def _days(settings: Settings, age: str | None) -> int:
    if age is not None:
        return days_of(age, field="older-than")
    if settings.retention_days is None:
        raise InvalidInputError(
            "Say which calls go: --older-than 90d, or set PROMPTGRAPH_RETENTION_DAYS.", field="older-than"
        )
    return settings.retention_days


async def _looked(settings: Settings, days: int, *, keep_errors: bool) -> tuple[int, Old]:
    async with patient(settings) as db:
        return await prunable(db, days, keep_errors=keep_errors, now=dt.datetime.now(dt.UTC))


async def _pruned(settings: Settings, days: int, *, keep_errors: bool, check: bool) -> Pruned:
    done, told = Pruned(0), time.monotonic()
    async with patient(settings) as db:
        steps = prune(db, days, now=dt.datetime.now(dt.UTC), keep_errors=keep_errors, check=check)
        try:
            async with aclosing(steps):
                async for done in steps:
                    if time.monotonic() - told > TELL_SECONDS:
                        say(_words(done))
                        told = time.monotonic()
        except PromptgraphError:
            if done.calls:
                say(f"Stopped: {_words(done)} Run it again.", "warning")
            raise
    return done


def _words(done: Pruned) -> str:
    if done.calls:
        return f"{counted(done.calls, 'call')} removed."
    return f"{counted(done.checked, 'day')} checked."


def _print_plan(before: int, old: Old, *, as_json: bool) -> None:
    if as_json:
        show_json({"dryRun": True, "before": start_of(before), **old._asdict()})
        return
    show(
        f"Would remove {counted(old.calls, 'call')} that started before {instant(start_of(before))}, with the"
        f" contents of {old.contents} and {counted(old.scores, 'score')}."
    )
    if old.first is not None:
        show(f"The oldest started at {instant(old.first)}.")
