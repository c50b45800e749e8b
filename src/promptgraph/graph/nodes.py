"""What a global id leads to: one row for each kind of node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import parse_global_id
from promptgraph.domain.registry import PromptLabel
from promptgraph.domain.text import forbidden_character
from promptgraph.graph.loaders import Loaders
from promptgraph.store.agents import AssignmentKey
from promptgraph.store.prompts import PromptRef

MAX_DIGITS = 18


class Kind(NamedTuple):
    """How many parts a key has, and how the record is found."""

    parts: int
    find: Callable[..., Awaitable[Any]]


async def _label(load: Loaders, name: str, label: str) -> PromptLabel | None:
    family = await load.family_by_name.load(name)
    labels = await load.labels_of_family.load(family.id) if family else []
    return next((found for found in labels if found.label == label), None)


KINDS: dict[str, Kind] = {
    "Prompt": Kind(2, lambda load, name, version: load.prompt_by_ref.load(PromptRef(name, _number(version)))),
    "PromptFamily": Kind(1, lambda load, name: load.family_by_name.load(name)),
    "PromptLabel": Kind(2, _label),
    "LabelMove": Kind(1, lambda load, id_: load.move.load(_number(id_))),
    "Agent": Kind(1, lambda load, name: load.agent_by_name.load(name)),
    "Assignment": Kind(3, lambda load, *key: load.assignment_by_key.load(AssignmentKey(*key))),
    "LlmCall": Kind(1, lambda load, id_: load.call.load(_call_id(id_))),
    "SyncRun": Kind(1, lambda load, id_: load.run.load(_number(id_))),
}


async def find(load: Loaders, text: str, *, kind: str | None = None, field: str = "id") -> Any:
    """The record with this global id; None where there is none.

    keys    kind: the only one that will do
    raises  InvalidInputError  no id of this API, or of another kind
    """
    key = key_of(text, kind=kind, field=field)
    return await KINDS[key[0]].find(load, *key[1:])


def key_of(text: str, *, kind: str | None = None, field: str = "id") -> tuple[str, ...]:
    """The kind and the key that a global id stands for.

    raises  InvalidInputError  as `find`
    """
    ref = parse_global_id(text, field=field)
    known = KINDS.get(ref.kind)
    if known is None or len(ref.key) != known.parts or any(map(forbidden_character, ref.key)):
        raise InvalidInputError(f"`{field}` is no id of this API.", field=field)
    if kind is not None and ref.kind != kind:
        raise InvalidInputError(
            f"`{field}` must be the id of a {kind}, this is one of a {ref.kind}.", field=field
        )
    return (ref.kind, *ref.key)


def _number(text: str) -> int:
    """A whole number within a key.

    raises  InvalidInputError  another text
    """
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise InvalidInputError("`id` is no id of this API.", field="id")
    return int(text)


def _call_id(text: str) -> UUID:
    """The id of a call within a key.

    raises  InvalidInputError  another text
    """
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:
        raise InvalidInputError("`id` is no id of this API.", field="id")
    return found
