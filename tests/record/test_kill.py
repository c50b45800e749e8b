"""kill -9 between COMMIT and answer: with ids of the caller nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import select

from promptgraph.domain.figures import Figures
from promptgraph.domain.sums import summed
from promptgraph.store.call_tables import LLM_CALLS
from promptgraph.store.database import Database
from tests.store.call_stock import deltas

CALLS = 600
LIVES = 60
CHANCE = 0.1


def acknowledged(how: str, url: str, numbers: list[int], seed: int) -> tuple[list[int], bool]:
    """What one child acknowledges of these calls, and whether it was killed before it was done."""
    command = [sys.executable, "-m", "tests.record.child", how, url, str(CHANCE), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        said, _ = child.communicate(json.dumps(numbers) + "\n", timeout=60)
    ready, *acked = said.split("\n")[:-1]  # a line that its death cut off does not count
    assert "ready" == ready
    return [int(number) for number in acked], child.returncode != 0


async def history(how: str, db: Database, url: str) -> tuple[int, Counter[int], Figures]:
    """Calls sent again to a new process until each is acknowledged: how many processes died, how often each
    call is stored, and what the ledger adds up to.
    """
    left = [*range(1, CALLS + 1)]
    deaths = 0
    for seed in range(LIVES):
        acked, killed = acknowledged(how, url, left, seed)
        deaths += killed
        left = sorted(set(left) - set(acked))
        if not left:
            break
    assert [] == left
    async with db.read() as session:
        stored = Counter(await session.scalars(select(LLM_CALLS.c.input_tokens)))
        return deaths, stored, summed(await deltas(session))[()]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_calls_survive_the_death_of_their_server(db: Database, url: str) -> None:
    """Every acknowledged call is there once, and the figures are those of the rows."""
    deaths, stored, total = await history("keyed", db, url)
    assert deaths >= 3
    assert dict.fromkeys(range(1, CALLS + 1), 1) == stored
    assert (CALLS, sum(stored)) == (total["calls"], total["input_tokens"])


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_without_ids_retries_double(db: Database, url: str) -> None:
    """The control: without ids the same deaths store calls twice, so the test above can fail."""
    deaths, stored, total = await history("keyless", db, url)
    assert deaths >= 3
    assert max(stored.values()) > 1
    assert stored.total() == total["calls"]
