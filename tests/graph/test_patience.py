"""Waiting no longer than so long."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from promptgraph.graph.patience import within

LONG = 60.0


def test_what_is_ready_sets_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as if nobody had waited."""
    clocks, timeout = [], asyncio.timeout

    def counted(seconds: float) -> asyncio.Timeout:
        clocks.append(seconds)
        return timeout(seconds)

    async def ready() -> int:
        return 1

    monkeypatch.setattr(asyncio, "timeout", counted)
    assert (1, []) == (asyncio.run(_waiting(ready())), clocks)
    assert ("late", [LONG]) == (asyncio.run(_waiting(asyncio.sleep(0.001, "late"))), clocks)


async def test_gives_up_and_cancels() -> None:
    """What is waited for hears of it, and may clean up."""
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            await asyncio.sleep(0)
            ended.set()

    with pytest.raises(TimeoutError):
        await within(0.01, slow())
    assert ended.is_set()


async def test_hands_on_what_is_raised() -> None:
    """Before it waits, and after."""

    async def failing(*, wait: bool) -> None:
        if wait:
            await asyncio.sleep(0)
        raise ZeroDivisionError

    for wait in (False, True):
        with pytest.raises(ZeroDivisionError):
            await within(LONG, failing(wait=wait))


async def test_who_stops_waiting_stops_the_work() -> None:
    """As with any other `await`."""
    stopped = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            stopped.set()
            raise

    waiting = asyncio.create_task(_waiting(slow()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert stopped.is_set()


async def test_work_may_end_well_although_it_is_stopped() -> None:
    """What it then gives is what counts."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "done"

    waiting = asyncio.create_task(_waiting(stubborn()))
    await asyncio.sleep(0)
    waiting.cancel()
    assert "done" == await waiting


async def test_waits_for_anything_that_can_be_waited_for() -> None:
    """Futures too, and what a program calls awaitable."""

    class Awaited:
        def __await__(self) -> Generator[Any, None, int]:
            yield from asyncio.sleep(0).__await__()
            return 7

    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 6)
    assert (6, 7) == (await within(LONG, future), await within(LONG, Awaited()))


async def _waiting(work: Any) -> Any:
    return await within(LONG, work)
