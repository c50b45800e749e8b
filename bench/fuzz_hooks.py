"""What schemathesis is told of this server: values for its scalars, some of them real, and what a finding is.

Run by bench/fuzz.py in an environment of its own; PROMPTGRAPH_FUZZ_URL is the server.
"""

from __future__ import annotations

import json
import os
import string
from typing import Any
from urllib.request import Request, urlopen
from zlib import crc32

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

KNOWN = """{
  prompts { nodes { id name labelNames tags family { id } } }
  agents { nodes { id name assignments { id role } } }
  llmCalls(first: 20) { nodes { id callId model provider traceId conversationId } pageInfo { endCursor } }
  syncRuns { nodes { id } pageInfo { endCursor } }
}"""
CODES = {"INVALID_INPUT", "NOT_FOUND", "TOO_MANY_ROWS", "FORBIDDEN"}
"""What an expected failure may be called: the client's affair. INTERNAL and UNAVAILABLE are findings."""
LEFT = ({"first"}, {"last"}, {"first", "after"}, {"last", "before"}, {"version"}, {"label"}, set(), set())
OPTIONAL = set().union(*LEFT, {"filter", "window", "orderBy"})
LEFT += (LEFT[0] | {"filter", "window"}, OPTIONAL - {"last", "after", "before", "label"}, OPTIONAL)
"""Of the optional arguments, those that a field keeps; the field's text says which."""
DURATIONS = ["P7D", "PT1H", "P1M", "P1DT12H", "P1000Y", "P0D", "P-1D"]


def known() -> list[str]:
    """Ids, names, words and cursors that the server knows."""
    body = json.dumps({"query": KNOWN}).encode()
    asked = Request(os.environ["PROMPTGRAPH_FUZZ_URL"], body, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(asked, timeout=30) as answer:  # noqa: S310  # our own server
        return sorted(set(texts(json.load(answer)["data"])))


def texts(value: Any) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in texts(item)]


def value(item: Any) -> Any:
    """A JSON value as a literal of GraphQL."""
    if isinstance(item, dict):
        return nodes.Object([field(name, value(inner)) for name, inner in item.items()])
    if isinstance(item, list):
        return nodes.List([value(inner) for inner in item])
    kinds = {bool: nodes.Boolean, int: nodes.Int, float: nodes.Float, str: nodes.String}
    return nodes.Null if item is None else kinds[type(item)](item)


def field(name: str, inner: Any) -> Any:
    return graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=inner)


class Thin(graphql.Visitor):
    """Leaves fewer arguments, for schemathesis gives them all: `first` and `last` together find nothing."""

    def leave_field(self, node: Any, *_: Any) -> Any:
        left = LEFT[crc32(graphql.print_ast(node).encode()) % len(LEFT)]
        gone = set() if node.name.value == "promptAt" else OPTIONAL - left  # which needs its label
        left_over = tuple(each for each in node.arguments or () if each.name.value not in gone)
        return graphql.FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=left_over,
            directives=node.directives,
            selection_set=node.selection_set,
        )


@schemathesis.hook
def map_case(_context: Any, case: Any) -> Any:
    """`case`, with some arguments left out; not where one of them is wrong on purpose."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return case
    case.body = graphql.print_ast(graphql.visit(graphql.parse(case.body), Thin()))
    return case


WORDS = st.sampled_from([*known(), *DURATIONS])
PLAIN = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200)
TEXT = st.one_of(WORDS, WORDS, PLAIN)
NAMES = st.text(string.ascii_letters, min_size=1, max_size=20)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXT)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)

scalar("ID", TEXT.map(nodes.String))
scalar("String", TEXT.map(nodes.String))
scalar("UUID", st.one_of(st.uuids().map(str), WORDS).map(nodes.String))
scalar(
    "DateTime",
    st.one_of(st.datetimes().map(lambda moment: moment.isoformat() + "Z"), WORDS).map(nodes.String),
)
scalar("BigInt", st.integers(-(2**53), 2**53).map(nodes.Int))
scalar("Decimal", st.decimals(-(10**6), 10**6, places=6).map(lambda number: nodes.String(str(number))))
scalar("JSON", st.dictionaries(NAMES, JSON, max_size=5).map(value))


@schemathesis.check
def no_surprise(_context: Any, response: Any, _case: Any) -> None:
    """The answer is a GraphQL response, and its errors, if any, are expected ones."""
    payload = response.json()
    strange = [error for error in payload.get("errors", ()) if error["extensions"]["code"] not in CODES]
    if response.status_code not in (200, 400) or not set(payload) <= {"data", "errors"} or strange:
        raise AssertionError(f"{response.status_code} with {sorted(payload)}: {strange}")
