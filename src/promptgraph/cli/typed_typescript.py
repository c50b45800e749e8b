"""A TypeScript module with a function for each prompt, on the client of `promptgraph`'s npm package."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from promptgraph.cli.typed_prompts import HEADER, TypedPrompt
from promptgraph.domain.schema_shape import (
    Anything,
    Exactly,
    Field,
    ListOf,
    MapOf,
    OneOf,
    Plain,
    Record,
    Shape,
)

PLAIN: Mapping[str, str] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def typescript_module(prompts: Sequence[TypedPrompt], package: str) -> str:
    """The module's text; `package` is what the client is imported from."""
    lines = [
        f"// {HEADER.format(language='typescript')}",
        f"import type {{ Client, Ending, Rendered, Which }} from {json.dumps(package)};",
    ]
    for prompt in prompts:
        lines += _of(prompt)
    return "\n".join(lines) + "\n"


def _of(prompt: TypedPrompt) -> Iterator[str]:
    about = f"{prompt.name}, made from version {prompt.version}."
    yield from ("", f"export interface {prompt.pascal}Variables {{")
    for one in prompt.parameters:
        yield f"  readonly {_key(one.name)}{'' if one.required else '?'}: {type_of(one.shape, 1)};"
    yield "}"
    if prompt.output is not None:
        yield from ("", f"export type {prompt.pascal}Output = {type_of(prompt.output, 0)};")
    yield from ("", _comment(f"{prompt.description} ({about})" if prompt.description else about))
    yield f"export function {prompt.camel}("
    yield "  client: Client,"
    optional = all(not one.required for one in prompt.parameters)
    yield f"  variables: {prompt.pascal}Variables{' = {}' if optional else ''},"
    yield "  which: Which & Ending = {},"
    yield "): Promise<Rendered> {"
    yield f"  return client.render({json.dumps(prompt.name)}, {{ ...which, variables: {{ ...variables }} }});"
    yield "}"


def type_of(shape: Shape, depth: int) -> str:
    """A type for `shape`, written inside so many braces."""
    if isinstance(shape, Plain):
        return PLAIN[shape.kind]
    if isinstance(shape, Exactly):
        return " | ".join(json.dumps(value) for value in shape.values)
    if isinstance(shape, ListOf):
        item = type_of(shape.item, depth)
        return f"readonly ({item})[]" if _is_union(shape.item) else f"readonly {item}[]"
    if isinstance(shape, MapOf):
        return f"Readonly<Record<string, {type_of(shape.value, depth)}>>"
    if isinstance(shape, OneOf):
        return " | ".join(type_of(one, depth) for one in shape.shapes)
    return "unknown" if isinstance(shape, Anything) else _record(shape, depth)


def _is_union(shape: Shape) -> bool:
    return isinstance(shape, OneOf | ListOf) or (isinstance(shape, Exactly) and len(shape.values) > 1)


def _record(record: Record, depth: int) -> str:
    inner = "  " * (depth + 1)
    fields = [line for key, one in record.fields.items() for line in _field(key, one, inner, depth + 1)]
    return "\n".join(("{", *fields, "  " * depth + "}"))


def _field(key: str, one: Field, inner: str, depth: int) -> Iterator[str]:
    if one.description:
        yield inner + _comment(one.description)
    yield f"{inner}readonly {_key(key)}{'' if one.required else '?'}: {type_of(one.shape, depth)};"


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name)


def _comment(said: str) -> str:
    """A comment of one line: no text of a prompt file ends it early."""
    return f"/** {' '.join(said.split()).replace('*/', '* /')} */"
