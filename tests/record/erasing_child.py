"""A process that erases a few calls at a time, and says so each time: to be killed."""

from __future__ import annotations

import asyncio
import sys

from promptgraph.domain.erasure import Erasure
from promptgraph.record import pace
from promptgraph.record.erasing import erase
from promptgraph.store.database import Database

FEW = 3


async def main(url: str, user_id: str) -> None:
    pace.FIRST_BATCH = pace.MOST = FEW
    pace.SECONDS = 3600.0  # however slow the machine is, a batch stays as large
    async for done in erase(Database(url), Erasure(reason="asked", user_id=user_id), by="a child"):
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
