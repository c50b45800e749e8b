"""A prompt's content as one YAML text: equal contents, equal texts. What differences are shown in."""

from __future__ import annotations

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.prompt import PromptContent
from promptgraph.files.core import dump

_ORDER = ("model", "config", "input", "output", "engine", "messages", "tools")
_MESSAGE_ORDER = ("role", "content", "parts", "placeholder")


def canonical_yaml(content: PromptContent) -> str:
    """`content` as a prompt file says it, but for the version: free-form keys sorted, what is empty left out.

    A file made of it and a version reads back as the same content.
    """
    given = content.canonical()
    messages: list[Json] = [_message(message.as_json()) for message in content.messages]
    given["messages"] = messages
    return dump(
        {key: given[key] if key == "messages" else _sorted(given[key]) for key in _ORDER if key in given}
    )


def _message(message: JsonObject) -> JsonObject:
    return {key: _sorted(message[key]) for key in _MESSAGE_ORDER if key in message}


def _sorted(value: Json) -> Json:
    """`value` with the keys of every mapping in it in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
