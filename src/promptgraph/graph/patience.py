"""Waiting no longer than so long, at no cost where nothing is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@coroutine
def within(seconds: float, work: Awaitable[T]) -> Generator[Any, Any, T]:
    """What `work` gives. The clock starts when it first has to wait: what is ready sets none.

    raises  TimeoutError  it had to wait longer; then it was cancelled
    """
    steps = work.__await__()
    try:
        waiting = next(steps)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what `work` gives
    return (yield from _rest(seconds, steps, waiting).__await__())


async def _rest(seconds: float, steps: Generator[Any, Any, T], waiting: Any) -> T:
    async with asyncio.timeout(seconds):
        return await _resumed(steps, waiting)


@coroutine
def _resumed(steps: Generator[Any, Any, T], waiting: Any) -> Generator[Any, Any, T]:
    """Go on with what has begun and waits for `waiting`."""
    try:
        while True:
            try:
                yield waiting
            except BaseException as error:  # noqa: BLE001  # handed on, as `await` does
                waiting = steps.throw(error)
            else:
                waiting = next(steps)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what `work` gives
