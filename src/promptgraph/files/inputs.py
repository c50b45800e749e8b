"""The variables that a prompt file declares: their schema and their defaults."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import islice

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.nearest import meant
from promptgraph.domain.prompt import PLACEHOLDER_SCHEMA
from promptgraph.files.core import free_at
from promptgraph.files.node import Finding, Map, Node, Scalar, Seq, finding, map_at, mark_at, shown
from promptgraph.template.schema import check_schema, violations

SENSITIVE = "x-sensitive"
MAX_BLAMED = 200
SCHEMA = ("input", "schema")
DEFAULT = ("input", "default")
PROPERTIES = (*SCHEMA, "properties")
_NAMING = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"))
"""Keys of JSON Schema below which a mapping's keys are names, not words of JSON Schema."""
_DECLARE = "Declare it under input.schema.properties."


def input_findings(root: Map, placeholders: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the variables' schema and their defaults."""
    schema = free_at(root, SCHEMA)
    broken = [*_shape(root)] or [*schema_findings(root, SCHEMA, schema)]
    yield from broken
    yield from _misplaced_defaults(root)
    yield from _sensitive(root)
    yield from _required(root, placeholders)
    yield from _placeholders(root, placeholders)
    yield from _strange_defaults(root, placeholders)
    if not broken:
        yield from _unfit_defaults(root, schema, placeholders)


def schema_findings(root: Map, path: tuple[str, ...], schema: JsonObject) -> Iterator[Finding]:
    """Why `schema`, which stands at `path`, is no JSON Schema, at the variable that is to blame."""
    message = _schema_fault(schema, ".".join(path)) if schema else None
    if message is None:
        return
    properties = schema.get("properties")
    parts = islice(properties.items() if isinstance(properties, dict) else (), MAX_BLAMED)
    blamed = next((name for name, part in parts if _schema_fault(part, "")), None)
    spot = path if blamed is None else (*path, "properties", blamed)
    yield finding(mark_at(root, spot, key=True), message)


def _schema_fault(schema: Json, field: str) -> str | None:
    try:
        check_schema(schema, field=field)
    except InvalidInputError as error:
        return str(error)
    return None


def _shape(root: Map) -> Iterator[Finding]:
    """Whether the schema is one of named variables."""
    schema = map_at(root, SCHEMA)
    if (kind := schema.get("type")) is not None and kind != "object":
        yield finding(kind.start, "`input.schema.type` must be `object`: it describes all variables.")
    properties = schema.get("properties")
    if properties is not None and not isinstance(properties, Map):
        yield finding(properties.start, "`input.schema.properties` must be a mapping of variables.")


def _misplaced_defaults(root: Map) -> Iterator[Finding]:
    for name, node in map_at(root, PROPERTIES).items():
        default = node.key("default") if isinstance(node, Map) else None
        if default is not None:
            hint = f"Put it under input.default: `{name}: …`."
            yield finding(default.start, f"The default of `{name}` stands inside its schema.", hint)


def _sensitive(root: Map) -> Iterator[Finding]:
    """`x-sensitive` that would not be heeded: misspelt, no boolean, or not on a variable itself."""
    stack: list[tuple[Node, tuple[str, ...], bool]] = [(map_at(root, SCHEMA), (), False)]
    while stack:
        node, path, names = stack.pop()
        if isinstance(node, Map):
            yield from (found for key in node if not names and (found := _unheeded(node, key, path)))
            below = ((child, (*path, key), key in _NAMING and not names) for key, child in node.items())
            stack += below
        elif isinstance(node, Seq):
            stack += [(child, (*path, ""), False) for child in node]


def _unheeded(node: Map, word: str, path: tuple[str, ...]) -> Finding | None:
    key = node.key(word) if "sens" in word.lower() else None
    if key is None:
        return None
    if key != SENSITIVE:
        near = difflib.get_close_matches(key.lower(), [SENSITIVE], cutoff=0.85)
        hint = f"Did you mean `{SENSITIVE}: true`?"
        return finding(key.start, f"The key {shown(key)} would hide nothing.", hint) if near else None
    if path[:-1] != ("properties",):
        hint = "Write it on the variable, under input.schema.properties."
        return finding(key.start, f"`{SENSITIVE}` is heeded on a variable itself alone.", hint)
    value = node[key]
    fits = isinstance(value, Scalar) and value.plain and value in ("true", "false")
    return None if fits else finding(value.start, f"`{SENSITIVE}` must be true or false.", "Write true.")


def _required(root: Map, placeholders: Sequence[str]) -> Iterator[Finding]:
    required = map_at(root, SCHEMA).get("required")
    known = {*map_at(root, PROPERTIES), *placeholders}
    for node in required if isinstance(required, Seq) else ():
        if isinstance(node, Scalar) and node not in known:
            yield finding(
                node.start, f"{shown(node)} is required and not declared.", meant(node, known) or _DECLARE
            )


def _placeholders(root: Map, placeholders: Sequence[str]) -> Iterator[Finding]:
    declared = map_at(root, PROPERTIES)
    for name in placeholders:
        facts = declared.get(name)
        kind = facts.get("type") if isinstance(facts, Map) else None
        if isinstance(kind, Scalar) and kind != "array":
            yield finding(kind.start, f"The placeholder `{name}` holds messages: its type must be `array`.")


def _strange_defaults(root: Map, placeholders: Sequence[str]) -> Iterator[Finding]:
    """Defaults of variables that are not there."""
    known = {*map_at(root, PROPERTIES), *placeholders}
    for name in map_at(root, DEFAULT):
        if name not in known:
            message = f"{shown(name)} has a default and is not declared."
            yield finding(mark_at(root, (*DEFAULT, name), key=True), message, meant(name, known) or _DECLARE)


def _unfit_defaults(root: Map, schema: JsonObject, placeholders: Sequence[str]) -> Iterator[Finding]:
    """Defaults that their variable's schema refuses; a placeholder without one holds messages."""
    default, declared = free_at(root, DEFAULT), map_at(root, PROPERTIES)
    given: JsonObject = {name: value for name, value in default.items() if name in declared}
    for violation in violations(schema, given) if given else ():
        if violation.keyword == "required" and not violation.path:
            continue  # what has no default is the caller's to send
        name = violation.path.replace("[", ".").split(".")[0]
        message = f"The default `{violation.path}` {violation.message}"
        yield finding(mark_at(root, (*DEFAULT, name)), message)
    for name in placeholders:
        implied = name in default and name not in declared
        if implied and violations(PLACEHOLDER_SCHEMA, default[name]):
            mark = mark_at(root, (*DEFAULT, name))
            yield finding(mark, f"The default `{name}` is no list of messages, each with a role.")
