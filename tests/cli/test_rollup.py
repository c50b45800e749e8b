"""`promptgraph rollup`."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from promptgraph.store.database import Database
from promptgraph.store.rollups import fold
from tests.cli.conftest import Answer, Command
from tests.cli.recorded import URL, new_call, record, synced

pytestmark = pytest.mark.usefixtures(synced.__name__)
__all__ = ["synced"]


async def folded() -> None:
    db = Database(URL)
    await fold(db)
    await db.close()


def spoil(change: str) -> None:
    with closing(sqlite3.connect(URL.removeprefix("sqlite:///"))) as db, db:
        db.execute(f"UPDATE rollups SET {change} WHERE scope = 1 AND level = 1")  # noqa: S608  # our own words


def test_finds_nothing_where_all_is_well(cli: Command, answer: Answer) -> None:
    """Before the fold and after it, the figures are those of the calls."""
    record(new_call(), new_call(1))
    assert "The figures are what the calls say.\n" == cli("rollup", "verify").stdout
    asyncio.run(folded())
    assert {"drifts": [], "damage": None} == answer("rollup", "verify")


def test_finds_what_differs_and_mends_it(cli: Command, answer: Answer) -> None:
    """A figure that somebody changed is a finding, with both values; the rebuild puts it right."""
    record(new_call(), new_call(1))
    asyncio.run(folded())
    spoil("calls = 7")
    (drift,) = answer("rollup", "verify", code=1)["drifts"]
    assert ("PROMPT", "DAY", "calls", 2, 7) == (
        drift["cell"]["scope"],
        drift["cell"]["level"],
        *(drift[key] for key in ("measure", "expected", "stored")),
    )
    shown = cli("rollup", "verify", code=1).stdout
    assert "1 figure differ" in shown and "promptgraph rollup rebuild" in shown
    assert {"calls": 2} == answer("rollup", "rebuild")
    cli("rollup", "verify")


def test_finds_damage(cli: Command, answer: Answer) -> None:
    """What cannot be read is a finding too, and is made anew."""
    record(new_call(latency_ms=3))
    asyncio.run(folded())
    spoil("latency_histogram = x'ff'")
    assert answer("rollup", "verify", code=1)["damage"]
    assert "rollup rebuild" in cli("rollup", "verify", code=1).stdout
    assert "made anew from 1 call." in cli("rollup", "rebuild").stdout
    cli("rollup", "verify")


@pytest.mark.parametrize(
    "words", [["rollup", "verify"], ["rollup", "rebuild"], ["reprice"], ["calls", "tail"]]
)
def test_says_that_there_is_no_database(cli: Command, words: list[str]) -> None:
    """To ask is not to make."""
    result = cli(*words, "--database-url", "sqlite:///none.db", code=75)
    assert "error: There is no database yet. Run: promptgraph db upgrade\n" == result.stderr
