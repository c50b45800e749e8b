"""The guard: what a document may ask for, and that finding out is cheap."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

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
SPREADS = (
    "{"
    + "".join(f"...f{i} " for i in range(101))
    + "}"
    + "".join(f"fragment f{i} on Query{{a{i}}}" for i in range(101))
)
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
        "{...nowhere nothing{at{all}}}",
        "{...on Nothing{id}}",
    ],
    ids=[
        "a field", "introspection", "a page of edges", "a page of nodes", "30 aliases",
        "spreads with few aliases", "aliases apart", "small fan-out", "unknown names",
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
        ("query q{hello}" * 51, "at most 50 operations"),
        (SPREADS, "over and over"),
        ("{...a} fragment a on Query{...a}", "within itself"),
        ("{...a} fragment a on Query{...b} fragment b on Query{...a}", "within itself"),
        ("{...a} fragment a on Query{prompt(id:1){...b}} fragment b on Prompt{self{...b}}", "within itself"),
        ("{...a} fragment a on Query{prompt(id:1){...b}} fragment b on Prompt{self{...a}}", "within itself"),
    ],
    ids=[
        "fan-out 2^18", "fan-out 2^60", "31 aliases", "aliases in spreads", "aliases in inline fragments",
        "directives", "directives on an operation", "depth", "lists in lists", "a size from a variable",
        "a size beyond all", "inline fragments", "a chain of fragments", "repeats", "repeats below repeats",
        "repeats in fragments", "an unused fragment",
        "operations", "fragments side by side",
        "a fragment in itself", "a circle", "in itself below a field", "a circle over fields",
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


def test_operations_are_validated_together() -> None:
    """What two of them select counts together; what one costs is its own, for one is executed."""
    first, second = fan_out(10).replace("query{", "query a{"), "query b{...f0}"
    without = Limits(repeats=10**9)
    assert refusal(first, without) is None
    assert "selections is 6,142," in (refusal(first + second, without) or "")
    text = "query a{prompts{nodes{name}}} query b{hello} query c{tags{name}}"
    assert [41, 1, 21] == check_document(SDL, parse(text), Limits())


def test_reading_the_schema_costs_what_it_has() -> None:
    """An editor may read all of it, once; lists of the description count as long as they are."""
    core = schema().core
    whole = get_introspection_query(descriptions=True, specified_by_url=True, directive_is_repeatable=True)
    (cost,) = check_document(core, parse(whole), Limits())
    assert 25_000 < cost < Limits().cost
    with pytest.raises(GraphQLError, match="cost"):
        check_document(
            core, parse('{__type(name:"Query"){fields{type{fields{type{fields{name}}}}}}}'), Limits()
        )


def test_declared_costs_count() -> None:
    """Rendering a page of prompts costs more than reading it."""
    core = schema().core
    text = "{prompts(first:100){nodes{%s}}}"
    render = " ".join(f"r{i}:render(variables:{{}}){{text}}" for i in range(10))
    check_document(core, parse(text % "name"), Limits())
    with pytest.raises(GraphQLError, match="cost"):
        check_document(core, parse(text % render), Limits())


def test_limits_are_the_documented_ones() -> None:
    """The figures that clients may count on; docs/http.md has a line for each."""
    told = (Path(__file__).parents[2] / "docs/http.md").read_text()
    assert [] == [
        f"| {name} | {limit:,} |"
        for name, limit in asdict(Limits()).items()
        if f"| {name} | {limit:,} |" not in told
    ]
    expected = {
        "operations": 50, "depth": 16, "cost": 50_000, "selections": 5_000, "directives": 50, "aliases": 30,
        "repeats": 5_000, "tokens": 2_000, "characters": 32_768, "nesting": 64,
    }  # fmt: skip
    assert expected == asdict(Limits())
