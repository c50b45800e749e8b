"""A process that prunes a few calls at a time, and says so each time: to be killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys

from promptgraph.record import pace, pruning
from promptgraph.store.database import Database

FEW = 3


async def main(url: str, days: str) -> None:
    pace.FIRST_BATCH = pace.MOST = FEW
    pace.SECONDS = 3600.0  # however slow the machine is, a batch stays as large
    async for done in pruning.prune(Database(url), int(days), now=dt.datetime.now(dt.UTC)):
        sys.stdout.write(f"{done.calls}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
