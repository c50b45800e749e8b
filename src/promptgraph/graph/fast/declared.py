"""How a field of the schema is declared: read from the record, linked by a loader, or resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLField, GraphQLObjectType
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from promptgraph.graph.fast.arguments import DECLARED
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.selection import Selected
from promptgraph.graph.field import LINK, READ, Link, Paged


class Reading(NamedTuple):
    """A value that is read from the record: the attribute at `path`, or what `call` gives."""

    path: str = ""
    call: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Resolving:
    """A resolver, and under which names it takes its parent and the request's info."""

    call: Callable[..., Any]
    parent: str | None
    info: str | None
    waits: bool


Declared = Reading | Link | Resolving


def declared(selected: Selected) -> Declared:
    """How a selected field's value is found.

    raises  DeoptError  it is declared in another way
    """
    definition = selected.definition
    if definition is None:
        raise DeoptError(Reason.FIELD)
    field = _field(definition)
    if any(not isinstance(extension, Paged) for extension in field.extensions):
        raise DeoptError(Reason.FIELD, selected.name)
    if isinstance(link := field.metadata.get(LINK), Link):
        return link
    read = field.metadata.get(READ)
    if callable(read):
        return Reading(call=read)
    if read is not None or field.base_resolver is None:
        return Reading(path=read or field.python_name)
    found = _resolving(field.base_resolver)
    if found.waits or found.info or not found.parent or selected.given is None:
        return found
    return Reading(call=partial(_called, found.call, found.parent, selected.given))


def _resolving(resolver: StrawberryResolver[Any]) -> Resolving:
    call: Any = resolver.wrapped_func
    parent, info = resolver.parent_parameter or resolver.root_parameter, resolver.info_parameter
    return Resolving(
        call, parent.name if parent else None, info.name if info else None, waits=resolver.is_async
    )


def _field(definition: GraphQLField) -> StrawberryField:
    found: StrawberryField = definition.extensions[DECLARED]
    return found


def _called(resolver: Callable[..., Any], parent: str, given: Mapping[str, Any], record: Any) -> Any:
    """What a resolver gives that needs no more than the record and constants."""
    return resolver(**{parent: record}, **given)


def record_of(type_: GraphQLObjectType) -> type | None:
    """The class whose instances are objects of the type, where the schema checks it."""
    if type_.is_type_of is None:
        return None
    found: type = type_.extensions[DECLARED].origin.record
    return found
