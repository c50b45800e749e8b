"""clients/typescript/src/api.ts: the inputs and enums of the graph that its client speaks, as types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap

from graphql import (
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    StringValueNode,
    TypeNode,
    parse,
    print_ast,
)

HEAD = "// Written from schema.graphql by docs/generate.py: do not edit it."
TYPES = ("CallStatus", "ErrorCode", "LlmCallInput", "MessageRole", "RecordStatus", "ScoreInput")
"""What the client speaks of the graph; what these are made of must be among them."""
SCALARS: Mapping[str, str] = {
    "DateTime": "string | Date",
    "Decimal": "string | number",
    "Float": "number",
    "ID": "string",
    "Int": "number",
    "JSON": "unknown",
    "String": "string",
    "UUID": "string",
}
WIDTH = 110


def api(sdl: str) -> str:
    """The module: each of TYPES, with the descriptions of `sdl`.

    raises  KeyError  one of them is missing, or is made of a type that nobody named here
    """
    found = {
        node.name.value: node
        for node in parse(sdl).definitions
        if isinstance(node, EnumTypeDefinitionNode | InputObjectTypeDefinitionNode)
    }
    return "\n\n".join([HEAD, *("\n".join(_type(found[name])) for name in TYPES)]) + "\n"


def _type(node: EnumTypeDefinitionNode | InputObjectTypeDefinitionNode) -> Iterator[str]:
    yield from _words(node.description, "")
    if isinstance(node, EnumTypeDefinitionNode):
        yield f"export type {node.name.value} ="
        values = node.values or ()
        for place, value in enumerate(values, 1):
            yield from _words(value.description, "  ")
            yield f'  | "{value.name.value}"{";" if place == len(values) else ""}'
        return
    yield f"export interface {node.name.value} {{"
    for field in node.fields or ():
        yield from _words(field.description, "  ", _default(field))
        yield f"  readonly {field.name.value}{_value(field)};"
    yield "}"


def _default(field: InputValueDefinitionNode) -> str:
    return f" Default: `{print_ast(field.default_value)}`." if field.default_value else ""


def _value(field: InputValueDefinitionNode) -> str:
    if isinstance(field.type, NonNullTypeNode):
        return f": {_kind(field.type.type)}"
    return f"?: {_kind(field.type)} | null | undefined"


def _kind(node: TypeNode) -> str:
    if isinstance(node, NonNullTypeNode):
        return _kind(node.type)
    if isinstance(node, ListTypeNode):
        return f"readonly {_kind(node.type)}[]"
    assert isinstance(node, NamedTypeNode)  # noqa: S101  # there is no fourth
    name = node.name.value
    return name if name in TYPES else SCALARS[name]


def _words(node: StringValueNode | None, indent: str, more: str = "") -> Iterator[str]:
    said = " ".join(f"{node.value if node else ''}{more}".split())
    lines = wrap(said, WIDTH - len(indent) - len("/**  */"), break_long_words=False)
    if len(lines) == 1:
        yield f"{indent}/** {said} */"
    elif lines:
        yield from (f"{indent}/**", *(f"{indent} * {line}" for line in lines), f"{indent} */")
