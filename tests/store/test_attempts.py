"""Transactions that met others are done again, and not for ever."""

from __future__ import annotations

import pytest

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.store import attempts
from promptgraph.store.attempts import ATTEMPTS, attempted
from promptgraph.store.failures import CollisionError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.0001)


@pytest.mark.parametrize("failures", [0, 1, ATTEMPTS - 1])
async def test_gives_what_comes_in_the_end(failures: int) -> None:
    """A deadlock more or less does not show."""
    tried = 0

    async def act() -> int:
        nonlocal tried
        tried += 1
        if tried <= failures:
            raise CollisionError("In the way.")
        return tried

    assert 1 + failures == await attempted(act)


async def test_gives_up_in_the_end() -> None:
    """After a bounded number; the caller is told to try again."""
    tried = 0

    async def act() -> None:
        nonlocal tried
        tried += 1
        raise CollisionError("In the way.")

    with pytest.raises(StoreUnavailableError, match="In the way"):
        await attempted(act)
    assert ATTEMPTS == tried


async def test_leaves_other_failures_alone() -> None:
    """What may have been written is not done again here."""
    tried = 0

    async def act() -> None:
        nonlocal tried
        tried += 1
        raise StoreUnavailableError("Away.")

    with pytest.raises(StoreUnavailableError, match="Away"):
        await attempted(act)
    assert 1 == tried
