"""Every list in pages, walked from both ends while rows come: whole, in order, honest about what is left."""

from __future__ import annotations

import base64
import datetime as dt
import json
from functools import reduce
from typing import Any, NamedTuple

import pytest
from graphql import get_named_type, is_object_type

from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from tests.conftest import Statements
from tests.factories import prompt_yaml
from tests.graph.recording import call, recorded
from tests.graph.registry import NOW, ask, refused, schema, sync

ONE, TWO = "area/one", "area/two"
SIZE = 3
PAGE = "{edges{cursor node{id}} nodes{id} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}"
OWNERS = {
    "Query": "%s",
    "Prompt": f'prompt(name:"{ONE}",version:3){{%s}}',
    "PromptFamily": f'promptFamily(name:"{ONE}"){{%s}}',
    "Agent": 'agent(name:"bot1"){%s}',
}
LISTS = {
    "Query.prompts": "",
    "Query.prompts, every version": "filter:{allVersions:true}",
    "Query.prompts, labelled": 'filter:{label:"kept"}',
    "Query.prompts, from Z to A": "orderBy:{field:NAME,direction:DESC}",
    "Query.prompts, oldest first": "orderBy:{field:CREATED_AT,direction:ASC}",
    "Query.prompts, newest first": "orderBy:{field:CREATED_AT,direction:DESC}",
    "Query.promptFamilies": "",
    "Query.agents": "",
    "Query.llmCalls": "",
    "Query.llmCalls, of prompts": f'filter:{{prompts:["{ONE}","{TWO}"]}}',
    "Query.llmCalls, of agents": 'filter:{agents:["bot1","bot2"]}',
    "Query.llmCalls, in a window": 'filter:{models:["m"],window:{last:"P2D"}}',
    "Query.syncRuns": "",
    "Prompt.agents": "",
    "Prompt.callers": "",
    "Prompt.llmCalls": "",
    "PromptFamily.versions": "",
    "PromptFamily.labelMoves": "",
    "PromptFamily.agents": "",
    "PromptFamily.llmCalls": "",
    "Agent.prompts": "",
    "Agent.llmCalls": "",
}
"""Each list, and the arguments that make it one of several."""


def asked(name: str, page: str, wanted: str = PAGE) -> str:
    """The text that asks for a page of a list."""
    owner, _, field = name.partition(",")[0].partition(".")
    return OWNERS[owner] % f"{field}({page} {LISTS[name]}){wanted}"


def test_no_list_is_left_out() -> None:
    """Every field that is a list in pages stands in the table."""
    paged = {
        f"{kind.name}.{name}"
        for kind in schema().core.type_map.values()
        if is_object_type(kind)
        for name, field in kind.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    }
    assert paged == {name.partition(",")[0] for name in LISTS}


# ---------------------------------------------------------------- walks


def tree(round_: int) -> dict[str, str]:
    """Prompt files: each round adds a version, prompts and agents before and behind the others, and moves."""
    versions = 4 + round_
    more = [f"{place}{number}" for number in range(round_) for place in "az"]
    names = [TWO, *(f"area/p{number}" for number in range(4)), *(f"{name}/x" for name in more)]
    uses = "".join(f"  use{number}: {name}\n" for number, name in enumerate(names))
    kept = ", ".join(f"{name}: 1" for name in (ONE, *names))
    moving = "".join(f"l{number}: {{{ONE}: {number + round_}}}\n" for number in range(1, 5))
    return {
        **{f"{ONE}@{n}.prompt.yaml": prompt_yaml(n, f"{n} {{{{ a }}}}") for n in range(1, versions)},
        f"{ONE}.prompt.yaml": prompt_yaml(versions, f"{versions} {{{{ a }}}}"),
        **{f"{name}.prompt.yaml": prompt_yaml(1, name) for name in names},
        **{
            f"agents/{bot}.agent.yaml": f"prompts:\n  fixed: {ONE}@3\n{uses}"
            for bot in ("bot1", "bot2", "bot3", "bot4", *more)
        },
        "labels.yaml": f"kept: {{{kept}}}\n{moving}",
    }


async def fill(db: Database, round_: int) -> None:
    """More of everything: syncs, and calls before, among and after those that are there."""
    await sync(db, tree(round_), NOW + dt.timedelta(minutes=round_))
    for number in range(4):
        own = {f"other/s{round_}{number}.prompt.yaml": prompt_yaml(1, "x")}
        await sync(db, own, NOW, source=f"source{round_}{number}")
    around = [dt.timedelta(hours=hours * round_) for hours in (-1, 1)]
    moments = [NOW - dt.timedelta(hours=6) + offset for offset in (*around, dt.timedelta(), dt.timedelta())]
    callers = ["bot1", "bot2", "bot3", f"a{round_}", f"z{round_}"]
    rows = [(moment, prompt, caller) for moment in moments for prompt in (ONE, TWO) for caller in callers]
    sent = [
        call(
            100 * round_ + number,
            promptId=global_id("Prompt", prompt, 3 if prompt == ONE else 1),
            agent=caller,
            model="m",
            startedAt=moment.isoformat(),
        )
        for number, (moment, prompt, caller) in enumerate(rows)
    ]
    await recorded(db, *sent)


class Seen(NamedTuple):
    """A page: its items' ids, and whether it says that there is more."""

    ids: list[str]
    has_next: bool
    has_previous: bool


