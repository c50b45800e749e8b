"""Prompts as an agent holds them: one version with its content, and what rendering it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

from promptgraph.client.contents import FIELDS, content_of
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import Selector, checked_label, checked_version
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.strict_json import strict_json
from promptgraph.template import render as template
from promptgraph.template.schema import violations

Origin: TypeAlias = Literal["server", "bundle"]
FRAGMENT = f"fragment P on Prompt {{ id name version draft contentHash {FIELDS} }}"


class Wanted(NamedTuple):
    """What is asked for: a version, or what a label points to, or the latest."""

    name: str
    label: str | None = None
    version: int | None = None

    @property
    def words(self) -> str:
        return str(Selector(*self))


@dataclass(frozen=True)
class Prompt:
    """One version of a prompt. `hash` is its content's; `label` is the one that it was asked for by, None
    for none; `origin` says who told of it.
    """

    id: str
    name: str
    version: int
    hash: str
    content: PromptContent = field(repr=False)
    label: str | None = None
    draft: bool = False
    origin: Origin = "server"

    @property
    def model(self) -> str | None:
        """The model that the file recommends."""
        return self.content.model

    @property
    def config(self) -> JsonObject:
        """The settings for the model, e.g. temperature."""
        return self.content.config

    @property
    def tools(self) -> list[Json]:
        """The tools to offer to the model."""
        return self.content.tools

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The variables whose values are never stored."""
        return frozenset(variable.name for variable in self.content.variables if variable.sensitive)

    @cached_property
    def said(self) -> Mapping[str, str]:
        """What every call that is made with it says of it, by name in the API. Where the server holds another
        text under the number, the hash tells; that of a draft may change between rendering and recording.
        """
        facts = {"promptId": self.id} | ({} if self.draft else {"promptHash": self.hash})
        return facts if self.label is None else facts | {"label": self.label}

    def render(self, variables: JsonObject) -> Rendered:
        """What to send, with these variables filled in; made here, by the server's own code.

        raises  InvalidInputError  a variable is unknown, missing or refused
                TemplateError      a message cannot be rendered
        """
        return Rendered(self, template.render(self.content, variables))

    def read_output(self, text: str) -> Json:
        """A model's answer as the file's output schema has it; any JSON where the file says nothing.

        raises  InvalidInputError  it is no JSON, or the schema refuses it; the sentence shows no value
        """
        try:
            value = strict_json(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError("The answer is no JSON text.", field="output") from error
        schema = self.content.output_schema
        found = [] if schema is None else violations(schema, value)
        if found:
            where = f"`{found[0].path}` " if found[0].path else ""
            raise InvalidInputError(
                f"The answer does not fit the output schema of {self.name} version {self.version}: {where}"
                f"{found[0].message}",
                field="output",
            )
        return value


class Rendered:
    """What to send, and the record it was made from: a call can always name its prompt."""

    __slots__ = ("_made", "messages", "prompt")

    prompt: Prompt
    messages: list[dict[str, Any]]
    """`role` and `content`, as chat interfaces take them; a content of parts is a list."""

    def __init__(self, prompt: Prompt, made: template.Rendered) -> None:
        self.prompt = prompt
        self._made = made
        self.messages = [
            {
                "role": message.role.value,
                "content": message.content if message.parts is None else message.parts,
            }
            for message in made.messages
        ]

    @property
    def text(self) -> str:
        """The messages' texts, a blank line between."""
        return self._made.text

    @property
    def variables(self) -> JsonObject:
        """The variables as used: defaults filled in."""
        return self._made.variables

    @property
    def hash(self) -> str:
        """SHA-256, hex, of the rendered messages; a call's `rendered_hash`."""
        return self._made.hash

    def __repr__(self) -> str:
        return f"<Rendered {self.prompt.name} version {self.prompt.version}>"


def wanted(name: str, label: str | None = None, version: int | None = None) -> Wanted:
    """What these words ask for.

    raises  InvalidInputError  label and version together, or one that is none
    """
    if label is not None and version is not None:
        raise InvalidInputError("Give a label or a version, not both.", field="version")
    if label is not None:
        checked_label(label)
    if version is not None:
        checked_version(version)
    return Wanted(name, label, version)


def prompt_of(node: JsonObject, label: str | None = None) -> Prompt:
    """The prompt that an answer tells of.

    raises  PromptMismatchError  its content has another hash
    """
    content = content_of(node)
    return Prompt(
        id=str(node["id"]),
        name=str(node["name"]),
        version=int(str(node["version"])),
        hash=str(node["contentHash"]),
        content=content,
        label=label,
        draft=node["draft"] is True,
    )
