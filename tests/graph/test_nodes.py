"""Ids: whatever has one can be asked for by it, and nobody else's id is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.graph.nodes import KINDS
from promptgraph.store.database import Database
from tests.graph.registry import FILES, answer, ask, refused, sync

TRIAGE = "support/triage"
NODES = {
    "Prompt": "...on Prompt{name version}",
    "PromptFamily": "...on PromptFamily{name}",
    "PromptLabel": "...on PromptLabel{label prompt{version}}",
    "LabelMove": "...on LabelMove{label name}",
    "Agent": "...on Agent{name}",
    "Assignment": "...on Assignment{role selector agent{name}}",
    "SyncRun": "...on SyncRun{source added}",
}
EVERYTHING = """{
  prompts{nodes{__typename id family{__typename id labels{__typename id} labelMoves{nodes{__typename id}}}}}
  agents{nodes{__typename id assignments{__typename id}}} syncRuns{nodes{__typename id}}
}"""


def nodes_in(value: Any) -> list[tuple[str, str]]:
    """Type and id of everything that has one."""
    if isinstance(value, list):
        return [found for item in value for found in nodes_in(item)]
    if not isinstance(value, dict):
        return []
    own = [(value["__typename"], value["id"])] if "id" in value else []
    return own + [found for item in value.values() for found in nodes_in(item)]


async def test_every_id_leads_back_to_its_node(db: Database) -> None:
    """Whatever has an id can be asked for by it, alone or with others."""
    await sync(db, FILES)
    found = list(dict.fromkeys(nodes_in(await ask(db, EVERYTHING))))
    assert NODES.keys() == {kind for kind, _ in found}
    query = "query($ids:[ID!]!){nodes(ids:$ids){__typename id " + " ".join(NODES.values()) + "}}"
    again = (await ask(db, query, ids=[id_ for _, id_ in found]))["nodes"]
    assert found == [(node["__typename"], node["id"]) for node in again]
    single = "query($i:ID!){node(id:$i){__typename id}}"
    assert [(await ask(db, single, i=id_))["node"]["id"] for _, id_ in found] == [id_ for _, id_ in found]


@pytest.mark.parametrize(
    "key",
    [
        ("Prompt", "nobody", 1), ("Prompt", TRIAGE, 99), ("PromptFamily", "nobody"),
        ("PromptLabel", TRIAGE, "none"),
        ("PromptLabel", "nobody", "production"), ("LabelMove", 999), ("Agent", "nobody"),
        ("Assignment", "support-bot", "triage", "nobody"), ("SyncRun", 999999999999999999),
    ],
)  # fmt: skip
async def test_ids_of_nothing_give_null(db: Database, key: tuple[str | int, ...]) -> None:
    """A well-formed id that nothing has is no error."""
    await sync(db, FILES)
    assert {"node": None} == await ask(
        db, "query($i:ID!){node(id:$i){id}}", i=global_id(str(key[0]), *key[1:])
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "", "x", "UHJvbXB0", "!!!", "1", "é", global_id("User", 1), global_id("Prompt", TRIAGE),
        global_id("Prompt", TRIAGE, 1, 1), global_id("Prompt", TRIAGE, "one"),
        global_id("Prompt", TRIAGE, "²"),
        global_id("Prompt", TRIAGE, "9" * 50), global_id("SyncRun", -1), global_id("Agent", "a\x00"),
        global_id("PromptFamily"), "A" * 100_000,
    ],
)  # fmt: skip
async def test_refuses_ids_that_were_never_made(empty: Database, wrong: str) -> None:
    """Malformed, or of a kind that there is not."""
    assert [("INVALID_INPUT", "id")] == await refused(empty, "query($i:ID!){node(id:$i){id}}", i=wrong)


async def test_one_wrong_id_spoils_no_others(db: Database) -> None:
    """Null in its place, with an error that points there."""
    await sync(db, FILES)
    ids = [global_id("Agent", "support-bot"), "zz", global_id("Agent", "nobody")]
    found = (await answer(db, "query($i:[ID!]!){nodes(ids:$i){id}}", i=ids)).payload
    assert [{"id": ids[0]}, None, None] == found["data"]["nodes"]
    assert [["nodes", 1]] == [error["path"] for error in found["errors"]]
    assert [("TOO_MANY_ROWS", "ids")] == await refused(db, "query($i:[ID!]!){nodes(ids:$i){id}}", i=ids * 34)


async def test_nodes_stand_in_the_order_of_their_ids(db: Database) -> None:
    """An id that comes twice has its node twice; kinds may be mixed."""
    await sync(db, FILES)
    agent, prompt = global_id("Agent", "support-bot"), global_id("Prompt", TRIAGE, 1)
    ids = [prompt, agent, prompt, global_id("Prompt", "nobody", 1), agent]
    found = (await ask(db, "query($i:[ID!]!){nodes(ids:$i){id}}", i=ids))["nodes"]
    assert [prompt, agent, prompt, None, agent] == [node and node["id"] for node in found]
    assert {"nodes": []} == await ask(db, "{nodes(ids:[]){id}}")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_truncated_id_is_none(empty: Database, kind: str) -> None:
    """Of any kind, cut anywhere or with something behind it; so is one that is padded."""
    whole = global_id(kind, *["name"] * KINDS[kind].parts)
    query = "query($i:ID!){node(id:$i){id}}"
    for wrong in (whole[:3], whole[: len(kind)], f"{whole}A", f"{whole}=", f" {whole}", whole.lower()):
        assert [("INVALID_INPUT", "id")] == await refused(empty, query, i=wrong), wrong
