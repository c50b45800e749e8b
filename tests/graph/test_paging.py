"""Pages and cursors: both ways, honest about what is left, closed to forgers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from promptgraph.domain.asking import PromptOrder
from promptgraph.domain.errors import InvalidInputError
from promptgraph.graph.lists import AGENTS, MOVES, RUNS, VERSIONS, prompts_listing
from promptgraph.graph.paging import Asked
from promptgraph.store.database import Database
from tests.factories import prompt_yaml
from tests.graph.registry import FILES, ask, refused, sync

NAMES = [f"area/p{number:02}" for number in range(7)]
MANY = {f"{name}.prompt.yaml": prompt_yaml(1) for name in NAMES}
PAGE = """query($first:Int,$after:String,$last:Int,$before:String,$order:PromptOrder) {
  prompts(first:$first, after:$after, last:$last, before:$before, orderBy:$order) {
    edges { cursor node { name } } nodes { name } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


async def page(db: Database, **asked: Any) -> tuple[list[str], dict[str, Any]]:
    """The names of a page, and its pageInfo."""
    found = (await ask(db, PAGE, **asked))["prompts"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    assert len(MANY) == found["totalCount"]
    return [node["name"] for node in found["nodes"]], found["pageInfo"]


async def test_walks_a_list_forwards_and_backwards(db: Database) -> None:
    """Every item once, whichever end one begins at, in the list's own order."""
    await sync(db, MANY)
    seen: list[str] = []
    cursor, more = None, True
    while more:
        names, info = await page(db, first=3, after=cursor)
        seen += names
        cursor, more = info["endCursor"], info["hasNextPage"]
    assert seen == NAMES
    seen, cursor, more = [], None, True
    while more:
        names, info = await page(db, last=3, before=cursor)
        seen = names + seen
        cursor, more = info["startCursor"], info["hasPreviousPage"]
    assert seen == NAMES


async def test_says_what_is_left_on_either_side(db: Database) -> None:
    """A page between two cursors has both sides; an empty page has no cursors."""
    await sync(db, MANY)
    _, info = await page(db, first=7)
    assert (False, False) == (info["hasNextPage"], info["hasPreviousPage"])
    start, end = info["startCursor"], info["endCursor"]
    names, info = await page(db, first=2, after=start, before=end)
    assert (NAMES[1:3], True, True) == (names, info["hasNextPage"], info["hasPreviousPage"])
    names, info = await page(db, first=0)
    assert ([], None, None) == (names, info["startCursor"], info["endCursor"])


async def test_every_order_has_its_own_cursors(db: Database) -> None:
    """Descending is the reverse; a cursor of one order is none of another."""
    await sync(db, MANY)
    down = {"field": "NAME", "direction": "DESC"}
    names, info = await page(db, first=3, order=down)
    assert NAMES[:3:-1] == names
    assert [("INVALID_INPUT", "after")] == await refused(db, PAGE, after=info["endCursor"])
    made = {"field": "CREATED_AT", "direction": "ASC"}
    names, info = await page(db, first=7, order=made)
    assert sorted(NAMES) == sorted(names)
    again, _ = await page(db, first=7, order=made, after=info["startCursor"])
    assert names[1:] == again


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"last": 101}, "last"),
        ({"first": 1, "last": 1}, "first"),
        ({"after": ""}, "after"),
        ({"after": "zz"}, "after"),
        ({"before": "%%%"}, "before"),
        ({"after": "x" * 5000}, "after"),
        ({"after": forged("agents", "a", 1)}, "after"),
        ({"after": forged("prompts-NAME-ASC")}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a")}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a", "b")}, "after"),
        ({"after": forged("prompts-NAME-ASC", 1, 2)}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a", *[True])}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a", None)}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a", 2**70)}, "after"),
        ({"after": forged("prompts-NAME-ASC", "a\x00", 1)}, "after"),
        ({"after": forged("prompts-NAME-ASC", "\ud800", 1)}, "after"),
        ({"after": forged("prompts-NAME-ASC", ["a"], 1)}, "after"),
        ({"before": base64.b64encode(b"9" * 600).decode()}, "before"),
        ({"before": base64.b64encode(b"[" * 600).decode()}, "before"),
    ],
)
async def test_refuses_sizes_and_cursors_that_cannot_be(
    empty: Database, asked: dict[str, Any], field: str
) -> None:
    """An error that names the argument, never one of the database."""
    assert [("INVALID_INPUT", field)] == await refused(empty, PAGE, **asked)


@pytest.mark.parametrize("listing", [AGENTS, MOVES, RUNS, VERSIONS, prompts_listing(PromptOrder())])
def test_lists_refuse_each_others_cursors(listing: Any) -> None:
    """A cursor is bound to its list by name."""
    foreign = forged("other", *range(len(listing.order)))
    with pytest.raises(InvalidInputError):
        Asked(after=foreign).of(listing)


LISTS = """query($after:String) {
  promptFamily(name:"support/triage") {
    versions(first:1, after:$after) { nodes { version } totalCount pageInfo { hasNextPage endCursor } }
  }
}"""


async def test_pages_within_parents_work_alike(db: Database) -> None:
    """A page per parent: the newest version first, then the older one."""
    await sync(db, FILES)
    found = (await ask(db, LISTS))["promptFamily"]["versions"]
    assert ([{"version": 2}], 2, True) == (
        found["nodes"],
        found["totalCount"],
        found["pageInfo"]["hasNextPage"],
    )
    found = (await ask(db, LISTS, after=found["pageInfo"]["endCursor"]))["promptFamily"]["versions"]
    assert ([{"version": 1}], False) == (found["nodes"], found["pageInfo"]["hasNextPage"])
