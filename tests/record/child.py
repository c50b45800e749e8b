"""A process that records calls until it dies: says `ready`, reads the numbers of calls as JSON, and says each
number once its call is acknowledged. Each of its commits may be followed by its death, before any answer.

`keyed` calls have ids of the caller. Of `keyless` ones the server makes them: the control, which must double.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import random
import signal
import sys
from typing import Any
from uuid import UUID

from sqlalchemy import event

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database

CALLERS = 8


def call(number: int, *, keyed: bool) -> NewCall:
    """The call of this number, the same in every process; its number is its input tokens."""
    return NewCall(call_id=UUID(int=number) if keyed else None, model="m", input_tokens=number)


def dying(db: Database, chance: float, seed: int) -> None:
    """From now on each commit of `db` may be the last thing that this process does."""
    moments = random.Random(seed)  # noqa: S311  # a moment, not a secret

    def after(connection: Any) -> None:
        if moments.random() < chance:
            connection.connection.dbapi_connection.commit()
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in db.engines:
        event.listen(engine.sync_engine, "commit", after)


async def main(how: str, url: str, chance: str, seed: str) -> None:
    db = Database(url)
    recorder = Recorder(db, PriceBook(), now=lambda: dt.datetime.now(dt.UTC), unlinked=True)
    await recorder.start()
    dying(db, float(chance), int(seed))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    numbers = json.loads(await asyncio.to_thread(sys.stdin.readline))
    queue = iter(numbers)

    async def caller() -> None:
        for number in queue:
            (result,) = await recorder.record([call(number, keyed=how == "keyed")])
            if result.status is not RecordStatus.REJECTED:
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await recorder.stop()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
