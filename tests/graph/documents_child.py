"""Asks a pipeline for so many distinct documents of so many fields, and prints the memory that it took after
each quarter: run as a program.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from pathlib import Path

from promptgraph.graph.executors import Executing
from promptgraph.store import migrate
from promptgraph.store.database import Database
from tests.graph.registry import pipeline


def body(number: int, aliases: int) -> bytes:
    """A request for a document that no other request is for."""
    text = " ".join(f"a{alias}_{number}:__typename" for alias in range(aliases))
    return json.dumps({"query": f"{{{text}}}", "variables": {"n": number}}).encode()


async def main(documents: int, aliases: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'none.db'}")
        await migrate.upgrade(db)
        line = pipeline(db, executing=Executing())
        taken = []
        for number in range(documents):
            found = await line.answer(await line.read(body(number, aliases)))
            assert "errors" not in found.payload, found.payload
            if (number + 1) % (documents // 4) == 0:
                taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        await db.close()
    print(json.dumps({"fast": line.counters.fast, "taken": taken}))  # noqa: T201  # what it is for


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
