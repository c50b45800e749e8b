"""`promptgraph reprice`: calls get what today's prices say."""

from __future__ import annotations

import datetime as dt

import click

from promptgraph.cli.instants import INSTANT
from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json, working
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.call import usd
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import PromptgraphError
from promptgraph.record.own_prices import read_prices
from promptgraph.record.prices import PriceBook
from promptgraph.record.repricing import Repriced, reprice


@click.command("reprice")
@click.option("--since", type=INSTANT, help="Only calls that started then or later: 2026-11-22, in UTC.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@json_option
@with_settings("database_url", "prices_file")
def reprice_calls(settings: Settings, *, since: dt.datetime | None, dry_run: bool, as_json: bool) -> None:
    """Give calls whose cost was computed, or is unknown, what today's prices say, and correct the metrics.

    Costs that callers reported stay, and so does a cost of a model whose price is no longer known. It may be
    stopped and run again at any time, while calls are recorded. Calls that were pruned keep what they cost.
    """
    with working("Pricing"):
        done = run(_repriced(settings, since, dry_run=dry_run))
    if as_json:
        show_json({"dryRun": dry_run, **_plain(done)})
    else:
        _print(done, dry_run=dry_run)


async def _repriced(settings: Settings, since: dt.datetime | None, *, dry_run: bool) -> Repriced:
    prices = PriceBook() if settings.prices_file is None else read_prices(settings.prices_file)
    done = Repriced()
    async with patient(settings) as db:
        try:
            async for so_far in reprice(db, prices, since, dry_run=dry_run):
                done = so_far
        except PromptgraphError:
            say(f"Stopped after {counted(done.looked, 'call')}: {_changes(done)}. Run it again.", "warning")
            raise
    return done


def _print(done: Repriced, *, dry_run: bool) -> None:
    show(f"Looked at {counted(done.looked, 'call')} whose cost no caller reported.")
    if done.changed:
        show(f"{'Would change' if dry_run else 'Changed'}: {_changes(done)}.", "ok")
    else:
        show("Nothing to change: each has the cost that today's prices come to, or none.", "ok")
    if done.unknown:
        show(
            f"Of {counted(done.unknown, 'call')} nobody knows the price: name it in PROMPTGRAPH_PRICES_FILE."
        )


def _changes(done: Repriced) -> str:
    before, after = usd(done.before_nano_usd), usd(done.after_nano_usd)
    costs = f"{counted(done.changed, 'cost')} ({done.found} unknown before)"
    return f"{costs}, from {before:f} to {after:f} USD"


def _plain(done: Repriced) -> JsonObject:
    return {
        "looked": done.looked,
        "changed": done.changed,
        "newlyPriced": done.found,
        "unknown": done.unknown,
        "costUsdBefore": f"{usd(done.before_nano_usd):f}",
        "costUsdAfter": f"{usd(done.after_nano_usd):f}",
    }
