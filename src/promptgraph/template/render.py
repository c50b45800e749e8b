"""A prompt and its variables become the messages to send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptgraph.domain.canonical import Json, JsonObject, content_hash
from promptgraph.domain.errors import InvalidInputError, TemplateError
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent
from promptgraph.template.parts import changed_parts
from promptgraph.template.program import Run, compiled
from promptgraph.template.values import Inputs

_ROLES = {role.value: role for role in MessageRole}


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """One message to send: a text in `content`, or `parts`."""

    role: MessageRole
    content: str | None = None
    parts: list[JsonObject] | None = None

    def as_json(self) -> JsonObject:
        if self.parts is not None:
            return {"role": self.role.value, "parts": list(self.parts)}
        return {"role": self.role.value, "content": self.content}


@dataclass(frozen=True, slots=True)
class Rendered:
    """The messages, and the variables as used: defaults filled in."""

    messages: tuple[RenderedMessage, ...]
    variables: JsonObject

    @property
    def text(self) -> str:
        """The contents, a blank line between."""
        return "\n\n".join(message.content for message in self.messages if message.content is not None)

    @property
    def hash(self) -> str:
        """SHA-256, hex, of the messages' canonical form."""
        messages: list[Json] = [message.as_json() for message in self.messages]
        return content_hash(messages)


def render(content: PromptContent, variables: JsonObject) -> Rendered:
    """The messages of `content` with `variables` in place; on an event loop run it in a thread.

    raises  InvalidInputError  a variable is unknown, missing or refused; its field is `variables.NAME`
            TemplateError      a message cannot be rendered; its field is `messages[0]`
    cost    bounded: 1 MiB of text, 100 000 rounds of loops and 1 s in all; templates are compiled once
    """
    if content.engine is Engine.NONE:
        return _verbatim(content, variables)
    values = _inputs(content).filled(variables)
    run = Run(values)
    messages: list[RenderedMessage] = []
    for index, message in enumerate(content.messages):
        try:
            if message.placeholder is not None:
                messages += _spliced(message.placeholder, values, run)
            else:
                messages.append(_rendered(message, run))
        except TemplateError as error:
            where = f"messages[{index}]" + (f", line {error.line}" if error.line else "")
            raise TemplateError(f"{where}: {error}", line=error.line, field=f"messages[{index}]") from error
    return Rendered(tuple(messages), values)


_INPUTS: dict[int, tuple[PromptContent, Inputs]] = {}
_MAX_INPUTS = 512


def _inputs(content: PromptContent) -> Inputs:
    """What `content` takes, remembered for the very object: a registry in memory renders it again."""
    found = _INPUTS.get(id(content))
    if found is None or found[0] is not content:
        if len(_INPUTS) >= _MAX_INPUTS:
            _INPUTS.clear()
        found = _INPUTS[id(content)] = content, Inputs.of(content)
    return found[1]


def _verbatim(content: PromptContent, variables: JsonObject) -> Rendered:
    if variables:
        name = min(variables)[:80]
        raise InvalidInputError(
            "This prompt takes no variables: its text is kept verbatim (engine: none).",
            field=f"variables.{name}",
        )
    sent = (RenderedMessage(_role(message), message.content, message.parts) for message in content.messages)
    return Rendered(tuple(sent), {})


def _rendered(message: Message, run: Run) -> RenderedMessage:
    if message.parts is None:
        return RenderedMessage(_role(message), run.text(compiled(message.content or "")))
    parts = changed_parts(message.parts, lambda source: run.text(compiled(source)))
    return RenderedMessage(_role(message), None, parts)


def _role(message: Message) -> MessageRole:
    return message.role or MessageRole.USER


def _spliced(name: str, values: JsonObject, run: Run) -> Iterator[RenderedMessage]:
    """The messages that a placeholder's variable holds."""
    given = values.get(name)
    if not isinstance(given, list):
        raise InvalidInputError(f"`{name}` must be a list of messages.", field=f"variables.{name}")
    for index, value in enumerate(given):
        try:
            yield _given(value, run)
        except ValueError as error:
            spot = f"{name}[{index}]"
            raise InvalidInputError(f"`{spot}` {error}", field=f"variables.{spot}") from error


def _given(value: Json, run: Run) -> RenderedMessage:
    """One message of the caller's; a ValueError says what is wrong with it."""
    if not isinstance(value, dict) or not value.keys() <= {"role", "content", "parts"}:
        raise ValueError("must be a message: role and content, or role and parts.")
    role = _ROLES.get(str(value.get("role")))
    if role is None:
        raise ValueError(f"needs a role: {', '.join(_ROLES)}.")
    content, parts = value.get("content"), value.get("parts")
    if isinstance(content, str) and parts is None:
        return RenderedMessage(role, run.spend(content))
    if content is None and isinstance(parts, list) and parts:
        return RenderedMessage(role, None, [_part(part, run) for part in parts])
    raise ValueError("needs either a text as content, or a list of parts.")


def _part(part: Json, run: Run) -> JsonObject:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        raise ValueError("has a part that is no mapping with a text as its type.")  # noqa: TRY004  # see _given
    changed = changed_parts([part], run.spend)
    return part if changed is None else changed[0]
