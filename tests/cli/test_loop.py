"""The event loop of a server."""

from __future__ import annotations

import asyncio

from promptgraph.cli.loop import ROOM, Loop


def test_calls_have_room_within() -> None:
    """The frame in which all else is called is the large one, and the loop runs as any other."""

    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert ROOM == Loop.run_forever.__code__.co_stacksize
    with asyncio.Runner(loop_factory=Loop) as runner:
        assert 7 == runner.run(work())
