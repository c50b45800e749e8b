"""The guard: what a document may ask for, and that finding out is cheap."""

from __future__ import annotations

import time
from dataclasses import asdict

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, parse

from promptgraph.graph.guard import Limits, check_document
from tests.graph.registry import schema

SDL = build_schema("""
    type Query { hello: String prompt(id: ID!): Prompt tags: [Tag!]!
                 prompts(first: Int last: Int): PromptConnection }
    type Prompt { id: ID! name: String self: Prompt versions: [Prompt!]! }
    type PromptConnection { edges: [PromptEdge!]! nodes: [Prompt!]! totalCount: Int }
    type PromptEdge { node: Prompt! }
    type Tag { name: String prompts(first: Int): PromptConnection }
""")
CHAIN = "{...f0}" + "".join(f" fragment f{i} on Query{{...f{i + 1}}}" for i in range(99))
LIMITS = Limits(depth=10, cost=10_000)


def fan_out(levels: int, leaf: str = "hello") -> str:
    """Fragments of which each spreads the next one twice: 2^levels fields when expanded."""
    steps = "".join(f" fragment f{i} on Query{{...f{i + 1} ...f{i + 1}}}" for i in range(levels))
    return "query{...f0}" + steps + f" fragment f{levels} on Query{{{leaf}}}"


def refusal(text: str, limits: Limits = LIMITS) -> str | None:
    """Why the document is refused; None if it is not."""
    try:
        check_document(SDL, parse(text), limits)
    except GraphQLError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    "text",
    [
        "{hello}",
        get_introspection_query(),
        "{prompts(first:100){edges{node{id name}}}}",
        "{prompts(first:100){nodes{id name} totalCount}}",
        "{" + " ".join(f"a{i}:hello" for i in range(30)) + "}",
        "{" + "...f " * 15 + "} fragment f on Query{a:hello prompt(id:1){name}}",
        "{prompts{nodes{a:id b:id}}" + " ".join(f"a{i}:hello" for i in range(30)) + "}",
        fan_out(3),
        "{...a} fragment a on Query{...b} fragment b on Query{...a}",
        "{...nowhere nothing{at{all}}}",
        "{...on Nothing{id}}",
    ],
    ids=[
        "a field", "introspection", "a page of edges", "a page of nodes", "30 aliases",
        "spreads with few aliases", "aliases apart", "small fan-out", "circle", "unknown names",
        "unknown type",
    ],
)  # fmt: skip
def test_lets_ordinary_documents_pass(text: str) -> None:
    """What people write is within the limits; what is wrong in other ways is left to the standard rules."""
    assert refusal(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (fan_out(18), "selections"),
        (fan_out(60), "selections"),
        ("{" + " ".join(f"a{i}:hello" for i in range(31)) + "}", "aliases"),
        ("{" + "...f " * 16 + "} fragment f on Query{a:hello b:hello}", "aliases"),
        ("{... on Query{... {" + " ".join(f"a{i}:hello" for i in range(31)) + "}}}", "aliases"),
        ("{hello " + "@skip(if:false) " * 51 + "}", "directives"),
        ("query " + "@a " * 51 + "{hello}", "directives"),
        ("{prompt(id:1)" + "{self" * 10 + "{name}" + "}" * 10 + "}", "depth"),
        ("{tags{prompts(first:100){edges{node{versions{id}}}}}}", "cost"),
        ("query($n:Int){tags{prompts(first:$n){nodes{versions{id name}}}}}", "cost"),
        ("{tags{prompts(first:99999999999999){nodes{versions{id name}}}}}", "cost"),
        ("{" + "... on Query{" * 70 + "hello" + "}" * 71, "nested"),
        (CHAIN + " fragment f99 on Query{hello}", "nested"),
        ("{" + "hello " * 101 + "}", "over and over"),
        ("{" + ("prompt(id:1){" + "name " * 15 + "} ") * 7 + "}", "over and over"),
        ("{" + "...f " * 21 + "} fragment f on Query{" + "hello " * 5 + "}", "over and over"),
        ("{hello} fragment f on Query{" + "hello " * 900 + "}", "never used"),
    ],
    ids=[
        "fan-out 2^18", "fan-out 2^60", "31 aliases", "aliases in spreads", "aliases in inline fragments",
        "directives", "directives on an operation", "depth", "lists in lists", "a size from a variable",
        "a size beyond all", "inline fragments", "a chain of fragments", "repeats", "repeats below repeats",
        "repeats in fragments", "an unused fragment",
    ],
)  # fmt: skip
def test_refuses_what_asks_for_too_much(text: str, word: str) -> None:
    """The sentence says of what there is too much."""
    assert word in (refusal(text) or "")


@pytest.mark.parametrize("levels", [150, 190])
def test_finds_out_in_no_time(levels: int) -> None:
    """A document that expands to 2^150 fields is refused at all: step by step it would take for ever."""
    wide = Limits(nesting=1000)
    document = parse(fan_out(levels), max_tokens=2000)
    began = time.thread_time()
    with pytest.raises(GraphQLError):
        check_document(SDL, document, wide)
    assert time.thread_time() - began < 2


@pytest.mark.parametrize("levels", [0, 1, 2, 5, 9])
def test_a_fragment_counts_wherever_it_is_spread(levels: int) -> None:
    """Measured once, added each time: the figures equal those of the expanded document."""
    expanded = "{" + "hello " * 2**levels + "}"
    spreads = 2 ** (levels + 1) - 1  # each spread is a selection, too
    size, without = 2**levels + spreads, 10**9
    assert refusal(fan_out(levels), Limits(selections=size, repeats=without)) is None
    assert refusal(expanded, Limits(selections=2**levels, repeats=without)) is None
    assert "selections" in (refusal(fan_out(levels), Limits(selections=size - 1)) or "")


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{hello}", 1),
        ("{prompt(id:1){name}}", 2),
        ("{prompts{nodes{name}}}", 1 + 20 * 2),
        ("{prompts(first:3){nodes{name}}}", 1 + 3 * 2),
        ("{prompts(last:3){edges{node{name}}}}", 1 + 3 * 3),
        ("{prompts(first:0){nodes{name}}}", 1 + 2),
        ("{prompts(first:3){nodes{versions{name}}}}", 1 + 3 * (1 + 1 + 20)),
        ("{tags{name}}", 1 + 20),
    ],
)
def test_cost_is_fields_times_rows(text: str, cost: int) -> None:
    """A list multiplies what is below it by the rows it may have; edges and nodes are paid for once."""
    assert refusal(text, Limits(cost=cost)) is None
    assert f"cost is {cost}," in (refusal(text, Limits(cost=cost - 1)) or "")


def test_declared_costs_count() -> None:
    """Rendering a page of prompts costs more than reading it."""
    core = schema().core
    text = "{prompts(first:100){nodes{%s}}}"
    render = " ".join(f"r{i}:render(variables:{{}}){{text}}" for i in range(10))
    check_document(core, parse(text % "name"), Limits())
    with pytest.raises(GraphQLError, match="cost"):
        check_document(core, parse(text % render), Limits())


def test_limits_are_the_documented_ones() -> None:
    """The figures that clients may count on."""
    expected = {
        "depth": 16, "cost": 50_000, "selections": 5_000, "directives": 50, "aliases": 30,
        "repeats": 5_000, "tokens": 2_000, "characters": 32_768, "nesting": 64,
    }  # fmt: skip
    assert expected == asdict(Limits())
