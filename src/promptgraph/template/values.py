"""The variables of one render: known, complete, small enough, and as their schema wants them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.nearest import meant
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.text import MAX_JSON_DEPTH, MAX_VARIABLES_BYTES, forbidden_character
from promptgraph.template.schema import Violation, checker

_MAX_NAMES, _MAX_TOLD = 20, 3
_EXACT = 2**53  # from here on JSON numbers are not exact in every language
_PLAIN = frozenset({str, int, float, bool, type(None), dict, list})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a prompt takes: all names, those it must get, what stands in for the rest.

    keys  `implied`: placeholders that the schema does not declare
    """

    known: frozenset[str]
    required: tuple[str, ...]
    defaults: JsonObject
    implied: frozenset[str]
    schema: JsonObject
    fits: Callable[[Json], list[Violation]]

    @classmethod
    def of(cls, content: PromptContent) -> Inputs:
        schema = content.input_schema
        properties, required = schema.get("properties"), schema.get("required")
        declared = properties if isinstance(properties, dict) else {}
        implied = frozenset(content.placeholders) - declared.keys()
        return cls(
            known=implied | declared.keys(),
            required=tuple(str(name) for name in required) if isinstance(required, list) else (),
            defaults={name: [] for name in sorted(implied)} | content.input_default,
            implied=implied,
            schema=schema,
            fits=checker(schema),
        )

    def filled(self, variables: JsonObject) -> JsonObject:
        """`variables` with the defaults filled in.

        raises  InvalidInputError  one is unknown, missing, too large, not JSON, or against its schema
        """
        if unknown := variables.keys() - self.known:
            raise _unknown(min(unknown), self.known)
        check_json(variables)
        values = self.defaults | variables
        if missing := [name for name in self.required if name not in values]:
            raise _missing(missing)
        checked = values
        if self.implied:
            checked = {name: value for name, value in values.items() if name not in self.implied}
        if found := self.fits(checked):
            raise _refused(self.schema, found)
        return values


def check_json(variables: JsonObject) -> None:
    """Nothing, if all of it is JSON that can be stored, at most 256 KiB and MAX_JSON_DEPTH deep."""
    size = 0
    for name, value in variables.items():
        size += _size(name, value, MAX_VARIABLES_BYTES - size)
        if size > MAX_VARIABLES_BYTES:
            raise InvalidInputError(
                f"The variables are larger than {MAX_VARIABLES_BYTES // 1024} KiB.",
                field=f"variables.{name[:80]}",
            )


def _size(name: str, value: Json, limit: int) -> int:
    """About how many bytes `value` takes; counting ends beyond `limit`."""
    size = len(name)
    stack: list[tuple[Json, int]] = [(value, 1)]
    while stack and size <= limit:
        item, depth = stack.pop()
        if type(item) in (dict, list):
            if depth >= MAX_JSON_DEPTH:
                raise _wrong(name, f"is nested deeper than {MAX_JSON_DEPTH}.")
            stack += [(child, depth + 1) for child in _children(name, item)]
        size += _own_size(name, item)
    return size


def _children(name: str, item: Json) -> Iterable[Json]:
    if isinstance(item, dict):
        if not all(type(key) is str for key in item):
            raise _wrong(name, "holds a key that is no text.")
        return (*item, *item.values())
    return item if isinstance(item, list) else ()


def _own_size(name: str, item: Json) -> int:
    kind = type(item)
    if kind is str:
        text = str(item)
        if found := forbidden_character(text):
            raise _wrong(name, f"holds the character {found}, which cannot be stored.")
        return 2 + (len(text) if text.isascii() else len(text.encode()))
    if kind not in _PLAIN or (isinstance(item, float) and not math.isfinite(item)):
        raise _wrong(name, "holds a value that is not JSON.")
    if isinstance(item, int) and abs(item) >= _EXACT:
        raise _wrong(name, "holds a whole number that is too large to be exact: send it as text.")
    return 2


def _refused(schema: JsonObject, found: list[Violation]) -> InvalidInputError:
    sentences = " ".join(_told(schema, each) for each in found[:_MAX_TOLD])
    return InvalidInputError(
        sentences, field="variables" + (f".{found[0].path[:80]}" if found[0].path else "")
    )


def _told(schema: JsonObject, found: Violation) -> str:
    """A violation in words; of a sensitive variable not even a key is shown."""
    name = re.split(r"[.\[]", found.path, maxsplit=1)[0]
    properties = schema.get("properties")
    facts = properties.get(name) if isinstance(properties, dict) else None
    if isinstance(facts, dict) and facts.get("x-sensitive") is True:
        return f"`{name}` does not fit its schema: see `{found.keyword}`."
    return f"`{found.path[:80]}` {found.message}" if found.path else f"The variables: {found.message}"


def _unknown(name: str, known: Iterable[str]) -> InvalidInputError:
    hint = meant(name, known)
    others = ", ".join(f"`{other}`" for other in sorted(known)[:_MAX_NAMES])
    hint = hint or f"It takes {others or 'none'}."
    return InvalidInputError(
        f"This prompt has no variable `{name[:80]}`. {hint}", field=f"variables.{name[:80]}"
    )


def _missing(names: list[str]) -> InvalidInputError:
    words = ", ".join(f"`{name}`" for name in names[:_MAX_NAMES])
    verb = "is" if len(names) == 1 else "are"
    return InvalidInputError(f"{words} {verb} required: send a value.", field=f"variables.{names[0]}")


def _wrong(name: str, sentence: str) -> InvalidInputError:
    return InvalidInputError(f"`{name[:80]}` {sentence}", field=f"variables.{name[:80]}")
