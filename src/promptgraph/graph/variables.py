"""What can be said of a request's variables before their types are known: whether they can be stored, and how
many they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from promptgraph.domain.canonical import Json
from promptgraph.domain.text import forbidden_character

MOST_VALUES = 20_000
"""In the variables of a request, but for the mutations that may be large."""
MOST_ROWS = 10_000
"""In a list that is a variable, or a field of one: a mutation may say less. To fit a long list to its type
takes a long time.
"""
MOST_LEVELS = 64
"""Of lists and objects: what follows them recursively ends there."""
LISTS_OF_ROWS = ("finishReasons",)
"""The lists with a type that a row of a recording holds."""

Holder: TypeAlias = "list[Json] | Mapping[str, Json]"
Place: TypeAlias = "tuple[int, str, Holder]"


class Survey(NamedTuple):
    """`flaw` is a text that cannot be stored, in words; `values`: how many there are, in all; `rows`: in the
    longest list at the top; `listed`: in all lists with a type that its rows hold; `levels`: how deep they
    nest.
    """

    flaw: str | None = None
    values: int = 0
    rows: int = 0
    listed: int = 0
    levels: int = 0


def surveyed(variables: Mapping[str, Json]) -> Survey:
    """What there is to say of `variables`. A flaw is the first that is found.

    cost  1 µs each where none is a list or an object; else 20 µs for a row of a recording
    """
    if not any(isinstance(value, list | dict) for value in variables.values()):
        return Survey(_flaw("variables", variables), len(variables))
    waiting: list[Place] = [(0, "variables", variables)]
    flaw, values, deepest = None, 0, 0
    while waiting:
        level, path, item = waiting.pop()
        values += len(item)
        deepest = max(deepest, level)
        flaw = flaw or _flaw(path, item)
        waiting += [
            (level + 1, _place(path, key), child)
            for key, child in _pairs(item)
            if isinstance(child, list | dict)
        ]
    return Survey(flaw, values, _rows(variables), _listed(variables), deepest)


def _flaw(path: str, item: Holder) -> str | None:
    """Keys are looked at before what they stand for, so that no path shows one that cannot be written."""
    for key in item if isinstance(item, dict) else ():
        if found := forbidden_character(key):
            return f"a key in {path} holds the character {found}."
    for place, child in _pairs(item):
        if isinstance(child, str) and (found := forbidden_character(child)):
            return f"{_place(path, place)} holds the character {found}."
    return None


def _pairs(item: Holder) -> Iterable[tuple[str | int, Json]]:
    return enumerate(item) if isinstance(item, list) else item.items()


def _place(path: str, key: str | int) -> str:
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"


def _rows(variables: Mapping[str, Json]) -> int:
    below = [field for value in variables.values() if isinstance(value, dict) for field in value.values()]
    return max((len(value) for value in (*variables.values(), *below) if isinstance(value, list)), default=0)


def _listed(variables: Mapping[str, Json]) -> int:
    rows = (row for value in variables.values() if isinstance(value, list) for row in value)
    found = (row.get(name) for row in rows if isinstance(row, dict) for name in LISTS_OF_ROWS)
    return sum(len(entries) for entries in found if isinstance(entries, list))
