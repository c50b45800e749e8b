"""How the schema is declared: the only calls of strawberry's makers of fields, inputs and enums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import EnumMeta
from inspect import getdoc
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, dataclass_transform

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types import get_object_definition
from strawberry.types.arguments import StrawberryArgument, StrawberryArgumentAnnotation
from strawberry.types.enum import has_enum_definition
from strawberry.types.field import StrawberryField

from promptgraph.graph.loaders import Info
from promptgraph.graph.paging import Asked

T = TypeVar("T")
Resolver = Callable[..., Any]
Reader = Callable[[Any], Any]

READ, LINK = "read", "link"
"""Under which a field's metadata holds how its value is read: the path or the function, or the `Link`."""
PAGE = "page"
PAGE_ARGUMENTS: Mapping[str, tuple[Any, str]] = {
    "first": (int | None, "How many, from the start: 0 to 100, 20 if neither `first` nor `last` is given."),
    "after": (str | None, "A cursor: only what comes after it."),
    "last": (
        int | None,
        "How many, from the end and in the list's order: 0 to 100. Not together with `first`.",
    ),
    "before": (str | None, "A cursor: only what comes before it."),
}


def words(description: str, *, shape: Any = None) -> StrawberryArgumentAnnotation:
    """The description of an argument, for `Annotated`; and the input that it has in the schema, where that is
    not the resolver's own type.
    """
    return strawberry.argument(description=description, graphql_type=shape)


class Link(NamedTuple):
    """Where a field's value is found: by `loader`, with the key that `key` reads from the record; null where
    that is None. `give` makes the value of what was found.
    """

    loader: str
    key: Reader
    give: Reader | None = None


def attribute(
    description: str,
    *,
    of: str | None = None,
    name: str | None = None,
    rows: int | None = None,
    deprecated: str | None = None,
) -> Any:
    """A field that is an attribute of the record: the one of its name, or the one at the dotted path `of`.
    `rows`: how many a list is taken to have; `deprecated` says what to use instead, and since when.
    """
    facts: dict[str, Any] = {"description": description, "name": name, "deprecation_reason": deprecated}
    facts |= {"metadata": {"rows": rows, READ: of}}
    if of is None:
        return strawberry.field(**facts)
    return strawberry.field(resolver=_reading(attrgetter(of)), **facts)


def computed(description: str, read: Reader) -> Any:
    """A field that is a function of the record."""
    return strawberry.field(resolver=_reading(read), description=description, metadata={READ: read})


def _reading(read: Reader) -> Resolver:
    def value(root: Any) -> Any:
        return read(root)

    return value


def linked(
    description: str,
    loader: str,
    key: str | Reader,
    *,
    give: Reader | None = None,
    name: str | None = None,
    rows: int | None = None,
) -> Any:
    """A field that one of the request's loaders answers: `Link` says how. `key` may be the path of an
    attribute; `rows`: as for `attribute`.
    """
    link = Link(loader, attrgetter(key) if isinstance(key, str) else key, give)
    facts = {"rows": rows, LINK: link}
    return strawberry.field(resolver=_loading(link), description=description, name=name, metadata=facts)


def _loading(link: Link) -> Resolver:
    async def value(root: Any, info: Info) -> Any:
        key = link.key(root)
        if key is None:
            return None
        found = await getattr(info.context.load, link.loader).load(key)
        return found if link.give is None else link.give(found)

    return value


def resolved(resolver: Resolver, *, cost: int = 1, rows: int | None = None, name: str | None = None) -> Any:
    """Attach `resolver`; its docstring's first paragraph becomes the description. `cost` is what the guard
    charges for one, `rows` how many a list is taken to have.
    """
    facts = {"cost": cost, "rows": rows}
    return _without_null_defaults(
        strawberry.field(resolver=resolver, name=name, description=_summary(resolver), metadata=facts)
    )


def mutation(resolver: Resolver, *, cost: int = 100) -> Any:
    """`resolved` for `Mutation`."""
    return resolved(resolver, cost=cost)


def subscription(resolver: Resolver) -> Any:
    """`resolved` for `Subscription`: the resolver gives the feed of its events."""
    made = resolved(resolver)
    made.is_subscription = True
    return made


def connection(resolver: Resolver) -> Any:
    """`resolved` for a list in pages: the four paging arguments reach the resolver as one, `page`."""
    made = resolved(resolver)
    made.extensions.append(Paged())
    return made


class Paged(FieldExtension):
    """Adds first, after, last and before; hands them on as an `Asked`."""

    def apply(self, field: StrawberryField) -> None:
        own = [argument for argument in field.arguments if argument.python_name != PAGE]
        paging = [
            StrawberryArgument(name, None, StrawberryAnnotation(type_), description=description)
            for name, (type_, description) in PAGE_ARGUMENTS.items()
        ]
        field.arguments = [*paging, *own]

    async def resolve_async(self, next_: Resolver, source: Any, info: Any, **given: Any) -> Any:
        return await next_(source, info, **in_pages(given))


def in_pages(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a list in pages as its resolver takes them."""
    page = Asked(**{name: given.get(name) for name in PAGE_ARGUMENTS})
    return {PAGE: page, **{name: value for name, value in given.items() if name not in PAGE_ARGUMENTS}}


def _summary(resolver: Resolver) -> str | None:
    doc = getdoc(resolver)
    return " ".join(doc.split("\n\n")[0].split()) if doc else None


def _without_null_defaults(made: StrawberryField) -> StrawberryField:
    """An argument that may be left out has no default in the SDL; its resolver's None stands in."""
    for argument in made.arguments:
        if argument.default is None:
            argument.default = strawberry.UNSET
    return made


@dataclass_transform(kw_only_default=True)
def shape(cls: type[T]) -> type[T]:
    """A type of the schema; the class's docstring is its description."""
    return strawberry.type(cls, description=getdoc(cls))


@dataclass_transform(kw_only_default=True)
def interface(cls: type[T]) -> type[T]:
    """An interface of the schema; the class's docstring is its description."""
    return strawberry.interface(cls, description=getdoc(cls))


@dataclass_transform(kw_only_default=True)
def input_shape(
    *, name: str | None = None, read: Callable[[Mapping[str, Any]], Any] | None = None
) -> Callable[[type[T]], type[T]]:
    """An input of the schema; the class's docstring describes it. A default of None is none in the SDL.
    `read` makes what the resolver gets, of the values under their names in the schema; it is for inputs that
    come by the thousand and hold no other inputs.
    """

    def declare(cls: type[T]) -> type[T]:
        made = strawberry.input(cls, name=name, description=getdoc(cls))
        definition = get_object_definition(made, strict=True)
        for each in definition.fields:
            if each.default_value is None:
                each.default_value = strawberry.UNSET
        definition.from_input = read and _reads(read)
        return made

    return declare


def _reads(read: Callable[[Mapping[str, Any]], Any]) -> Callable[[type, Mapping[str, Any], Any], Any]:
    return lambda _class, sent, _context: read(sent)


def enum_shape(enum: EnumMeta, name: str, description: str, values: Mapping[str, str]) -> None:
    """Make a domain enum one of the schema, too: by name of each member, what it means."""
    made = strawberry.enum(enum, name=name, description=description)
    if has_enum_definition(made):
        for value in made.__strawberry_definition__.values:
            value.description = values[value.name]
