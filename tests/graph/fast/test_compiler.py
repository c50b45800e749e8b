"""What becomes a program, what it says of itself, and what does not become one."""

from __future__ import annotations

import time

import pytest

from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.program import VARIANTS
from promptgraph.store.database import Database
from tests.graph.both import agreed, context, program

REGISTRY = {
    "{prompts{totalCount nodes{labelNames family{labels{prompt{id}} latest{id}} agents{totalCount}}}}": True,
    '{prompt(name:"a"){diff{impact} render{text} previous{id} agents{nodes{prompts{nodes{id}}}}}}': True,
    '{promptFamily(name:"a"){versions{edges{cursor}}} agent(name:"a"){prompt(role:"a"){id}}}': True,
    "{__typename}": True,
    '{prompt(name:"a"){llmCalls{nodes{callId}}}}': False,
    '{prompt(name:"a"){callers{nodes{name}}}}': False,
    "{promptFamilies{nodes{labelMoves{nodes{id}}}}}": False,
    "{metrics{calls}}": False,
    '{node(id:"a"){id}}': False,
    "{serverInfo{revision}}": False,
    "{llmCalls{totalCount}}": False,
    'query($x:Boolean!){prompt(name:"a"){name metrics @include(if:$x){calls}}}': False,
    'query($x:Boolean!){prompt(name:"a"){name draft @include(if:$x)}}': True,
    "mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){recorded}}": False,
}
LEFT = {
    "subscription{promptSynced{name}}": Reason.OPERATION,
    'mutation{removePromptLabel(input:{name:"a",label:"b"}){errors{code}}}': Reason.OPERATION,
    "mutation($i:[LlmCallInput!]!,$n:String!){recordLlmCalls(input:$i){recorded}"
    ' setPromptLabel(input:{name:$n,label:"b",version:1}){errors{code}}}': Reason.OPERATION,
    "mutation($i:LlmCallInput!){recordLlmCall(input:$i){llmCall{prompt{render{text}}}}}": Reason.OPERATION,
    "mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){results{llmCall{prompt{llmCalls(first:1000)"
    "{totalCount}}}}}}": Reason.OPERATION,
}


@pytest.mark.parametrize("query", REGISTRY)
def test_a_program_knows_whether_it_reads_the_registry_alone(query: str) -> None:
    """Whatever directives leave out of it."""
    assert REGISTRY[query] == program(query).registry_only


@pytest.mark.parametrize("query", LEFT)
def test_what_cannot_be_answered_alike_is_left(query: str) -> None:
    """With the reason under which it is counted."""
    with pytest.raises(DeoptError) as caught:
        program(query)
    assert LEFT[query] is caught.value.reason


def test_sizes_count_what_is_selected() -> None:
    """Fragments as often as they are spread, fields that are said twice once."""
    query = "{a:prompts{nodes{...P name}} b:prompts{nodes{...P}}} fragment P on Prompt{id name family{id}}"
    assert 2 * 6 == program(query).size


async def test_a_huge_operation_is_compiled_in_linear_time(stocked: Database) -> None:
    """Thousands of selections by fragments within fragments: what is alike is written once."""
    fields = " ".join(f"a{number}:name" for number in range(30))
    links = " ".join(f"l{number}:family{{...F}}" for number in range(29))
    query = f"{{prompts(first:1){{nodes{{{links} ...G}}}}}} fragment F on PromptFamily{{{fields} id}}"
    query += " fragment G on Prompt{" + " ".join(f"m{n}:family{{...F latest{{id}}}}" for n in range(29)) + "}"
    began = time.process_time()
    size = program(query).size
    taken = time.process_time() - began
    assert 1_800 < size
    assert taken < 2
    await agreed(stocked, query)


async def test_variants_are_bounded(stocked: Database) -> None:
    """However many truths the directives' variables have, few programs are kept."""
    names = [f"v{number}" for number in range(8)]
    query = "query(" + " ".join(f"${name}:Boolean!" for name in names) + "){prompts(first:1){nodes{"
    query += " ".join(f"{name}:name @include(if:${name})" for name in names) + "}}}"
    made = program(query)
    for number in range(40):
        truth = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        found = await made.run(context(stocked), truth)
        assert [name for name in names if truth[name]] == list(found["prompts"]["nodes"][0])
    assert VARIANTS == len(made.variants)
