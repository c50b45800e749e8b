"""Prompts: what a version says, and what the registry knows of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from promptgraph.domain.canonical import Json, JsonObject, content_hash
from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.names import global_id


class MessageRole(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Engine(StrEnum):
    """How a prompt's text is rendered: as a Jinja template, or kept verbatim."""

    JINJA = "jinja"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Message:
    """Exactly one of `content`, `parts` and `placeholder` is given; `role` is absent on a placeholder."""

    role: MessageRole | None = None
    content: str | None = None
    parts: list[JsonObject] | None = None
    placeholder: str | None = None

    def as_json(self) -> JsonObject:
        if self.placeholder is not None:
            return {"placeholder": self.placeholder}
        role: Json = None if self.role is None else self.role.value
        if self.parts is not None:
            return {"role": role, "parts": list(self.parts)}
        return {"role": role, "content": self.content}

    @classmethod
    def from_json(cls, value: JsonObject) -> Message:
        """The inverse of `as_json`, for what the database gives back."""
        role = value.get("role")
        return cls(
            role=None if role is None else MessageRole(str(role)),
            content=value.get("content"),  # type: ignore[arg-type]  # written by as_json alone
            parts=value.get("parts"),  # type: ignore[arg-type]  # written by as_json alone
            placeholder=value.get("placeholder"),  # type: ignore[arg-type]  # written by as_json alone
        )


@dataclass(frozen=True, slots=True)
class Variable:
    """One input of a prompt."""

    name: str
    required: bool
    schema: Json
    default: Json = None
    description: str | None = None
    sensitive: bool = False


PLACEHOLDER_SCHEMA: JsonObject = {
    "type": "array",
    "items": {"type": "object", "required": ["role"]},
}
"""What a placeholder takes when the file declares nothing narrower: messages, possibly none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptContent:
    """What changes a model's behaviour, and nothing else: two equal contents have one hash."""

    messages: tuple[Message, ...]
    engine: Engine = Engine.JINJA
    model: str | None = None
    config: JsonObject = field(default_factory=dict)
    tools: list[Json] = field(default_factory=list)
    input_schema: JsonObject = field(default_factory=dict)
    input_default: JsonObject = field(default_factory=dict)
    output_schema: Json = None

    def canonical(self) -> JsonObject:
        """The object that is hashed and compared. What is empty is left out, so that a key that a later
        release adds leaves the hashes of older prompts alone.
        """
        wanted: dict[str, Json] = {
            "messages": [message.as_json() for message in self.messages],
            "model": self.model,
            "config": self.config,
            "tools": self.tools,
            "input": {
                key: value
                for key, value in (("schema", self.input_schema), ("default", self.input_default))
                if value
            },
            "output": {} if self.output_schema is None else {"schema": self.output_schema},
            "engine": None if self.engine is Engine.JINJA else self.engine.value,
        }
        return {key: value for key, value in wanted.items() if value not in (None, {}, [])}

    def digest(self) -> str:
        """The content hash: SHA-256, hex, of the canonical form."""
        return content_hash(self.canonical())

    @property
    def placeholders(self) -> list[str]:
        return [m.placeholder for m in self.messages if m.placeholder is not None]

    @property
    def variables(self) -> list[Variable]:
        """The inputs by name, placeholders included."""
        properties = self.input_schema.get("properties")
        schemas: dict[str, Json] = dict(properties) if isinstance(properties, dict) else {}
        required = self.input_schema.get("required")
        wanted = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        implied = [name for name in self.placeholders if name not in schemas]
        schemas |= dict.fromkeys(implied, PLACEHOLDER_SCHEMA)
        defaults: JsonObject = {name: [] for name in implied} | self.input_default
        return [
            _variable(name, schemas[name], required=name in wanted, defaults=defaults)
            for name in sorted(schemas)
        ]


def _variable(name: str, schema: Json, *, required: bool, defaults: JsonObject) -> Variable:
    facts: JsonObject = schema if isinstance(schema, dict) else {}
    description = facts.get("description")
    return Variable(
        name=name,
        required=required and name not in defaults,
        schema=schema,
        default=defaults.get(name),
        description=description if isinstance(description, str) else None,
        sensitive=facts.get("x-sensitive") is True,
    )


@dataclass(frozen=True, slots=True)
class Source:
    """Where a version came from. `path` is relative to the prompts folder; the rest is git's, if known."""

    path: str
    commit_sha: str | None = None
    author: str | None = None
    committed_at: dt.datetime | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFamily:
    """All versions of one name, and what is not content. `source` is the sync source that owns it; `record`
    is what its file lets be stored of its calls.
    """

    id: int
    name: str
    former_names: tuple[str, ...] = ()
    description: str | None = None
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    record: Levels = IN_FULL
    source: str = "default"
    latest_version: int
    retired_at: dt.datetime | None = None
    created_at: dt.datetime

    @property
    def global_id(self) -> str:
        return global_id("PromptFamily", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(PromptContent):
    """One immutable version of a named prompt: one row of `prompts`, with its family."""

    id: int
    family: PromptFamily
    version: int
    draft: bool = False
    content_hash: str
    partials: tuple[str, ...] = ()
    source: Source | None = None
    created_at: dt.datetime

    @property
    def name(self) -> str:
        return self.family.name

    @property
    def is_latest(self) -> bool:
        return self.version == self.family.latest_version

    @property
    def global_id(self) -> str:
        return prompt_global_id(self.name, self.version)


@lru_cache(maxsize=10_000)
def prompt_global_id(name: str, version: int) -> str:
    """The id of a version: made from name and version alone, the same everywhere."""
    return global_id("Prompt", name, version)
