"""A process that syncs a folder, to be killed: says `ready`, then begins at the first line it reads.

`whole` is the real thing. `piecewise` commits change by change: the control, which must be caught half-way.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from pathlib import Path

from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.tree import Tree
from promptgraph.files.tree import read_tree
from promptgraph.store import registry
from promptgraph.store.database import Database
from promptgraph.sync.apply import sync_tree
from promptgraph.sync.plan import plan
from promptgraph.sync.scope import Scope
from promptgraph.sync.writers import Written, write_changes


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def whole(db: Database, tree: Tree) -> None:
    await sync_tree(db, tree, SyncOrigin(), now=now)


async def piecewise(db: Database, tree: Tree) -> None:
    async with db.read() as session:
        stored = await registry.inventory(session)
    for change in plan(Scope(tree, stored)).changes:
        async with db.write() as session:
            await write_changes(session, [change], stored, Written(SyncOrigin(), now()))


async def main(how: str, url: str, folder: str) -> None:
    tree = read_tree(Path(folder))
    db = Database(url)
    async with db.read() as session:  # everything is imported and connected before the race begins
        await registry.revision(session)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    await {"whole": whole, "piecewise": piecewise}[how](db, tree)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
