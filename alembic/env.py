"""How alembic reaches the database: by a connection that promptgraph hands over, or, on alembic's own
command line, by PROMPTGRAPH_DATABASE_URL.
"""

import asyncio
import importlib.util
import os
from pathlib import Path
from types import ModuleType

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from promptgraph.store.database import Database
from promptgraph.store.migrate import is_ours, locked
from promptgraph.store.tables import METADATA


def load(name: str) -> ModuleType:
    """A module of this folder, which is no package: a folder on sys.path would shadow others."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(connection: Connection) -> None:
    """Run what alembic was asked for, inside the transaction that `connection` is in."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_object=is_ours,
        render_as_batch=True,
        columns=load("columns"),
        legacy=load("legacy"),
        legacy_calls=load("legacy_calls"),
        legacy_rows=load("legacy_rows"),
        told=context.config.attributes,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_by_url(url: str) -> None:
    await locked(Database(url), run)


if context.is_offline_mode():
    raise CommandError("The migrations convert rows, so there is no SQL to print: run them on a database.")
if (given := context.config.attributes.get("connection")) is not None:
    run(given)
elif url := os.environ.get("PROMPTGRAPH_DATABASE_URL"):
    asyncio.run(run_by_url(url))
else:
    raise CommandError("Set PROMPTGRAPH_DATABASE_URL to the database that is meant.")
