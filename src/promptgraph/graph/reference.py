"""docs/reference/graphql.md, from the SDL itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphql import (
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLDeprecatedDirective,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeNode,
    get_directive_values,
    parse,
    print_ast,
    specified_scalar_types,
)

from promptgraph.graph.field import PAGE_ARGUMENTS
from promptgraph.graph.schema import sdl, tidy

Composite: TypeAlias = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode
Definition: TypeAlias = (
    Composite | InputObjectTypeDefinitionNode | EnumTypeDefinitionNode | ScalarTypeDefinitionNode
)
Part: TypeAlias = FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode

HEAD = """\
# The graph

Every type of [schema.graphql](../../schema.graphql) with its fields. `!` means never null, `[…]` a list.
How the schema grows, and how to pin it: [the schema as a contract](../schema.md).

## Paging

Every list in pages takes these four; of such a list the tables below name the other arguments only.
"""

BUILT_IN = frozenset(specified_scalar_types)
ROOTS = ("Query", "Mutation", "Subscription")
PAGES = ("Connection", "Edge", "PageInfo")
GROUPS: Mapping[str, type[Definition]] = {
    "Objects": ObjectTypeDefinitionNode,
    "Interfaces": InterfaceTypeDefinitionNode,
    "Inputs": InputObjectTypeDefinitionNode,
    "Enums": EnumTypeDefinitionNode,
    "Scalars": ScalarTypeDefinitionNode,
}


def reference() -> str:
    """The whole page."""
    known: dict[str, Definition] = {node.name.value: node for node in definitions()}
    roots = [known.pop(name) for name in ROOTS if name in known]
    pages = [known.pop(name) for name in list(known) if name.endswith(PAGES)]
    lines = [HEAD, *_table("argument", _paging(roots))]
    for root in roots:
        lines += _section(root, "##", ())
    for heading, group in GROUPS.items():
        lines.append(f"## {heading}\n")
        for node in known.values():
            if isinstance(node, group):
                lines += _section(node, "###", _implementers(node, known.values()))
    lines.append("## Lists in pages\n")
    for node in pages:
        lines += _section(node, "###", ())
    return "\n".join(lines).rstrip() + "\n"


def definitions() -> Iterator[Definition]:
    """The definition of each type of the SDL, by name."""
    for node in parse(sdl(), no_location=True).definitions:
        if isinstance(node, Definition):
            yield node


def _paging(roots: Iterable[Definition]) -> list[Part]:
    """The paging arguments, as the first list in pages has them."""
    fields = (field for root in roots for field in _parts(root) if _pages(field))
    return [argument for argument in _arguments(next(fields)) if argument.name.value in PAGE_ARGUMENTS]


def _pages(part: Part) -> bool:
    return {argument.name.value for argument in _arguments(part)} >= PAGE_ARGUMENTS.keys()


def _section(node: Definition, mark: str, implementers: Iterable[str]) -> list[str]:
    lines = [f"{mark} {node.name.value}\n", f"{_words(node)}\n"]
    if isinstance(node, Composite) and node.interfaces:
        names = ", ".join(_link(one.name.value) for one in node.interfaces)
        lines.append(f"Implements {names}.\n")
    if shown := ", ".join(map(_link, implementers)):
        lines.append(f"Implemented by {shown}.\n")
    heading = "value" if isinstance(node, EnumTypeDefinitionNode) else "field"
    return lines + _table(heading, _parts(node))


def _implementers(node: Definition, all_: Iterable[Definition]) -> list[str]:
    name = node.name.value
    return [
        other.name.value
        for other in all_
        if isinstance(other, Composite) and name in {one.name.value for one in other.interfaces or ()}
    ]


def _parts(node: Definition) -> Sequence[Part]:
    if isinstance(node, ScalarTypeDefinitionNode):
        return ()
    return (node.values if isinstance(node, EnumTypeDefinitionNode) else node.fields) or ()


def _arguments(part: Part) -> Sequence[InputValueDefinitionNode]:
    return (part.arguments if isinstance(part, FieldDefinitionNode) else None) or ()


def _table(heading: str, parts: Iterable[Part]) -> list[str]:
    """A row for each part: its name, its type if it has one, and what it means, its arguments included."""
    rows = [_row(part) for part in parts]
    if not rows:
        return []
    if heading == "value":
        return [
            f"| {heading} | meaning |",
            "|---|---|",
            *(f"| {name} | {words} |" for name, _, words in rows),
            "",
        ]
    return [
        f"| {heading} | type | meaning |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _row(part: Part) -> tuple[str, str, str]:
    type_ = "" if isinstance(part, EnumValueDefinitionNode) else _type(part.type)
    paged = _pages(part)
    own = [each for each in _arguments(part) if not paged or each.name.value not in PAGE_ARGUMENTS]
    notes = [_words(part), *(f"· `{each.name.value}` {_type(each.type)}: {_words(each)}" for each in own)]
    return f"`{part.name.value}`", type_, "<br>".join(notes)


def _words(node: Definition | Part) -> str:
    """The description, the default and the deprecation, fit for a cell."""
    said = [" ".join(node.description.value.split()) if node.description else ""]
    if isinstance(node, InputValueDefinitionNode) and node.default_value is not None:
        said.append(f"Default: `{tidy(print_ast(node.default_value))}`.")
    if gone := get_directive_values(GraphQLDeprecatedDirective, node):
        said.append(f"**Deprecated:** {gone['reason']}")
    return " ".join(said).replace("|", "\\|")


def _type(node: TypeNode) -> str:
    """The type, which leads to its section if it has one."""
    inner = node
    while isinstance(inner, ListTypeNode | NonNullTypeNode):
        inner = inner.type
    return _link(print_ast(inner), print_ast(node))


def _link(name: str, text: str = "") -> str:
    shown = f"`{text or name}`"
    return shown if name in BUILT_IN else f"[{shown}](#{name.lower()})"
