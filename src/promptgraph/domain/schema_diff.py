"""What changed between two JSON Schemas: for callers, who send values, or for code that reads outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from promptgraph.domain.canonical import Json, JsonObject, canonical_json
from promptgraph.domain.change import Change, ChangeKind, Impact

_VERBS = {ChangeKind.ADDED: "is new", ChangeKind.REMOVED: "is gone", ChangeKind.CHANGED: "changed"}


def same(before: Json, after: Json) -> bool:
    """Whether both are one value in JSON: 1 is 1.0, and neither of them is true."""
    return canonical_json(before) == canonical_json(after)


@dataclass(frozen=True, slots=True)
class Schemas:
    """Two versions of one schema, neither empty of meaning: `path` is where it stands, `name` what it
    describes, e.g. "docs[].title". `read`: code reads such values; otherwise callers send them.
    """

    path: str
    name: str
    before: JsonObject
    after: JsonObject
    read: bool = False

    @property
    def subject(self) -> str:
        if not self.name:
            return "The output" if self.read else "The input"
        return f"{'Output' if self.read else 'Variable'} `{self.name}`"

    def differing(self) -> Iterator[str]:
        """The keywords that are not the same in both, sorted."""
        for key in sorted(self.before.keys() | self.after.keys()):
            if key not in self.before or key not in self.after or not same(self.before[key], self.after[key]):
                yield key

    def kind(self, keyword: str) -> ChangeKind:
        if keyword not in self.before:
            return ChangeKind.ADDED
        return ChangeKind.CHANGED if keyword in self.after else ChangeKind.REMOVED

    def change(self, keyword: str, impact: Impact, sentence: str) -> Change:
        return Change(
            path=f"{self.path}.{keyword}",
            kind=self.kind(keyword),
            before=self.before.get(keyword),
            after=self.after.get(keyword),
            impact=impact,
            sentence=f"{self.subject} {sentence}",
        )

    def inside(self, step: str, name: str, before: Json, after: Json) -> Schemas:
        """Two versions of a part of the schema."""
        path, whole = f"{self.path}.{step}", f"{self.name}{name}".removeprefix(".")
        return replace(self, path=path, name=whole, before=facts(before), after=facts(after))


def facts(schema: Json) -> JsonObject:
    """A schema as a mapping: true allows all, false nothing."""
    if isinstance(schema, dict):
        return schema
    return {} if schema is True else {"not": {}}


def schema_changes(schemas: Schemas, *, without: Iterable[str] = ()) -> list[Change]:
    """Every difference between the two but those in the keywords `without`; none if there is none."""
    return [
        change
        for keyword in schemas.differing()
        if keyword not in without
        for change in _RULES.get(keyword, _other)(schemas, keyword)
    ]


_Rule = Callable[[Schemas, str], Iterable[Change]]


def _other(schemas: Schemas, keyword: str) -> Iterator[Change]:
    """A constraint: callers may break on a new or changed one, never on one that is gone."""
    kind = schemas.kind(keyword)
    eased = kind is ChangeKind.REMOVED or schemas.after.get(keyword) is True or keyword.startswith("x-")
    yield _told(schemas, keyword, eased=eased)


def _told(schemas: Schemas, keyword: str, *, eased: bool) -> Change:
    verb = _VERBS[schemas.kind(keyword)]
    if eased or schemas.read:
        return schemas.change(keyword, Impact.MINOR, f"has another rule: `{keyword}` {verb}.")
    return schemas.change(
        keyword, Impact.MAJOR, f"is checked more strictly: `{keyword}` {verb}; callers may be refused."
    )


def _words(schemas: Schemas, keyword: str) -> Iterator[Change]:
    yield schemas.change(keyword, Impact.PATCH, f"is described in other words: `{keyword}`.")


_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")


def _bound(schemas: Schemas, keyword: str) -> Iterator[Change]:
    before, after = schemas.before.get(keyword), schemas.after.get(keyword)
    eased = schemas.kind(keyword) is ChangeKind.REMOVED
    if isinstance(before, int | float) and isinstance(after, int | float):
        eased = after > before if keyword in _UPPER else after < before
    yield _told(schemas, keyword, eased=eased)


def _type(schemas: Schemas, keyword: str) -> Iterator[Change]:
    before, after = _types(schemas.before.get(keyword)), _types(schemas.after.get(keyword))
    shown = _listed(schemas.after.get(keyword))
    if before == after:
        yield schemas.change(keyword, Impact.PATCH, "has its type written in another way.")
    elif schemas.read:
        impact = Impact.MINOR if after < before else Impact.MAJOR
        broken = "" if after < before else ": code that reads it breaks"
        yield schemas.change(keyword, impact, f"is {shown} now{broken}.")
    elif before < after:
        yield schemas.change(keyword, Impact.MINOR, f"takes more types: {shown}.")
    else:
        yield schemas.change(keyword, Impact.MAJOR, f"takes another type: callers must send {shown}.")


_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def _types(value: Json) -> frozenset[str]:
    names = {name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)}
    if not names:
        return _TYPES
    return frozenset(names | {"integer"} if "number" in names else names)


def _listed(value: Json) -> str:
    names = value if isinstance(value, list) else [value]
    return " or ".join(str(name) for name in names) if value else "any type"


def _enum(schemas: Schemas, keyword: str) -> Iterator[Change]:
    if schemas.kind(keyword) is not ChangeKind.CHANGED:
        yield from _other(schemas, keyword)
        return
    before, after = _values(schemas.before[keyword]), _values(schemas.after[keyword])
    if before == after:
        yield schemas.change(keyword, Impact.PATCH, "has its values in another order.")
    elif schemas.read:
        yield schemas.change(keyword, Impact.MINOR, "may hold other values now.")
    elif before < after:
        yield schemas.change(keyword, Impact.MINOR, "takes more values.")
    else:
        yield schemas.change(keyword, Impact.MAJOR, "takes other values: callers may be refused.")


def _values(value: Json) -> frozenset[bytes]:
    return frozenset(map(canonical_json, value if isinstance(value, list) else [value]))


def _properties(schemas: Schemas, keyword: str) -> Iterator[Change]:
    before, after = facts(schemas.before.get(keyword, {})), facts(schemas.after.get(keyword, {}))
    for name in sorted(before.keys() | after.keys()):
        inner = schemas.inside(f"{keyword}.{name}", f".{name}", before.get(name, {}), after.get(name, {}))
        if name not in after:
            broken = "code that reads it breaks" if schemas.read else "callers must stop sending it"
            sentence = f"{inner.subject} is gone: {broken}."
            yield Change(inner.path, ChangeKind.REMOVED, before[name], None, Impact.MAJOR, sentence)
        elif name not in before:
            sentence = f"{inner.subject} is new."
            yield Change(inner.path, ChangeKind.ADDED, None, after[name], Impact.MINOR, sentence)
        else:
            yield from part_changes(inner, before[name], after[name])


def part_changes(schemas: Schemas, before: Json, after: Json) -> list[Change]:
    """As `schema_changes`; a way of writing that makes no difference is told, too."""
    if same(before, after):
        return []
    sentence = f"{schemas.subject} is written in another way."
    return schema_changes(schemas) or [
        Change(schemas.path, ChangeKind.CHANGED, before, after, Impact.PATCH, sentence)
    ]


def _required(schemas: Schemas, keyword: str) -> Iterator[Change]:
    before, after = _names(schemas.before.get(keyword)), _names(schemas.after.get(keyword))
    kept = schemas.after.get("properties")
    if set(before) == set(after):
        yield schemas.change(keyword, Impact.PATCH, "has its required parts in another order.")
    for name in sorted(set(before) ^ set(after)):
        inner = schemas.inside(f"{keyword}.{name}", f".{name}", {}, {})
        if name in after:
            sentence = "is always there now." if schemas.read else "is required now: callers must send it."
            impact = Impact.MINOR if schemas.read else Impact.MAJOR
        elif schemas.read and isinstance(kept, dict) and name in kept:
            sentence, impact = "may be missing now: code that reads it breaks.", Impact.MAJOR
        else:
            sentence, impact = "is not required any more.", Impact.MINOR
        yield Change(
            inner.path,
            ChangeKind.CHANGED,
            name in before,
            name in after,
            impact,
            f"{inner.subject} {sentence}",
        )


def _names(value: Json) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _part(schemas: Schemas, keyword: str) -> Iterable[Change]:
    before, after = schemas.before.get(keyword), schemas.after.get(keyword)
    if isinstance(before, dict) and isinstance(after, dict):
        return part_changes(schemas.inside(keyword, "[]", before, after), before, after)
    return _other(schemas, keyword)


def _definitions(schemas: Schemas, keyword: str) -> Iterator[Change]:
    before, after = facts(schemas.before.get(keyword, {})), facts(schemas.after.get(keyword, {}))
    for name in sorted(before.keys() | after.keys()):
        step, parts = f"{keyword}.{name}", (before.get(name, {}), after.get(name, {}))
        if name in before and name in after:
            yield from part_changes(schemas.inside(step, f" ({name})", *parts), *parts)
            continue
        kind = ChangeKind.ADDED if name in after else ChangeKind.REMOVED
        sentence = f"{schemas.subject}: the definition `{name}` {_VERBS[kind]}."
        path = f"{schemas.path}.{step}"
        yield Change(path, kind, before.get(name), after.get(name), Impact.MINOR, sentence)


_RULES: dict[str, _Rule] = {
    "type": _type,
    "enum": _enum,
    "properties": _properties,
    "required": _required,
    "items": _part,
    "additionalProperties": _part,
    "$defs": _definitions,
    **dict.fromkeys(("title", "description", "examples", "$comment", "deprecated", "$schema"), _words),
    **dict.fromkeys(_UPPER + _LOWER, _bound),
}
