"""What a JSON Schema may cost to apply: no way out of it, no circle in place, no fan-out without end."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.json_pointer import is_inner, pointed_at
from promptgraph.domain.text import MAX_JSON_DEPTH

MAX_APPLIED = 1_000
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Reach(Enum):
    """What a keyword's schemas apply to: the same value, or parts of it; all of them, or one at a time."""

    HERE = auto()
    BELOW = auto()
    BELOW_ONE = auto()


_REACH: dict[str, _Reach] = {
    **dict.fromkeys(
        ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"), _Reach.HERE
    ),
    **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), _Reach.BELOW),
    **dict.fromkeys(("patternProperties", "unevaluatedItems", "unevaluatedProperties"), _Reach.BELOW),
    **dict.fromkeys(("properties", "prefixItems"), _Reach.BELOW_ONE),
}
_MAPS = frozenset({"dependentSchemas", "patternProperties", "properties"})
_LEFT = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_KEPT_OUT = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary"})


class Cost(NamedTuple):
    """How often schemas, and patterns among them, are applied to one and the same value, at most."""

    schemas: int = 0
    patterns: int = 0

    def plus(self, other: Cost, times: int = 1) -> Cost:
        return Cost(self.schemas + times * other.schemas, self.patterns + times * other.patterns)

    def or_else(self, other: Cost) -> Cost:
        return Cost(max(self.schemas, other.schemas), max(self.patterns, other.patterns))


def cost_of(schema: Json) -> Cost:
    """What applying `schema` to any one part of a value costs, however deep the part stands.

    raises  InvalidInputError  it refers out of itself, or to itself in place, or branches beyond MAX_APPLIED
    cost    linear in the schema: each part is measured once per depth, whatever refers to it
    """
    measure = _Measure(schema)
    worst = Cost()
    try:
        for depth in range(MAX_JSON_DEPTH + 1):
            cost = measure.at(schema, depth)
            if not cost.schemas:
                break  # where nothing applies, nothing applies any deeper
            worst = worst.or_else(cost)
    except RecursionError as error:
        raise InvalidInputError("it is nested too deeply.") from error
    if worst.schemas > MAX_APPLIED:
        raise InvalidInputError(f"it branches too much: more than {MAX_APPLIED} schemas apply to one value.")
    return worst


@dataclass(slots=True)
class _Parts:
    """A schema taken apart: its own cost, and the schemas in it by their reach."""

    own: Cost
    here: list[Json] = field(default_factory=list)
    below: list[Json] = field(default_factory=list)
    below_one: list[list[Json]] = field(default_factory=list)
    times: int = 1


@dataclass(slots=True)
class _Measure:
    """What each part of `root` costs at each depth below it, and what is being measured now."""

    root: Json
    parts: dict[int, _Parts] = field(default_factory=dict)
    known: dict[tuple[int, int], Cost] = field(default_factory=dict)
    open: set[tuple[int, int]] = field(default_factory=set)

    def at(self, schema: Json, depth: int) -> Cost:
        if not isinstance(schema, dict):
            return Cost() if depth else Cost(1)
        key = id(schema), depth
        if key in self.open:
            raise InvalidInputError("it refers to itself without going deeper into the value.")
        if key not in self.known:
            self.open.add(key)
            self.known[key] = self.sum(self.taken_apart(schema), depth)
            self.open.remove(key)
        return self.known[key]

    def sum(self, parts: _Parts, depth: int) -> Cost:
        total = Cost() if depth else parts.own
        for child in parts.here:
            total = total.plus(self.at(child, depth), parts.times)
        if depth:
            for child in parts.below:
                total = total.plus(self.at(child, depth - 1))
            for choices in parts.below_one:
                worst = Cost()
                for child in choices:
                    worst = worst.or_else(self.at(child, depth - 1))
                total = total.plus(worst)
        return total

    def taken_apart(self, schema: JsonObject) -> _Parts:
        found = self.parts.get(id(schema))
        if found is None:
            found = self.parts[id(schema)] = _taken_apart(schema, self.root)
        return found


def _taken_apart(schema: JsonObject, root: Json) -> _Parts:
    if out := _KEPT_OUT & schema.keys():
        raise InvalidInputError(f"`{min(out)}` is not supported: refer with $ref to #/$defs/….")
    if schema.get("$schema", DIALECT) not in (DIALECT, DIALECT + "#"):
        raise InvalidInputError(f"only one $schema is supported: {DIALECT}.")
    parts = _Parts(_own(schema))
    for keyword in schema.keys() & _REACH.keys():
        inner = _inner(keyword, schema[keyword])
        if _REACH[keyword] is _Reach.BELOW_ONE:
            parts.below_one.append(inner)
        else:
            (parts.here if _REACH[keyword] is _Reach.HERE else parts.below).extend(inner)
    if "$ref" in schema:
        parts.here.append(_target(schema["$ref"], root))
    if schema.keys() & _LEFT:
        parts.times = 2  # what is left is found by applying the neighbours once more
    return parts


def _own(schema: JsonObject) -> Cost:
    """A schema's own keywords; long lists such as enum count by their length."""
    length = sum(len(value) // 16 for value in schema.values() if isinstance(value, dict | list))
    named = schema.get("patternProperties")
    return Cost(1 + length, ("pattern" in schema) + (len(named) if isinstance(named, dict) else 0))


def _inner(keyword: str, value: Json) -> list[Json]:
    """The schemas that a keyword holds: by name, in a list, or one."""
    if isinstance(value, dict) and keyword in _MAPS:
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _target(ref: Json, root: Json) -> Json:
    """What a $ref points at, inside the schema."""
    if not isinstance(ref, str) or not is_inner(ref):
        raise InvalidInputError(
            f"`$ref` may only point into the schema itself, as #/$defs/NAME does, not to {_shown(ref)}."
        )
    try:
        return pointed_at(ref, root)
    except LookupError as error:
        raise InvalidInputError(f"`$ref` points at {_shown(ref)}, which is not there.") from error


def _shown(ref: Json) -> str:
    return repr(ref if isinstance(ref, str) else type(ref).__name__)[:80]
