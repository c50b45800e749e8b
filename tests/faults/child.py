"""`promptgraph` with a fault planted: the environment's FAULT is a word of FAULTS, then its values."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from promptgraph import app
from promptgraph.cli.main import main
from promptgraph.record import folder
from promptgraph.record.folder import Folder
from promptgraph.record.recorder import Recorder, _Stored, _Waiting
from promptgraph.store import rollups

HASTE_S = 0.05


def dies(chance: str, seed: str) -> None:
    """kill -9 by its own hand: after so large a part of its commits of calls, before anybody is answered."""
    moments, wake = random.Random(seed), Folder.wake  # noqa: S311  # moments, no secrets

    def woken(self: Folder) -> None:
        wake(self)
        if moments.random() < float(chance):
            os.kill(os.getpid(), signal.SIGKILL)

    Folder.wake = woken  # type: ignore[method-assign]  # called between COMMIT and answer


def hasty() -> None:
    """It answers a moment before it commits."""
    write = Recorder._write  # noqa: SLF001  # what the fault is planted in

    async def written(self: Recorder, batch: Sequence[_Waiting]) -> None:
        for waiting in batch:
            waiting.settle(_Stored(waiting.row.call(dt.datetime.now(dt.UTC)), new=True), first=True)
        await asyncio.sleep(HASTE_S)
        await write(self, batch)

    Recorder._write = written  # type: ignore[method-assign]  # noqa: SLF001  # as above


def late(days: str) -> None:
    """Its clock is wrong."""
    shift = dt.timedelta(days=float(days))
    now, fold = app.clock, rollups.fold

    def clock() -> dt.datetime:
        return now() + shift

    async def folded(*words: Any, **more: Any) -> int | None:
        return await fold(*words, now=clock(), **more)

    (app.build.__kwdefaults__ or {}).update(now=clock)
    app.prepare.__defaults__ = (clock,)
    folder.fold = folded  # type: ignore[attr-defined]  # where the folder looks it up


FAULTS: Mapping[str, Callable[..., None]] = {"dies": dies, "hasty": hasty, "late": late}


if __name__ == "__main__":
    word, *values = os.environ["FAULT"].split()
    FAULTS[word](*values)
    main()
