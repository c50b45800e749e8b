"""Where templates stand in a message: its content, and every text in its parts but the value of `type`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.prompt import Message

Path: TypeAlias = tuple[str | int, ...]


def templates_of(message: Message) -> Iterator[tuple[Path, str]]:
    """Every template in a message with where it stands, e.g. `("parts", 0, "image_url", "url")`."""
    if message.content is not None:
        yield ("content",), message.content
    for index, part in enumerate(message.parts or ()):
        yield from _texts(part, ("parts", index))


def with_templates(message: Message, change: Callable[[str], str]) -> Message:
    """`message` with each of its templates put through `change`."""
    content = None if message.content is None else change(message.content)
    return Message(message.role, content, changed_parts(message.parts, change), message.placeholder)


def changed_parts(parts: list[JsonObject] | None, change: Callable[[str], str]) -> list[JsonObject] | None:
    """`parts` with each text put through `change`, the values of `type` left alone."""
    return None if parts is None else [_changed_mapping(part, change) for part in parts]


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "type":
                yield from _texts(item, (*path, key))


def _changed(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return _changed_mapping(value, change) if isinstance(value, dict) else value


def _changed_mapping(value: JsonObject, change: Callable[[str], str]) -> JsonObject:
    return {key: item if key == "type" else _changed(item, change) for key, item in value.items()}
