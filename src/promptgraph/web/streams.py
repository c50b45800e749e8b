"""Connections that stay open: how many there may be, and how they end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from promptgraph.web.refusal import HttpRefusedError

AT_ONCE = 1_000
"""How many connections of one process may stay open."""
SEND_SECONDS = 30.0
"""How long a client may leave what it was sent untaken before it is given up."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Streams:
    """The open connections of this process. `ending` is set when they are to end: the server stops."""

    def __init__(self, limit: int = AT_ONCE) -> None:
        self.ending = asyncio.Event()
        self.open = 0
        self._limit = limit

    @contextmanager
    def one(self) -> Iterator[None]:
        """Inside, one more is open.

        raises  HttpRefusedError  503, there are as many as there may be, or the server is stopping
        """
        if self.open >= self._limit or self.ending.is_set():
            raise HttpRefusedError(503, "Too many connections stay open here; try again.")
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


async def until_any(*works: Coroutine[Any, Any, object]) -> None:
    """Do all of these until one is done. The others are stopped, and have ended when this returns or raises
    what that one raised.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@contextmanager
def told_to_stop(tell: Callable[[], None]) -> Iterator[None]:
    """Inside, `tell` is called in the running loop when the process is told to stop. A server waits for its
    connections before it tells the application; those that stay open would keep it waiting.
    """
    loop = asyncio.get_running_loop()

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)
        before = found.get(number)
        if callable(before):
            before(number, frame)

    found: dict[int, Any] = {}
    try:
        for number in map(int, SIGNALS):
            if callable(before := signal.getsignal(number)):
                found[number] = before
                signal.signal(number, heard)
    except ValueError:  # not the main thread, which alone hears signals
        found.clear()
    try:
        yield
    finally:
        for number, before in found.items():
            if signal.getsignal(number) is heard:
                signal.signal(number, before)
