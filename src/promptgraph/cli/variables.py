"""The variables of a render, as the command line gives them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.prompt import Variable
from promptgraph.domain.strict_json import strict_json
from promptgraph.domain.text import MAX_JSON_DEPTH, MAX_VARIABLES_BYTES

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
    try:
        value = strict_json(_decoded(file))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"{file} is not valid JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise _refused(f"{file} is nested too deeply; {MAX_JSON_DEPTH} levels are allowed.") from error
    except ValueError as error:
        raise _refused(f"{file} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise _refused(f'{file} must hold an object, such as {{"ticket": "…"}}.')
    return value


def _decoded(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_VARIABLES_BYTES + 1)
    except OSError as error:
        raise _refused(f"{file} cannot be read: {error.strerror}. Name a JSON file.") from error
    if len(raw) > MAX_VARIABLES_BYTES:
        raise _refused(f"{file} holds more than {MAX_VARIABLES_BYTES // 1024} KiB.")
    if raw.startswith(codecs.BOM_UTF8):
        raise _refused(f"{file} begins with a byte order mark; save it as UTF-8 without one.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _refused(f"{file} is not UTF-8 text.") from error


def _refused(sentence: str) -> InvalidInputError:
    return InvalidInputError(sentence, field="vars_file")


def _type(variable: Variable) -> object:
    return variable.schema.get("type") if isinstance(variable.schema, dict) else None


def _value(text: str) -> Json:
    """JSON where it is JSON, else the text: the schema says later what fits."""
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        return text
