"""Both executors give the same answer, for each kind of thing that can be said in an operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from tests.graph.both import agreed
from tests.graph.recording import SUMMARIZE, call, call_id, recorded, score

OPERATIONS = Path(__file__).with_name("agreement.graphql")
"""By name, in a comment; the variables in another."""


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """The text and the variables of each."""
    for part in OPERATIONS.read_text().split("\n\n"):
        comments = [line for line in part.splitlines() if line.startswith("# ")]
        yield part, json.loads(comments[1].removeprefix("# ")) if len(comments) > 1 else {}


@pytest.fixture
async def filled(stocked: Database) -> Database:
    """A registry with calls: of prompts and of none, failed, scored, with content and without."""
    await recorded(
        stocked,
        call(1, agent="support-bot", variables={"question": "why?", "plan": "team"}, output={"a": [1, None]}),
        call(2, status="ERROR", errorType="Timeout", latencyMs=1200.5, finishReasons=["length", "stop"]),
        call(3, promptId=SUMMARIZE, agent="free", costUsd="0.0125", inputTokens=10, metadata={"k": "é"}),
        call(4, model="other", environment="test", startedAt="2026-11-21T09:30:00.25Z", latencyMs=7),
    )
    await score(
        stocked,
        {"callId": call_id(1), "name": "helpful", "value": 0.5},
        {"callId": call_id(1), "name": "tone", "label": "kind", "comment": "very"},
    )
    return stocked


async def test_both_give_the_same(filled: Database) -> None:
    """Byte for byte, from the database."""
    for query, variables in operations():
        await agreed(filled, query, **variables)


async def test_both_give_the_same_from_memory(filled: Database) -> None:
    """Byte for byte, where the registry is answered from memory."""
    snapshot = await RegistryMemory(filled).current()
    assert snapshot is not None
    for query, variables in operations():
        await agreed(filled, query, snapshot=snapshot, **variables)


@pytest.mark.parametrize("more", [True, False], ids=["more", "less"])
@pytest.mark.parametrize("skip", [True, False], ids=["skipped", "kept"])
async def test_directives_choose_what_is_answered(stocked: Database, *, more: bool, skip: bool) -> None:
    """One program answers for each value of the variables that directives ask."""
    query = """query($more:Boolean!,$skip:Boolean=false){prompts(first:2){nodes{name ...M @include(if:$more)
      version @skip(if:$skip) ...@include(if:true){draft} family @include(if:$more) @skip(if:$skip){name}}}}
      fragment M on Prompt{model family{labels{label}}}"""
    await agreed(stocked, query, more=more, skip=skip)
    await agreed(stocked, query, more=more)


async def test_the_named_operation_is_answered(stocked: Database) -> None:
    """A document may hold several."""
    query = "query A{agents{nodes{name}}} query B{prompts{nodes{...N}}} fragment N on Node{id}"
    assert ["agents"] == list(await agreed(stocked, query, name="A"))
    assert ["prompts"] == list(await agreed(stocked, query, name="B"))


async def test_nothing_is_asked_for_nobody(stocked: Database) -> None:
    """Where a list is empty, what is below it is not looked for."""
    await agreed(stocked, '{prompts(filter:{nameIn:["nobody"]}){nodes{family{labels{prompt{name}}}}}}')
