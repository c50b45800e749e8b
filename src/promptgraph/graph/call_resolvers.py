"""Calls: what their fields answer that is no column of theirs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from strawberry import Parent

from promptgraph.domain.call import CallContent, LlmCall
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.content import Levels, parts_of
from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.field import words
from promptgraph.graph.loaders import Info
from promptgraph.graph.resolvers import RenderedPrompt
from promptgraph.template.render import render

TRACE_ID, SPAN_ID = "{trace_id}", "{span_id}"


async def llm_call(
    info: Info, call_id: Annotated[UUID, words("The id that its caller made.")]
) -> LlmCall | None:
    """One recorded call."""
    return await info.context.load.call.load(call_id)


def variables_of(content: CallContent | None) -> JsonObject | None:
    """What the prompt was rendered with, as far as it is stored."""
    return content.variables if content else None


def output_of(content: CallContent | None) -> Json:
    """What the model answered, as far as it is stored."""
    return content.output if content else None


def metadata_of(content: CallContent | None) -> JsonObject:
    """Anything else that the caller said."""
    return content.metadata if content else {}


class Hashes(NamedTuple):
    """What is stored as hashes alone; `key` says which server key made them."""

    key: str
    variables: JsonObject | None
    output: str | None
    metadata: JsonObject | None


def hashes_of(content: CallContent | None) -> Hashes | None:
    """The hashes of what is not stored itself."""
    if content is None or content.hashes is None:
        return None
    found: dict[str, Any] = content.hashes
    return Hashes(**{name: found.get(name) for name in Hashes._fields})  # type: ignore[arg-type]  # by the Keeper


def redacted_of(content: CallContent | None) -> list[str]:
    """The parts that a redaction changed."""
    return list(content.redacted) if content else []


async def call_content_parts(root: Parent[LlmCall], info: Info) -> Levels:
    """What is stored of each part: where `variables` is not FULL, the prompt cannot be rendered as it was."""
    return parts_of(root, await info.context.load.content.load(root.id))


async def call_rendered_prompt(root: Parent[LlmCall], info: Info) -> RenderedPrompt | None:
    """The messages as they were sent, made anew from prompt and variables; null when the variables are not
    stored as they were (`contentParts`, `redacted`), sensitive ones among them, or do not fit.
    """
    load = info.context.load
    prompt = None if root.prompt_id is None else await load.prompt.load(root.prompt_id)
    content = await load.content.load(root.id)
    variables = variables_of(content)
    if prompt is None or any(variable.sensitive for variable in prompt.variables):
        return None
    if "variables" in redacted_of(content):
        return None
    if variables is None and prompt.variables:
        return None
    try:
        rendered = await asyncio.to_thread(render, prompt, variables or {})
    except InvalidInputError:
        return None
    return RenderedPrompt(prompt, rendered, root.rendered_hash)


def call_trace_url(root: Parent[LlmCall], info: Info) -> str | None:
    """The trace on the web, where the server knows its address."""
    return trace_url(info.context.trace_url, root.trace_id, root.span_id)


def trace_url(template: str | None, trace_id: str | None, span_id: str | None) -> str | None:
    """The address that a template makes of the ids; None where one of those in it is missing."""
    ids = {TRACE_ID: trace_id, SPAN_ID: span_id}
    if template is None or any(name in template and id_ is None for name, id_ in ids.items()):
        return None
    for name, id_ in ids.items():
        template = template.replace(name, quote(id_ or "", safe=""))
    return template
