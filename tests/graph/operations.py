"""Valid operations by chance: fragments, aliases, directives, variables, deep nesting, with values that often
mean something in the registry that is asked. The same seed makes the same operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_leaf_type,
)

DEEPEST = 7
Pool = Mapping[str, Sequence[Any]]
"""Values by `Type.field.argument`, by the argument's or input field's name, or by the name of the type."""


SENDINGS = 3


class Operation(NamedTuple):
    """A document, and the variables to send with it, one time after the other."""

    text: str
    sendings: Sequence[dict[str, Any]]


@dataclass
class _Document:
    """What one document has so far. `keys`: which field and arguments a name in the answer stands for, so
    that two places that are merged ask for the same. `left`: how many fields it may still have.
    """

    keys: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    sendings: Sequence[dict[str, Any]] = field(default_factory=lambda: [{} for _ in range(SENDINGS)])
    left: int = 0


class Maker:
    """Makes operations of a schema's Query."""

    def __init__(self, schema: GraphQLSchema, pool: Pool, seed: str) -> None:
        self._schema = schema
        self._pool = pool
        self._random = Random(seed)  # noqa: S311  # operations, no secrets

    def operation(self) -> Operation:
        """The next one."""
        document = _Document(left=self._random.randint(3, 40))
        query = self._schema.query_type
        if query is None:
            raise TypeError
        body = self._selections(document, query, 0)
        declared = f"({', '.join(document.declared)})" if document.declared else ""
        fragments = [f"fragment {name} on {on} {text}" for name, (on, text) in document.fragments.items()]
        return Operation("\n".join([f"query Made{declared} {body}", *fragments]), document.sendings)

    # ------------------------------------------------------------ selections

    def _selections(self, document: _Document, type_: Any, depth: int) -> str:
        items = self._fields(document, type_, depth)
        if not items:
            items = ["__typename"]
        if self._chance(0.2):
            items.append(self._repeated(document, type_, items))
        if isinstance(type_, GraphQLInterfaceType):
            items += self._narrowed(document, type_, depth)
        return "{" + " ".join(items) + "}"

    def _fields(self, document: _Document, type_: Any, depth: int) -> list[str]:
        known = {n: f for n, f in type_.fields.items() if n != "id" or self._chance(0.7)}
        leaves = [name for name, f in known.items() if is_leaf_type(get_named_type(f.type))]
        links = [name for name in known if name not in leaves] if depth < DEEPEST else []
        most = 4 if depth else 2
        chosen = self._some(leaves, most) + self._some(links, 2 if depth < 3 else 1)
        self._random.shuffle(chosen)
        made = []
        for name in chosen:
            if document.left > 0 and (text := self._field(document, type_, name, depth)):
                document.left -= 1
                made.append(text)
        if self._chance(0.15):
            made.append("__typename")
        return [self._wrapped(document, type_, text) for text in made]

    def _field(self, document: _Document, type_: Any, name: str, depth: int) -> str | None:
        definition: GraphQLField = type_.fields[name]
        given = self._arguments(document, f"{type_.name}.{name}", definition)
        kind = get_named_type(definition.type)
        # what an answer calls the field: the same everywhere in a document, whatever is merged there
        says = f"{name}{given}{'' if is_leaf_type(kind) else kind.name}"
        key = name if document.keys.setdefault(name, says) == says and self._chance(0.8) else None
        alias = ""
        if key is None:
            key = f"a{len(document.keys)}"
            document.keys[key] = says
            alias = f"{key}: "
        below = "" if is_leaf_type(kind) else " " + self._selections(document, kind, depth + 1)
        return f"{alias}{name}{given}{self._directive(document)}{below}"

    def _wrapped(self, document: _Document, type_: Any, text: str) -> str:
        """A field, alone, or in a fragment of some kind."""
        if self._chance(0.85):
            return text
        if self._chance(0.4):
            on = f" on {type_.name}" if self._chance(0.7) else ""
            return f"...{on}{self._directive(document)} {{{text}}}"
        name = f"F{len(document.fragments)}"
        document.fragments[name] = (type_.name, "{" + text + "}")
        return f"...{name}{self._directive(document)}"

    def _repeated(self, document: _Document, type_: Any, items: list[str]) -> str:
        """The same once more: a fragment of this type that is there already, or a field again."""
        fitting = [name for name, (on, _) in document.fragments.items() if on == type_.name]
        spread = [name for name in fitting if any(f"...{name}" in item for item in items)]
        return f"...{self._random.choice(spread)}" if spread else self._random.choice(items)

    def _narrowed(self, document: _Document, type_: GraphQLInterfaceType, depth: int) -> list[str]:
        kinds = list(self._schema.get_possible_types(type_))
        some = self._random.sample(kinds, min(len(kinds), self._random.randint(1, 4)))
        return [
            f"... on {kind.name} {{{' '.join(self._fields(document, kind, depth) or ['__typename'])}}}"
            for kind in some
        ]

    def _directive(self, document: _Document) -> str:
        if self._chance(0.93):
            return ""
        value = self._random.choice(["true", "false"])
        if self._chance(0.5):
            value = self._variable(document, "Boolean!", lambda: self._chance(0.5))
        return f" @{self._random.choice(['skip', 'include'])}(if: {value})"

    # ------------------------------------------------------------ arguments

    def _arguments(self, document: _Document, place: str, definition: GraphQLField) -> str:
        given = {
            name: self._argument(document, f"{place}.{name}", argument)
            for name, argument in definition.args.items()
            if _is_needed(argument) or self._chance(0.25)
        }
        if "last" in given and "first" in given and self._chance(0.95):
            del given["last"]
        return f"({', '.join(f'{name}: {text}' for name, text in given.items())})" if given else ""

    def _argument(self, document: _Document, place: str, argument: GraphQLArgument) -> str:
        draw = partial(self._value, place, argument.type)
        if self._chance(0.35):
            return self._variable(document, str(argument.type), draw, needed=_is_needed(argument))
        return _literal(draw(), argument.type)

    def _variable(
        self, document: _Document, type_: str, draw: Callable[[], Any], *, needed: bool = True
    ) -> str:
        name = f"v{len(document.declared)}"
        default = " = true" if type_ == "Boolean!" and self._chance(0.2) else ""
        document.declared.append(f"${name}: {type_}{default}")
        for variables in document.sendings:
            if (needed and not default) or self._chance(0.85):
                variables[name] = draw()
            elif not needed and self._chance(0.5):
                variables[name] = None
        return f"${name}"

    def _value(self, place: str, type_: Any) -> Any:
        """A value of the type, as JSON."""
        if isinstance(type_, GraphQLNonNull):
            return self._value(place, type_.of_type)
        if isinstance(type_, GraphQLList):
            found = self._pool.get(place)
            if found is not None:
                return self._random.choice(found)
            return [self._value(place, type_.of_type) for _ in range(self._random.randint(0, 3))]
        if isinstance(type_, GraphQLInputObjectType):
            chosen = [name for name, each in type_.fields.items() if _is_needed(each) or self._chance(0.25)]
            return {name: self._value(f"{type_.name}.{name}", type_.fields[name].type) for name in chosen}
        if isinstance(type_, GraphQLEnumType):
            return self._random.choice(list(type_.values))
        name = place.rpartition(".")[2]
        return self._random.choice(self._pool.get(place) or self._pool.get(name) or self._pool[type_.name])

    # ------------------------------------------------------------ chance

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _some(self, names: Sequence[str], most: int) -> list[str]:
        return self._random.sample(names, min(len(names), self._random.randint(0, most)))


def _is_needed(argument: Any) -> bool:
    return isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined


def _literal(value: Any, type_: Any) -> str:
    """A JSON value as it is written in a document."""
    if isinstance(type_, GraphQLNonNull):
        return _literal(value, type_.of_type)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        return "[" + ", ".join(_literal(item, type_.of_type) for item in value) + "]"
    if isinstance(type_, GraphQLInputObjectType):
        return _object({name: _literal(item, type_.fields[name].type) for name, item in value.items()})
    return str(value) if isinstance(type_, GraphQLEnumType) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return _object({name: _plain(item) for name, item in value.items()})
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in texts.items()) + "}"
