"""How many statements an operation costs: as many for a dozen parents as for one."""

from __future__ import annotations

from promptgraph.store.database import Database
from tests.conftest import Statements
from tests.factories import prompt_yaml
from tests.graph.registry import ask, sync

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
