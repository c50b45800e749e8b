"""The variables of a render, as the command line gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Variable
from promptgraph.domain.text import MAX_VARIABLES_BYTES

TEXT = ("string", None)
"""The types whose values are taken as they stand: `--var id=007` is the text 007."""


def variables_from(file: Path | None, pairs: Iterable[str], declared: Sequence[Variable]) -> JsonObject:
    """The variables of `--vars-file`, and over them those of `--var`.

    raises  InvalidInputError  the file is no JSON object, or a pair is not NAME=VALUE or comes twice
    """
    types = {variable.name: _type(variable) for variable in declared}
    given: JsonObject = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidInputError(f"--var takes NAME=VALUE, not {pair!r}.", field="var")
        if name in given:
            raise InvalidInputError(f"--var {name} is given twice.", field="var")
        given[name] = text if types.get(name) in TEXT else _value(text)
    return (read_variables(file) if file else {}) | given


def read_variables(file: Path) -> JsonObject:
    """raises  InvalidInputError  the file is no JSON object in UTF-8, or repeats a key"""
    with file.open("rb") as opened:
        raw = opened.read(MAX_VARIABLES_BYTES + 1)
    if len(raw) > MAX_VARIABLES_BYTES:
        raise InvalidInputError(
            f"{file} holds more than {MAX_VARIABLES_BYTES // 1024} KiB.", field="vars_file"
        )
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file} is not UTF-8 text.", field="vars_file") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} is not valid JSON: {error}.", field="vars_file") from error
    if not isinstance(value, dict):
        raise InvalidInputError(f'{file} must hold an object, such as {{"ticket": "…"}}.', field="vars_file")
    return value


def _type(variable: Variable) -> object:
    return variable.schema.get("type") if isinstance(variable.schema, dict) else None


def _value(text: str) -> Json:
    """JSON where it is JSON, else the text: the schema says later what fits."""
    try:
        value: Json = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
