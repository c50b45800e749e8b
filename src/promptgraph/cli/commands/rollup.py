"""`promptgraph rollup`: the figures that metrics are read from, checked against the calls, or made anew."""

from __future__ import annotations

from collections.abc import Sequence

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import camel, counted, show, show_json, show_table, working
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import FINDINGS, FINE, finish, run
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.store.drift import Drift, verify
from promptgraph.store.rebuild import rebuild

SHOWN = 20
MEND = "Run: promptgraph rollup rebuild"


@click.group()
def rollup() -> None:
    """Check the figures behind the metrics against the calls, or make them anew."""


@rollup.command("verify")
@json_option
@with_settings("database_url")
def verify_rollups(settings: Settings, *, as_json: bool) -> None:
    """Compare the figures with the calls themselves; nothing is written.

    Exit code 1 when they differ anywhere; `rollup rebuild` mends that.
    """
    with working("Comparing"):
        found, damage = run(_verified(settings))
    if as_json:
        show_json({"drifts": [_plain(drift) for drift in found], "damage": damage})
    else:
        _print(found, damage)
    finish(FINDINGS if found or damage else FINE)


@rollup.command("rebuild")
@json_option
@with_settings("database_url")
def rebuild_rollups(settings: Settings, *, as_json: bool) -> None:
    """Make the figures anew from the calls. Recording and metrics go on meanwhile."""
    with working("Counting"):
        calls = run(_rebuilt(settings))
    if as_json:
        show_json({"calls": calls})
    else:
        show(f"The figures were made anew from {counted(calls, 'call')}.", "ok")


async def _verified(settings: Settings) -> tuple[list[Drift], str | None]:
    async with patient(settings) as db:
        try:
            return await verify(db), None
        except InvalidRollupError as error:
            return [], str(error)


async def _rebuilt(settings: Settings) -> int:
    async with patient(settings) as db:
        return await rebuild(db)


def _print(found: Sequence[Drift], damage: str | None) -> None:
    if damage:
        show(damage, "fail")
        show(MEND)
    elif found:
        show_table(
            ("figures of", "measure", "by the calls", "stored"), [_row(drift) for drift in found[:SHOWN]]
        )
        if len(found) > SHOWN:
            show(f"… and {len(found) - SHOWN} more; --json prints up to 1000.")
        show(f"{counted(len(found), 'figure')} differ from the calls. {MEND}", "fail")
    else:
        show("The figures are what the calls say.", "ok")


def _row(drift: Drift) -> tuple[str, str, str, str]:
    cell = drift.cell
    named = {
        name: value for name, value in cell._asdict().items() if name not in {"scope", "level"} and value
    }
    words = " ".join(f"{name}={value}" for name, value in named.items())
    where = f"{cell.scope.name} {cell.level.name} {words}".lower()
    return where, drift.measure, _short(drift.expected), _short(drift.stored)


def _short(value: int | bytes | str) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _plain(drift: Drift) -> JsonObject:
    """units  histograms in hex, as they are stored"""
    cell = {camel(name): value for name, value in drift.cell._asdict().items()}
    cell |= {"scope": drift.cell.scope.name, "level": drift.cell.level.name}
    sides = {"expected": drift.expected, "stored": drift.stored}
    values = {name: side.hex() if isinstance(side, bytes) else side for name, side in sides.items()}
    return {"cell": cell, "measure": drift.measure, **values}