async def pages(db: Database, ahead: dict[str, str]) -> dict[str, tuple[Seen, list[str]]]:
    """A page of each list and the cursors of its ends, by the arguments of each."""
    names = {f"list{place}": name for place, name in enumerate(ahead)}
    fields = [f"{alias}:{asked(name, ahead[name])}" for alias, name in names.items()]
    found = await ask(db, "{" + " ".join(fields) + "}")
    return {name: seen(found[alias]) for alias, name in names.items()}


def seen(found: dict[str, Any]) -> tuple[Seen, list[str]]:
    """The page within its owner; its edges, nodes and ends agree."""
    while "pageInfo" not in found:
        (found,) = found.values()
    edges, info = found["edges"], found["pageInfo"]
    assert found["nodes"] == [edge["node"] for edge in edges]
    ends = [info["startCursor"], info["endCursor"]]
    assert ends == ([edges[0]["cursor"], edges[-1]["cursor"]] if edges else [None, None])
    ids = [edge["node"]["id"] for edge in edges]
    return Seen(ids, info["hasNextPage"], info["hasPreviousPage"]), ends


async def whole(db: Database) -> dict[str, list[str]]:
    """The ids of every list, from its first to its last."""
    return {
        name: page.ids for name, (page, _) in (await pages(db, dict.fromkeys(LISTS, "first:100"))).items()
    }


def expected(ids: list[str], met: list[str], *, backward: bool) -> Seen:
    """The page that comes next of a list, after those that were met."""
    if backward:
        end = ids.index(met[0]) if met else len(ids)
        return Seen(ids[max(0, end - SIZE) : end], end < len(ids), end > SIZE)
    start = ids.index(met[-1]) + 1 if met else 0
    return Seen(ids[start : start + SIZE], start + SIZE < len(ids), start > 0)


@pytest.mark.parametrize("backward", [False, True], ids=["forwards", "backwards"])
async def test_walks_every_list_while_rows_come(db: Database, *, backward: bool) -> None:
    """Page by page, each row once and in the list's order. Before the second page there is more of
    everything: what was met stays met, and of the rest nothing is missed.
    """
    await fill(db, 0)
    size, cursor = ("last", "before") if backward else ("first", "after")
    then = now = await whole(db)
    met: dict[str, list[str]] = {name: [] for name in LISTS}
    ahead = dict.fromkeys(LISTS, f"{size}:{SIZE}")
    while ahead:
        for name, (page, ends) in (await pages(db, ahead)).items():
            assert expected(now[name], met[name], backward=backward) == page, name
            met[name] = page.ids + met[name] if backward else met[name] + page.ids
            ahead[name] = f'{size}:{SIZE},{cursor}:"{ends[0 if backward else 1]}"'
            if now is not then and not (page.has_previous if backward else page.has_next):
                del ahead[name]
        if now is then:
            await fill(db, 1)
            now = await whole(db)
    for name, ids in met.items():
        assert len(ids) == len(set(ids)), name
        assert SIZE < len(then[name]) < len(now[name]), name
        assert set(then[name]) & set(now[name]) <= set(ids), name


# ---------------------------------------------------------------- counts and refusals


async def test_counts_nothing_unless_asked(db: Database, statements: Statements) -> None:
    """totalCount is the whole list's length, and no page costs a count that is not asked for."""
    await fill(db, 0)
    lengths = {name: len(ids) for name, ids in (await whole(db)).items()}
    before = len(statements)
    await pages(db, dict.fromkeys(LISTS, f"first:{SIZE}"))
    assert [] == [sent for sent in statements[before:] if "count(" in sent.lower()]
    for name, length in lengths.items():
        found = await ask(db, "{" + asked(name, "first:1", "{totalCount}") + "}")
        while "totalCount" not in found:
            (found,) = found.values()
        assert length == found["totalCount"], name


async def test_a_page_of_nothing_says_what_is_there(db: Database) -> None:
    """Zero rows are asked for to learn whether there are any, on either side."""
    await fill(db, 0)
    for arguments, backward in (("first:0", False), ("last:0", True)):
        found = await pages(db, dict.fromkeys(LISTS, arguments))
        nothing = Seen([], has_next=not backward, has_previous=backward)
        assert dict.fromkeys(LISTS, nothing) == {name: page for name, (page, _) in found.items()}


REFUSED = {
    "first:1,last:1": "first",
    "first:-1": "first",
    "first:101": "first",
    "last:-1": "last",
    "last:101": "last",
    'after:"zz"': "after",
    'before:""': "before",
    'after:"<truncated>"': "after",
    'before:"<forged>"': "before",
    'after:"<foreign>"': "after",
}


async def test_every_list_refuses_the_same(db: Database) -> None:
    """Sizes out of bounds, both sizes, and cursors that this list did not make: with the argument's name."""
    await fill(db, 0)
    found = await pages(db, dict.fromkeys(LISTS, "first:1"))
    cursors = {name: ends[0] for name, (_, ends) in found.items()}
    for name, own in cursors.items():
        other = "Query.syncRuns" if name != "Query.syncRuns" else "Query.agents"
        made = {"<truncated>": own[:-3], "<forged>": edited(own), "<foreign>": cursors[other]}
        for arguments, field in REFUSED.items():
            text = reduce(lambda told, word: told.replace(word, made[word]), made, arguments)
            assert [("INVALID_INPUT", field)] == await refused(db, f"{{{asked(name, text)}}}"), (name, text)


def edited(cursor: str) -> str:
    """The cursor with its last value replaced by one of another kind."""
    *parts, last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw = json.dumps([*parts, "x\x00" if isinstance(last, str) else "one"])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")
