"""JSON Schema, draft 2020-12, for variables and outputs: offline, with linear patterns, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.template.bounds import Cost, cost_of

MAX_SCHEMA = 64 * 1024
MAX_VIOLATIONS = 20
_CACHED = 1_024
_PATTERN_BYTES = 32 * 1024
# How many times schemas may be applied to parts of one value (about 0.1 µs each), how many times when the
# reasons are gathered too (about 25 µs each), and how many characters patterns may read (up to 4 µs each).
_MAX_WORK, _MAX_REASONS, _MAX_READ = 10_000_000, 20_000, 256 * 1024
_CHEAP = 32
_MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """What a schema refuses: where in the value, by which keyword, in words that never show the value."""

    path: str
    message: str
    keyword: str


class _Compiled(NamedTuple):
    validator: Draft202012Validator
    cost: Cost

    def violations(self, value: Json) -> list[Violation]:
        validator, cost = self
        if (cost.schemas > _CHEAP or cost.patterns) and _is_too_much(cost, value):
            return [Violation("", "is too large for a schema with so many branches or patterns.", "size")]
        if validator.is_valid(value):
            return []
        if _parts(value) * cost.schemas > _MAX_REASONS:
            return [Violation("", "does not fit its schema; it is too large to say where.", "size")]
        return [_violation(error) for error in islice(validator.iter_errors(value), MAX_VIOLATIONS)]


def check_schema(schema: Json, *, field: str) -> None:
    """Nothing, if `schema` is a JSON Schema that may be used here.

    raises  InvalidInputError  it is no valid schema, or refers to another document, or could run without end
    """
    checker(schema, field=field)


def violations(schema: Json, value: Json) -> list[Violation]:
    """What `schema` refuses in `value`: nothing if it fits, at most MAX_VIOLATIONS."""
    return checker(schema)(value)


def checker(schema: Json, *, field: str = "The schema") -> Callable[[Json], list[Violation]]:
    """`violations` of one schema, compiled once; raises as `check_schema` does."""
    try:
        return _compiled(_key(schema)).violations
    except (InvalidInputError, ReferencingError, ValueError, RecursionError) as error:
        sentence = f"{field} cannot be used as a JSON Schema: {_why(error)}"
        raise InvalidInputError(sentence, field=field) from error


def _key(schema: Json) -> str:
    if not isinstance(schema, dict | bool):
        raise InvalidInputError("it is no mapping.")
    return json.dumps(schema, sort_keys=True, allow_nan=False)


@lru_cache(maxsize=_CACHED)
def _compiled(text: str) -> _Compiled:
    if len(text) > MAX_SCHEMA:
        raise InvalidInputError(f"it is larger than {MAX_SCHEMA // 1024} KiB.")
    schema = json.loads(text)
    cost = cost_of(schema)
    options = RegexOptions(size_limit=_PATTERN_BYTES)
    # compiling checks against the meta-schema too; jsonschema_rs.meta would fetch an unknown $schema
    return _Compiled(
        Draft202012Validator(schema, offline=True, mask="the value", pattern_options=options), cost
    )


def _is_too_much(cost: Cost, value: Json) -> bool:
    size = len(json.dumps(value))
    return size // 2 * cost.schemas > _MAX_WORK or size * cost.patterns > _MAX_READ


def _parts(value: Json) -> int:
    """How many values there are in `value`, itself included."""
    count, stack = 0, [value]
    while stack:
        item = stack.pop()
        count += 1
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    return count


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        steps = error.instance_path
        said = next((words for key, words in _SAID.items() if key in steps[-2:]), _sentence(error.message))
        return f"{_path(steps)}: {said}" if steps else said
    if isinstance(error, InvalidInputError):
        return str(error)
    return "it is nested too deeply, or holds what is not JSON."


_SAID: dict[str, str] = {
    "type": "is none of string, number, integer, boolean, object, array, null.",
    "pattern": "is not a pattern that is supported: there is no look-around, no back-reference and no large "
    "repetition; for lengths use maxLength.",
}
_SAID["patternProperties"] = _SAID["pattern"]


def _violation(error: ValidationError) -> Violation:
    where = _path(error.instance_path)
    if error.kind.name == "falseSchema":
        return Violation(where, "is not allowed here.", str([error.kind.name, *error.schema_path][-1]))
    return Violation(where, _sentence(error.message), error.kind.name)


def _path(steps: Sequence[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _sentence(text: str) -> str:
    words = text.removeprefix("the value ")
    return words[:_MAX_WORDS] + "…" if len(words) > _MAX_WORDS else words.removesuffix(".") + "."
