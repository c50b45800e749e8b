"""`promptgraph reprice`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.recorded import new_call, record, synced

pytestmark = pytest.mark.usefixtures(synced.__name__)
__all__ = ["synced"]

OWN = {"*/ours": {"input_per_mtok": 2, "output_per_mtok": 2}}
USED: dict[str, Any] = {"model": "ours", "input_tokens": 1_000_000, "output_tokens": 0}


@pytest.fixture
def prices(here: Path) -> Path:
    """A file in which the model `ours` has a price."""
    path = here / "prices.json"
    path.write_text(json.dumps(OWN))
    return path


def test_prices_what_nobody_had_priced(prices: Path, answer: Answer, cli: Command) -> None:
    """A model that has a price now gives its calls a cost, and the metrics follow."""
    record(new_call(**USED), new_call(1, **USED))
    expected = {
        "dryRun": True,
        "looked": 2,
        "changed": 2,
        "newlyPriced": 2,
        "unknown": 0,
        "costUsdBefore": "0",
        "costUsdAfter": "4",
    }
    words = ("reprice", "--prices-file", prices)
    assert expected == answer(*words, "--dry-run")
    assert expected | {"dryRun": False} == answer(*words)
    assert "Nothing to change" in cli(*words).stdout
    cli("rollup", "verify")


def test_begins_at_a_day(prices: Path, answer: Answer) -> None:
    """Calls that started before stay as they are."""
    record(new_call(**USED), new_call(1440, **USED))
    assert 1 == answer("reprice", "--prices-file", prices, "--since", "2026-03-02")["changed"]


def test_says_whose_price_nobody_knows(cli: Command) -> None:
    """A call without a price is named, and how to give it one."""
    record(new_call(**USED))
    assert "Of 1 call nobody knows the price: name it in PROMPTGRAPH_PRICES_FILE." in cli("reprice").stdout


@pytest.mark.parametrize("since", ["yesterday", "2026-03-01T10:00"])
def test_refuses_what_is_no_instant(cli: Command, since: str) -> None:
    """Wrong usage: exit code 2, and an example."""
    assert "2026-11-22" in cli("reprice", "--since", since, code=2).stderr
