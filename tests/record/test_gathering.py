"""Many look-ups at once are few."""

from __future__ import annotations

import asyncio

import pytest

from promptgraph.record.gathering import Gathering


async def test_what_comes_meanwhile_is_asked_together() -> None:
    """A hundred callers at once and a hundred more while the first round runs: two rounds."""
    rounds: list[set[str]] = []

    async def look_up(names: set[str]) -> dict[str, str]:
        rounds.append(set(names))
        await asyncio.sleep(0.01)
        return {name: name.upper() for name in names}

    gathering = Gathering(look_up)
    first = [asyncio.create_task(gathering.find({"a", f"b{n}"})) for n in range(100)]
    await asyncio.sleep(0.001)
    second = [asyncio.create_task(gathering.find({"a"})) for _ in range(100)]
    found = await asyncio.gather(*first, *second)
    assert {"a": "A", "b7": "B7"} == found[7]
    assert [{"a": "A"}] * 100 == found[100:]
    assert [101, 1] == [len(each) for each in rounds]


async def test_failure_is_told_to_its_round_alone() -> None:
    """All that waited hear of it; the next round is tried anew; one that went away stops nobody."""
    answers = iter([OSError("away"), None])

    async def look_up(names: set[str]) -> dict[str, int]:
        await asyncio.sleep(0.01)
        if error := next(answers):
            raise error
        return dict.fromkeys(names, 1)

    gathering = Gathering(look_up)
    failed = await asyncio.gather(*(gathering.find({"a"}) for _ in range(3)), return_exceptions=True)
    assert [OSError] * 3 == [type(each) for each in failed]
    leaving = asyncio.create_task(gathering.find({"a"}))
    staying = asyncio.create_task(gathering.find({"b"}))
    await asyncio.sleep(0.001)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert {"b": 1} == await staying
