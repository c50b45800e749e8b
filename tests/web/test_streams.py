"""How connections that stay open end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from promptgraph.web.streams import told_to_stop, until_any


@pytest.fixture
def handed_on() -> Iterator[list[int]]:
    """What the server's own handler hears."""
    heard: list[int] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGTERM, handler)
    yield heard
    assert handler is signal.signal(signal.SIGTERM, before)


async def test_a_stop_is_heard_and_handed_on(handed_on: list[int]) -> None:
    """Connections end as soon as the process is told to stop; the server hears of it as before."""
    stopping = asyncio.Event()
    with told_to_stop(stopping.set):
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await stopping.wait()
    assert [signal.SIGTERM] == handed_on


async def test_a_server_in_a_thread_hears_no_signals() -> None:
    """It is stopped in another way, and starts all the same."""

    async def starts() -> bool:
        with told_to_stop(lambda: None):
            return True

    assert await asyncio.to_thread(asyncio.run, starts())


async def test_the_first_that_is_done_ends_the_others() -> None:
    """The others have ended by then; what the first one raised is raised."""
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await until_any(waits(), fails())
    assert ["waits"] == ended
