"""What a program does, in words: its links level by level, and the functions that were written for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from promptgraph.graph.documents import Operation, Prepared
from promptgraph.graph.fast.compiler import compiled
from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.fast.described import DescribedStep
from promptgraph.graph.fast.levels import BatchStep, Level, LinkStep, Nested, ResolverStep, Step, Written
from promptgraph.graph.schema import Schema

READ, LOADER, RESOLVER, BATCH, SCHEMA = "record", "loader", "resolver", "batch", "schema"
"""How a link is followed: its object is held by the record, found by its key, found by a resolver that is
asked for each record, or read for all records of the level at once; or it is a description of the schema.
"""


class ExplainedLink(NamedTuple):
    """A link, by its place in the answer and its field. `how` is one of the five ways, `what` the loader or
    the resolver, or what is read. `waits`: also where the registry is in memory.
    """

    place: str
    field: str
    how: str
    what: str
    waits: bool


class Explanation(NamedTuple):
    """`left`: why it is left to the standard executor, if it is. `variables`: those that directives ask."""

    operation: str | None
    left: str | None = None
    registry_only: bool = False
    variables: tuple[str, ...] = ()
    links: tuple[ExplainedLink, ...] = ()
    functions: tuple[str, ...] = ()


def explained(schema: Schema, prepared: Prepared, operation: Operation) -> Explanation:
    """How the fast executor answers an operation, or why it does not."""
    try:
        program = compiled(schema, prepared, operation.node)
    except DeoptError as error:
        return Explanation(operation.name, left=str(error))
    level = program.whole.level
    return Explanation(
        operation.name,
        registry_only=program.registry_only,
        variables=tuple(sorted(program.conditions)),
        links=tuple(_links(level, "")),
        functions=tuple(dict.fromkeys(_functions(level))),
    )


def _links(level: Level, above: str) -> Iterator[ExplainedLink]:
    for step in level.steps:
        place = f"{above}{step.selected.key}"
        how, what = _way(step)
        yield ExplainedLink(place, f"{level.place.type}.{step.selected.name}", how, what, not step.ready)
        for below in _below(step):
            yield from _links(below, f"{place}.")


def _way(step: Step) -> tuple[str, str]:
    if isinstance(step, LinkStep):
        return LOADER, step.link.loader
    if isinstance(step, BatchStep):
        return BATCH, "; ".join(step.batch.words)
    if isinstance(step, ResolverStep):
        return RESOLVER, step.resolving.call.__name__
    return (SCHEMA if isinstance(step, DescribedStep) else READ), ""


def _below(step: Step) -> Iterator[Level]:
    if isinstance(step.completion, Nested) and not (isinstance(step, BatchStep) and step.batch.shaped):
        yield from step.completion.levels.values()


def _functions(level: Level) -> Iterator[str]:
    yield from level.function.texts()
    for step in level.steps:
        if isinstance(step, BatchStep) and step.batch.shaped:
            continue
        if isinstance(step.completion, Written):
            yield from step.completion.function.texts()
        for below in _below(step):
            yield from _functions(below)
