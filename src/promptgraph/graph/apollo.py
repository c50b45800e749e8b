"""What Apollo Client's cache should know of the schema: possible types and type policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_object_type,
)

from promptgraph.graph.field import PAGE_ARGUMENTS
from promptgraph.graph.schema import Schema

CONNECTION, EDGE, QUERY = "Connection", "Edge", "Query"
KEYS: Mapping[str, str] = {
    "CallMetricsBin": "since",
    "CallMetricsGroup": "key",
    "ScoreStats": "name",
    "PromptVariable": "name",
    "PromptChange": "path",
}
"""What tells the things of one list apart that have no id. Others are told apart by their place."""

FUNCTIONS = Path(__file__).with_suffix(".ts")
"""What the policies are made with."""


def apollo_files() -> dict[str, str]:
    """The text of each file, by its name."""
    schema = Schema(is_open=True).core
    types = json.dumps(possible_types(schema), indent=2)
    return {"possibleTypes.json": f"{types}\n", "typePolicies.ts": type_policies(schema)}


def possible_types(schema: GraphQLSchema) -> dict[str, list[str]]:
    """Which types an interface or union stands for, by name."""
    return {
        name: sorted(possible.name for possible in schema.get_possible_types(kind))
        for name, kind in sorted(schema.type_map.items())
        if is_abstract_type(kind)
    }


def type_policies(schema: GraphQLSchema) -> str:
    """A TypeScript module: how things of each type are kept and merged."""
    policies = {kind.name: found for kind in _kept(schema) if (found := _policy(kind))}
    keys = {name: json.dumps(key) for name, key in KEYS.items()}
    return (
        f"{FUNCTIONS.read_text(encoding='utf-8')}"
        f"const keys: Readonly<Record<string, string>> = {_block(keys)};\n\n"
        f"export const typePolicies: TypePolicies = {_block(policies)};\n"
    )


def _kept(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    """Object types that a query may come upon, by name; what only mutations answer with is not kept."""
    found: dict[str, GraphQLObjectType] = {}
    ahead: list[GraphQLNamedType | None] = [schema.query_type]
    while ahead:
        kind = ahead.pop()
        if is_abstract_type(kind):
            ahead += schema.get_possible_types(kind)
        elif is_object_type(kind) and kind.name not in found:
            found[kind.name] = kind
            ahead += [get_named_type(field.type) for field in kind.fields.values()]
    return [found[name] for name in sorted(found)]


def _policy(kind: GraphQLObjectType) -> str:
    rules = {"merge": "true"} if _is_embedded(kind) else {}
    fields = {name: rule for name, field in kind.fields.items() if (rule := _rule(field))}
    if fields:
        rules["fields"] = _block(fields, "    ")
    return _block(rules, "  ") if rules else ""


def _block(entries: Mapping[str, str], margin: str = "") -> str:
    lines = "".join(f"{margin}  {name}: {value},\n" for name, value in entries.items())
    return f"{{\n{lines}{margin}}}"


def _rule(field: GraphQLField) -> str:
    """The policy of a field, where Apollo would not do right by itself."""
    kind = get_named_type(field.type)
    own = json.dumps([name for name in field.args if name not in PAGE_ARGUMENTS])
    if kind.name.endswith(CONNECTION):
        return f"pages({'false' if own == '[]' else own})"
    if not _is_embedded(kind):
        return ""
    if is_list_type(get_nullable_type(field.type)):
        return "items"
    return "" if own == "[]" else f"{{ keyArgs: {own}, merge: true }}"


def _is_embedded(kind: object) -> TypeGuard[GraphQLObjectType]:
    """Whether its objects have no id, so that they are kept where they are found. A page and its edges are
    the business of the list, and what is at the top is kept anyhow.
    """
    return (
        is_object_type(kind) and "id" not in kind.fields and not kind.name.endswith((CONNECTION, EDGE, QUERY))
    )
