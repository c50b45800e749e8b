"""A form filled in from a file's nodes: the values, or every finding at its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from promptgraph.domain.nearest import meant, near
from promptgraph.files.form import Form, PromptForm
from promptgraph.files.node import Finding, Map, YamlRefusedError, finding, mark_at, shown
from promptgraph.files.typed import UnfitError

F = TypeVar("F", bound=BaseModel)
Path: TypeAlias = tuple[str | int, ...]
MAX_FOUND = 101
"""Complaints about one file that are looked at; one more than are told."""

# What people write where something else is meant, by form.
_HINTS: dict[type[BaseModel], Mapping[str, str]] = {
    PromptForm: {
        "name": "A prompt's name is the path of its file.",
        "label": "Labels stand in labels.yaml.",
        "labels": "Labels stand in labels.yaml.",
        "variables": "Declare variables under input.schema.properties.",
        "content": "Write `template:` for one user message, or a list under `messages:`.",
        "prompt": "Write `template:` for one user message, or a list under `messages:`.",
        "system": "Write a message: `messages: [{role: system, content: …}]`.",
        "temperature": "Settings for the model stand under `config:`.",
    },
}

# pydantic's error type → what is wrong. Types that a form's own check refuses are not here.
_SENTENCES = {
    "model_type": "{field} must be a mapping.",
    "dict_type": "{field} must be a mapping.",
    "list_type": "{field} must be a list.",
    "too_short text": "{field} must not be empty.",
    "too_long text": "{field} may hold at most {max_length} characters.",
    "too_short": "{field} must hold at least {min_length} item.",
    "too_long": "{field} may hold at most {max_length} items.",
    "enum": "{field} must be {expected}.",
}


@dataclass(frozen=True, slots=True)
class Filled(Generic[F]):
    """A form, or None with findings. `wrong` names the top keys that the findings are about."""

    form: F | None
    findings: tuple[Finding, ...] = ()
    wrong: frozenset[str] = frozenset()


def filled(form: type[F], root: Map) -> Filled[F]:
    """`form` filled in from a file's mapping."""
    try:
        return Filled(form.model_validate(root))
    except ValidationError as error:
        details = error.errors(include_url=False)[:MAX_FOUND]
    misspelt = {_meant(form, detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"}
    told = [detail for detail in details if detail["type"] != "missing" or detail["loc"] not in misspelt]
    return Filled(
        None,
        tuple(found for detail in told for found in _findings(form, root, detail)),
        frozenset(str(_meant(form, detail["loc"][:1])[-1]) for detail in told if detail["loc"]),
    )


def _findings(form: type[BaseModel], root: Map, detail: ErrorDetails) -> Sequence[Finding]:
    """One complaint of pydantic as findings with places and hints."""
    # pydantic marks what is wrong with a key itself so; a file may have a key of that name
    of_key = detail["loc"][1:][-1:] == ("[key]",) and detail["type"] not in {"extra_forbidden", "missing"}
    path = detail["loc"][:-1] if of_key else detail["loc"]
    context = detail.get("ctx", {})
    error = context.get("error")
    if isinstance(error, YamlRefusedError):
        return error.findings
    if detail["type"] == "extra_forbidden":
        return [_unknown(form, root, path)]
    if detail["type"] == "missing":
        mark = mark_at(root, path[:-1], key=True)
        return [finding(mark, f"{dotted(path)} is missing.", f"Add `{path[-1]}:`.")]
    message, hint = _said(detail, error, context)
    mark = mark_at(root, path, key=of_key)
    return [finding(mark, message.replace("{field}", dotted(path)), hint)]


def _said(detail: ErrorDetails, error: object, context: Mapping[str, Any]) -> tuple[str, str | None]:
    if isinstance(error, UnfitError):
        return str(error), error.hint
    kind = f"{detail['type']} text" if isinstance(detail["input"], str) else detail["type"]
    sentence = _SENTENCES.get(kind) or _SENTENCES.get(detail["type"], f"{{field}}: {detail['msg']}.")
    for name, value in context.items():
        sentence = sentence.replace(f"{{{name}}}", str(value))
    choices = re.findall("'(.*?)'", str(context.get("expected", "")))
    return sentence.replace("'", "`") if choices else sentence, meant(str(detail["input"]), choices)


def _unknown(form: type[BaseModel], root: Map, path: Path) -> Finding:
    here, key = form_at(form, path[:-1]), str(path[-1])
    known = _keys(here)
    hint = _HINTS.get(here, {}).get(key) or meant(key, known) or f"The keys here are: {', '.join(known)}."
    return finding(mark_at(root, path, key=True), f"The key {shown(key)} is not known here.", hint)


def _meant(form: type[BaseModel], path: Path) -> Path:
    """`path` with its last key as it is spelled in the form, where one comes near."""
    *above, key = path
    known = _keys(form_at(form, tuple(above)))
    return (*above, key if key in known else near(str(key), known) or key)


def _keys(form: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in form.model_fields.items()]


def form_at(form: type[BaseModel], path: Path) -> type[BaseModel]:
    """The form that is filled in at `path` of `form`."""
    for part in path:
        field = next((f for name, f in form.model_fields.items() if part == (f.alias or name)), None)
        form = _form_in(field.annotation) or form if field is not None else form
    return form


def _form_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation
    return next(filter(None, map(_form_in, get_args(annotation))), None)


def dotted(path: Path) -> str:
    """A path for a message, as `messages[0].role`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return shown(text.removeprefix("."))
