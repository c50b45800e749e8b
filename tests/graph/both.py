"""One operation by both executors, side by side."""

from __future__ import annotations

from typing import Any

from promptgraph.graph.admission import chosen
from promptgraph.graph.documents import Documents, Prepared
from promptgraph.graph.fast.compiler import compiled
from promptgraph.graph.fast.program import Program
from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context
from promptgraph.graph.wire import encoded
from promptgraph.store.database import Database
from promptgraph.store.snapshot import Snapshot
from tests.graph.registry import NOW, schema
from tests.recorders import live, recorder

WIDE = Limits(depth=64, cost=10**9, selections=100_000, aliases=1_000, tokens=20_000, characters=10**6)


def prepared(query: str, limits: Limits = WIDE) -> Prepared:
    """The document; fails the test where it does not fit the schema."""
    found = Documents(schema().core, limits, introspection=True).prepare(query)
    assert () == found.errors, found.errors
    return found


def program(query: str, name: str | None = None) -> Program:
    """The program of an operation."""
    document = prepared(query)
    return compiled(schema(), document, chosen(document, name).node)


def context(db: Database, snapshot: Snapshot | None = None, **facts: Any) -> Context:
    """What a request's resolvers share."""
    made = Context(db, recorder(db), live(db), lambda: NOW, "development", **facts)
    if snapshot is not None:
        made.remember(snapshot)
    return made


async def fast(
    db: Database,
    query: str,
    /,
    *,
    name: str | None = None,
    snapshot: Snapshot | None = None,
    **variables: Any,
) -> dict[str, Any]:
    """The data, by the program alone; raises DeoptError where that is not for it."""
    return await program(query, name).run(context(db, snapshot), variables)


async def standard(
    db: Database, query: str, /, *, name: str | None = None, **variables: Any
) -> dict[str, Any]:
    """The data, by strawberry alone; fails the test on any error."""
    shared = context(db, document=prepared(query).document)
    found = await schema().execute(
        query, variable_values=variables, context_value=shared, operation_name=name
    )
    assert found.data is not None
    assert not found.errors, found.errors
    return found.data


async def agreed(db: Database, query: str, /, **asked: Any) -> dict[str, Any]:
    """The data that both give, to the byte; fails the test where they differ."""
    snapshot = asked.pop("snapshot", None)
    quick = await fast(db, query, snapshot=snapshot, **asked)
    assert encoded(await standard(db, query, **asked)) == encoded(quick)
    return quick
