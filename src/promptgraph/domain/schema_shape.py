"""What a JSON Schema says of values, as far as a type can say it: for modules written from prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.json_pointer import is_inner, pointed_at

MAX_DEPTH = 10
"""Deeper than this, and behind a reference to itself, a value may be anything."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Plain:
    """`string`, `integer`, `number`, `boolean` or `null`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Exactly:
    """One of these texts, numbers, booleans or null."""

    values: tuple[str | int | float | bool | None, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are not known."""

    value: Shape


@dataclass(frozen=True, slots=True)
class Field:
    shape: Shape
    required: bool
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these keys, by name; there may be others."""

    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Two shapes or more."""

    shapes: tuple[Shape, ...]


Shape: TypeAlias = Anything | Plain | Exactly | ListOf | MapOf | Record | OneOf
_KINDS = ("string", "integer", "number", "boolean", "null", "array", "object")


def shape_of(schema: Json, root: Json = None) -> Shape:
    """The narrowest shape that holds every value that the schema takes, and that types can say. `root` is the
    schema that it is a part of, where its references point.
    """
    return _shape(schema, schema if root is None else root, 0, ())


def _shape(schema: Json, root: Json, depth: int, within: tuple[Json, ...]) -> Shape:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return Anything()
    if "$ref" in schema:
        # what refers to itself would be written out again and again: inside, it is anything
        inner = depth + 1 if schema["$ref"] not in within else MAX_DEPTH + 1
        return _shape(_target(schema["$ref"], root), root, inner, (*within, schema["$ref"]))
    if exact := _exact(schema):
        return exact
    for keyword in ("anyOf", "oneOf"):
        if isinstance(found := schema.get(keyword), list) and found and not _narrows(schema):
            return _union([_shape(one, root, depth + 1, within) for one in found])
    return _union([_of_kind(kind, schema, root, depth, within) for kind in _kinds(schema)])


def _narrows(schema: JsonObject) -> bool:
    """Whether a schema says a type beside its alternatives, which then only narrow it."""
    return "type" in schema or "properties" in schema


def _exact(schema: JsonObject) -> Exactly | None:
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(values, list) or not values:
        return None
    plain = [value for value in values if value is None or isinstance(value, str | int | float | bool)]
    return Exactly(tuple(plain)) if len(plain) == len(values) else None


def _kinds(schema: JsonObject) -> list[str]:
    """The types that a schema names, or shows by its keywords; none for any."""
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list):
        return [kind for kind in named if isinstance(kind, str)]
    if "properties" in schema:
        return ["object"]
    return ["array"] if "items" in schema else []


def _of_kind(kind: str, schema: JsonObject, root: Json, depth: int, within: tuple[Json, ...]) -> Shape:
    if kind == "array":
        return ListOf(_shape(schema.get("items"), root, depth + 1, within))
    if kind == "object":
        return _object(schema, root, depth, within)
    return Plain(kind) if kind in _KINDS else Anything()


def _object(schema: JsonObject, root: Json, depth: int, within: tuple[Json, ...]) -> Shape:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not properties:
        return MapOf(_shape(schema.get("additionalProperties"), root, depth + 1, within))
    wanted = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    return Record(
        {
            name: Field(_shape(inner, root, depth + 1, within), name in wanted, _description(inner))
            for name, inner in properties.items()
        }
    )


def _description(schema: Json) -> str | None:
    said = schema.get("description") if isinstance(schema, dict) else None
    return said if isinstance(said, str) else None


def _union(shapes: list[Shape]) -> Shape:
    """All of them as one: each once, and anything where one is anything."""
    once = (
        list(dict.fromkeys(_flat(shapes), None))
        if all(_is_hashable(one) for one in shapes)
        else _flat(shapes)
    )
    if not once or any(isinstance(one, Anything) for one in once):
        return Anything()
    return once[0] if len(once) == 1 else OneOf(tuple(once))


def _is_hashable(shape: Shape) -> bool:
    return isinstance(shape, Plain | Exactly)


def _flat(shapes: list[Shape]) -> list[Shape]:
    return [inner for one in shapes for inner in (one.shapes if isinstance(one, OneOf) else (one,))]


def _target(ref: Json, root: Json) -> Json:
    """What a reference within the schema points to; None for any other."""
    if not isinstance(ref, str) or not is_inner(ref):
        return None
    try:
        return pointed_at(ref, root)
    except LookupError:
        return None
