"""A process that records calls while the power is cut again and again: each cut writes what is on the disk
at that moment to a folder, and says as a line of JSON which calls were acknowledged before it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import event

from promptgraph.domain.call import NewCall
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database
from tests.faults.disk import Disk

CALLERS = 8
CALLS = 400
CUT = 0.08
PARTS = (0.0, 0.5)
"""How much of what was not synced a cut may leave."""


def set_up(db: Database, synchronous: str) -> None:
    """Checkpoints come often, so that cuts fall into them; `FULL` leaves the sync as the product has it."""

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_autocheckpoint=40")
        if synchronous != "FULL":
            cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    event.listen(db.engines[0].sync_engine, "connect", prepare)


async def main(synchronous: str, file: str, folder: str) -> None:
    disk, rng = Disk(), random.Random(file)  # noqa: S311  # moments, no secrets
    db = Database(f"sqlite:///{file}")
    set_up(db, synchronous)
    recorder = Recorder(db, PriceBook(), now=lambda: dt.datetime.now(dt.UTC), unlinked=True)
    await recorder.start()
    acknowledged: list[int] = []
    numbers = iter(range(1, CALLS + 1))
    cuts = 0

    async def caller() -> None:
        nonlocal cuts
        for number in numbers:
            await recorder.record([NewCall(call_id=UUID(int=number), model="m")])
            acknowledged.append(number)
            if rng.random() < CUT:
                cuts += 1
                told, where = list(acknowledged), Path(folder, str(cuts))
                disk.cut(where, PARTS[cuts % 2], rng)
                sys.stdout.write(json.dumps({"folder": str(where), "acknowledged": told}) + "\n")

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await recorder.stop()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
