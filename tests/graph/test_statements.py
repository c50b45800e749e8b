"""How many statements an operation costs: as many for a dozen parents as for one."""

from __future__ import annotations

from typing import Any

from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from tests.conftest import Statements
from tests.factories import prompt_yaml
from tests.graph.both import standard
from tests.graph.recording import call, recorded
from tests.graph.registry import ask, sync
from tests.hearing import heard_directly

COUNT = 12
NAMES = [f"area/p{number:02}" for number in range(COUNT)]
FILES = {
    **{f"{name}.prompt.yaml": prompt_yaml(2, f"{name}: {{{{ a }}}}", tags=["t"]) for name in NAMES},
    **{f"{name}@1.prompt.yaml": prompt_yaml(1, f"{name} {{{{ a }}}}") for name in NAMES},
    "labels.yaml": "production:\n" + "".join(f"  {name}: 1\n" for name in NAMES),
    **{
        f"agents/bot{number}.agent.yaml": f"prompts:\n  one: {name}\n  two: {name}@production\n"
        for number, name in enumerate(NAMES)
    },
}
PAGE = "id name version labelNames tags description metadata messages{content} variables{name} source{path}"
QUERIES = {
    "columns": (
        1,
        "prompts(first:%d){nodes{name version description tags family{name}} pageInfo{endCursor}}",
    ),
    "labels": (2, "prompts(first:%d){nodes{labelNames}}"),
    "family labels": (3, "prompts(first:%d){nodes{family{labels{label prompt{version}}}}}"),
    "neighbours": (3, "prompts(first:%d){nodes{previous{version} next{version}}}"),
    "agents of prompts": (2, "prompts(first:%d){nodes{agents(first:2){nodes{name} pageInfo{hasNextPage}}}}"),
    "counts": (4, "prompts(first:%d){totalCount nodes{agents{totalCount}}}"),
    "versions of families": (2, "promptFamilies(first:%d){nodes{versions(first:1){nodes{version}}}}"),
    "latest of families": (2, "promptFamilies(first:%d){nodes{latest{version}}}"),
    "moves": (3, "promptFamilies(first:%d){nodes{labelMoves(first:1){nodes{to{version}}}}}"),
    "assignments": (4, "agents(first:%d){nodes{assignments{prompt{version} agent{name}}}}"),
    "prompts of agents": (2, "agents(first:%d){nodes{prompts{nodes{name}}}}"),
    "chosen prompts": (3, 'agents(first:%d){nodes{prompt(role:"two"){version}}}'),
    "a page of everything": (
        9,
        "prompts(first:%d){totalCount nodes{"
        + PAGE
        + " previous{version} family{latest{version} labels{label}}"
        " agents{nodes{name assignments{role}}}}}",
    ),
    "diffs and renderings": (3, 'prompts(first:%d){nodes{diff{impact} render(variables:{a:"x"}){text}}}'),
}


async def test_a_level_costs_one_statement(db: Database, statements: Statements) -> None:
    """The number of statements depends on the links that are followed, not on how many rows follow them."""
    await sync(db, FILES)
    sent: dict[str, set[int]] = {name: set() for name in QUERIES}
    for name, (_, query) in QUERIES.items():
        for size in (1, COUNT):
            before = len(statements)
            found = await ask(db, "{" + query % size + "}")
            assert size == len(next(iter(found.values()))["nodes"])
            sent[name].add(len(statements) - before)
    assert {name: {expected} for name, (expected, _) in QUERIES.items()} == sent


async def test_names_side_by_side_come_together(db: Database, statements: Statements) -> None:
    """A dozen prompts asked for by name cost one statement; totalCount its own, and only when asked for."""
    await sync(db, FILES)
    fields = " ".join(
        f'p{number}:prompt(name:"{name}",version:1){{version}}' for number, name in enumerate(NAMES)
    )
    with statements.counted(1):
        found = await ask(db, "{" + fields + "}")
    assert {1} == {each["version"] for each in found.values()}
    with statements.counted(1):
        await ask(db, "{prompts{pageInfo{hasNextPage}}}")


OF_A_PAGE = 5
WIDE = [f"wide/p{number:02}" for number in range(50)]
WIDE_FILES = {
    **{f"{name}.prompt.yaml": prompt_yaml(1, f"{name}: {{{{ a }}}}") for name in WIDE},
    **{
        f"agents/bot{number:02}.agent.yaml": f"prompts: {{one: {name}}}\n" for number, name in enumerate(WIDE)
    },
}
FIGURES = "metrics{calls errors errorShare inputTokens costUsd latencyMs{p50 p95}}"
CALLS = "llmCalls(first:3){nodes{callId model status latencyMs agent{name}} pageInfo{hasNextPage}%s}"
PROMPTS = "{prompts(first:%d){nodes{id name " + FIGURES + " " + CALLS + "}%s}}"


async def test_fifty_prompts_with_figures_calls_and_agents(db: Database, statements: Statements) -> None:
    """As many statements by the standard executor as for one prompt: the prompts, the figures in two, the
    calls, and their agents. A `totalCount` costs one for all parents of its level, and none where nobody
    selects it.
    """
    await sync(db, WIDE_FILES)
    rows = [
        call(
            4 * prompt + number,
            promptId=global_id("Prompt", name, 1),
            agent=f"bot{prompt:02}",
            latencyMs=number,
        )
        for prompt, name in enumerate(WIDE)
        for number in range(4)
    ]
    await recorded(db, *rows)
    await standard(db, PROMPTS % (1, "", ""))  # rows of the ledger are read once
    with heard_directly(lambda sql, _: statements.append(sql)):
        for size in (1, 50):
            with statements.counted(OF_A_PAGE):
                found = (await standard(db, PROMPTS % (size, "", "")))["prompts"]["nodes"]
            assert [(4, 3, f"bot{number:02}") for number in range(size)] == [
                (each["metrics"]["calls"], len(each["llmCalls"]["nodes"]), agent_of_first_call(each))
                for each in found
            ]
        for counts, more in (
            (("totalCount", ""), 1),
            (("", "totalCount"), 1),
            (("totalCount", "totalCount"), 2),
        ):
            with statements.counted(OF_A_PAGE + more):
                await standard(db, PROMPTS % (50, *counts))


def agent_of_first_call(prompt: dict[str, Any]) -> str:
    return str(prompt["llmCalls"]["nodes"][0]["agent"]["name"])
