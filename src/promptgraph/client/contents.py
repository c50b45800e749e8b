"""The content of a version, from what a server or a bundle says of it; it must hash to what they say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from typing import Any, cast

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import PromptMismatchError
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent

MAX_READINGS = 256
FIELDS = (
    "model config tools inputSchema outputSchema messages { role content placeholder parts }"
    " variables { name required default }"
)
"""What `content_of` reads of a Prompt."""


def content_of(node: JsonObject) -> PromptContent:
    """The content of a Prompt of the API, with FIELDS and its contentHash.

    raises  PromptMismatchError  no content that this release knows has that hash
    """
    try:
        for content in islice(_readings(cast("dict[str, Any]", node)), MAX_READINGS):
            if content.digest() == node["contentHash"]:
                return content
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(node) from error
    raise _unreadable(node)


def content_from(canonical: JsonObject) -> PromptContent:
    """The inverse of PromptContent.canonical.

    raises  KeyError, TypeError, ValueError, AttributeError  it is none
    """
    facts = cast("dict[str, Any]", canonical)
    given = facts.get("input", {})
    return PromptContent(
        messages=tuple(Message.from_json(message) for message in facts["messages"]),
        engine=Engine(facts.get("engine", Engine.JINJA)),
        model=facts.get("model"),
        config=facts.get("config", {}),
        tools=facts.get("tools", []),
        input_schema=given.get("schema", {}),
        input_default=given.get("default", {}),
        output_schema=facts.get("output", {}).get("schema"),
    )


def _readings(node: dict[str, Any]) -> Iterator[PromptContent]:
    """Every content that the API would tell of so, the likely ones first. It does not tell of the engine, of
    a default that is null, nor of one that repeats what a placeholder has anyway.
    """
    messages = tuple(_message(message) for message in node["messages"])
    properties = node["inputSchema"].get("properties", {})
    stated = {item["name"]: item["default"] for item in node["variables"]}
    implied = {message.placeholder for message in messages if message.placeholder} - properties.keys()
    sure = {name: v for name, v in stated.items() if v is not None and (name not in implied or v != [])}
    doubtful = sorted(stated.keys() - sure.keys())
    for count in range(len(doubtful) + 1):
        for names in combinations(doubtful, count):
            for engine in Engine:
                yield PromptContent(
                    messages=messages,
                    engine=engine,
                    model=node["model"],
                    config=node["config"],
                    tools=node["tools"],
                    input_schema=node["inputSchema"],
                    input_default=sure | {name: stated[name] for name in names},
                    output_schema=node["outputSchema"],
                )


def _message(told: dict[str, Any]) -> Message:
    role = told["role"]
    return Message(
        role=None if role is None else MessageRole(role.lower()),
        content=told["content"],
        parts=told["parts"],
        placeholder=told["placeholder"],
    )


def _unreadable(node: JsonObject) -> PromptMismatchError:
    return PromptMismatchError(
        f"{node.get('name')} version {node.get('version')} has a content that this release of promptgraph"
        " does not understand: its hash is another. Upgrade promptgraph here."
    )
