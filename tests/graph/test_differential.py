"""The two executors, by made operations: whatever is asked, they answer alike."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from promptgraph.graph.answer import Answer, Kind, Path
from promptgraph.graph.executors import Executing
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request
from promptgraph.graph.sameness import same, where
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from tests.factories import prompt_yaml
from tests.graph.both import WIDE
from tests.graph.operations import Maker
from tests.graph.recording import ANSWER, ANSWER_BEFORE, ERASE, SUMMARIZE, call, call_id, recorded, score
from tests.graph.registry import FILES, NOW, ask, pipeline, schema, sync

LEAST_SHARE = 0.9
EARLIER = dt.timedelta(days=3)

MODELS = ("gpt-5-mini", "gpt-5", "claude-haiku-4-5", "no-price-known")
PROMPTS = (ANSWER, ANSWER_BEFORE, SUMMARIZE)


async def stock(db: Database) -> None:
    """A registry with a past, and calls that differ in whatever calls can differ in."""
    before = {**FILES, "labels.yaml": "production: {support/triage: 1}\nold: {support/answer: 1}\n"}
    await sync(db, before | {"gone/away.prompt.yaml": prompt_yaml(1, "Bye {{ x }}")}, NOW - EARLIER)
    await sync(db, FILES, NOW - EARLIER / 3)
    chance = Random(7)  # noqa: S311  # calls, no secrets
    await recorded(db, *(_call(number, chance) for number in range(90)))
    erased = {"callIds": [call_id(number) for number in range(0, 90, 11)], "reason": "asked", "dryRun": False}
    assert [] == (await ask(db, ERASE, i=erased))["eraseCalls"]["errors"]
    await score(
        db,
        *(
            {"callId": call_id(number), "name": name, **value}
            for number in range(0, 90, 4)
            for name, value in (
                ("helpful", {"value": number / 7}),
                ("tone", {"label": "kind", "source": "b"}),
            )
        ),
    )


def _call(number: int, chance: Random) -> dict[str, Any]:
    at = NOW - dt.timedelta(minutes=chance.choice([0, 0, 3, 61, 600, 5_000, 50_000]))
    made = call(number, promptId=chance.choice(PROMPTS), model=chance.choice(MODELS))
    made["startedAt"] = at.isoformat()
    some: Mapping[str, Any] = {
        "agent": chance.choice(["support-bot", "stranger"]),
        "environment": chance.choice(["production", "staging", "hashed", "silent", "mixed"]),
        "provider": chance.choice(["openai", "anthropic"]),
        "label": "production",
        "status": chance.choice(["OK", "ERROR"]),
        "errorType": "timeout",
        "errorMessage": "It took <too> long, “so” long.",
        "finishReasons": ["stop"],
        "inputTokens": chance.randrange(5_000),
        "outputTokens": chance.randrange(500),
        "cacheReadInputTokens": 3,
        "costUsd": chance.choice(["0.000125", "1", "0"]),
        "latencyMs": chance.choice([0, 0.001, 12, 812.345, 90_000.5]),
        "timeToFirstTokenMs": chance.random() * 100,
        "conversationId": chance.choice(["c1", "c2"]),
        "userId": "u",
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "variables": {"question": "Why?", "plan": "team", "thread": [1, 2.5, None, {"a": "ö"}]},
        "output": chance.choice(["billing", ["a", {"b": 1}], {"queue": None}]),
        "metadata": {"k": 1},
        "attempt": 1,
        "toolCallCount": 0,
        "release": "1.2",
        "responseModel": "gpt-5-2026",
    }
    if made["provider"] == "openai" and chance.random() < 0.2:
        del made["provider"]
    return made | {name: value for name, value in some.items() if chance.random() < 0.6}


CURSORS = """{
  prompts(first: 2) { edges { cursor node { agents { edges { cursor } } callers { edges { cursor } }
    llmCalls { edges { cursor } } } } }
  promptFamilies(first: 2) { edges { cursor node { agents { edges { cursor } } llmCalls { edges { cursor } }
    versions { edges { cursor } } labelMoves { edges { cursor } } } } }
  agents { edges { cursor node { prompts { edges { cursor } } llmCalls { edges { cursor } } } } }
  llmCalls { edges { cursor } } syncRuns { edges { cursor } } }"""
IDS = """{
  prompts(filter: {allVersions: true}) { nodes { id
    family { id labels { id } labelMoves { nodes { id } } } } }
  agents { nodes { id assignments { id } } }
  llmCalls(first: 3) { nodes { id } } syncRuns { nodes { id } } }"""


def found(name: str, value: Any) -> list[str]:
    """Every text under this key."""
    if isinstance(value, list):
        return [text for item in value for text in found(name, item)]
    if not isinstance(value, dict):
        return []
    own = [value[name]] if name in value else []
    return own + [text for item in value.values() for text in found(name, item)]


async def pool(db: Database) -> dict[str, list[Any]]:
    """Values that mean something in the stocked registry, and some that do not."""
    names = ["support/triage", "support/answer", "summarize/thread", "support/route", "gone/away", "none"]
    ids = found("id", await ask(db, IDS))
    return {
        "id": [*ids, "nonsense"],
        "ids": [[], *([each, ids[0]] for each in ids), ["nonsense"]],
        "against": [ids[0], *[each for each in ids if "UHJvbXB0O" in each]],
        "Agent.prompt.role": ["triage", "answer", "none"],
        "Query.agent.name": ["support-bot", "stranger", "none"],
        "Prompt.render.variables": [{}, {"question": "Why?", "plan": "x"}, {"thread": "t"}, {"ticket": "t"}],
        "Agent.prompt.context": [{}, {"plan": "team"}, {"plan": 1}],
        "name": names,
        "names": [[], names[:2], ["none"], *([name] for name in names)],
        "prompts": [[], names[:2], *([name] for name in names)],
        "agents": [["support-bot"], ["stranger", "none"]],
        "models": [["gpt-5"], list(MODELS), []],
        "providers": [["openai"]],
        "environments": [["production"], ["default", "staging"]],
        "errorTypes": [["timeout"]],
        "versions": [[1], [1, 2, 99]],
        "version": [1, 2, 3, 0],
        "label": ["production", "staging", "old", "none", "No Label"],
        "search": ["support", "TRI", "", "%"],
        "tags": [["support"], []],
        "conversationId": ["c1", "none"],
        "userId": ["u"],
        "traceId": ["ab" * 16],
        "callId": [call_id(3), str(UUID(int=5))],
        "callIds": [[call_id(3), call_id(4)]],
        "at": [NOW.isoformat(), "2026-11-20T00:00:00Z", "2001-01-01T00:00:00+01:00"],
        "since": ["2026-11-20T00:00:00Z", "2026-11-22T09:00:30.5Z"],
        "until": [NOW.isoformat(), "2026-11-21T12:00:00Z"],
        "last": [1, 2, 5, 0],
        "Window.last": ["P1D", "P7D", "PT90M", "P0D"],
        "first": [0, 1, 2, 3, 20, 100, 101],
        "minLatencyMs": [0, 12, 800.5],
        "timeZone": ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Nowhere"],
        "after": (cursors := found("cursor", await ask(db, CURSORS))),
        "before": cursors,
        "q": [0, 0.5, 0.99, 1, 2],
        "String": ["x", ""],
        "Int": [1],
        "Float": [0.5],
        "Boolean": [True, False],
        "ID": ids,
        "JSON": [{}, {"a": [1]}],
        "DateTime": [NOW.isoformat()],
        "UUID": [call_id(1)],
    }


class Sides(NamedTuple):
    """The same registry by the standard executor, and by the fast one, with and without a memory."""

    standard: Pipeline
    fast: Pipeline


def sides(db: Database, *, memory: bool = True) -> Sides:
    kept = RegistryMemory(db) if memory else None
    return Sides(
        pipeline(db, WIDE, executing=Executing(fast=False)),
        pipeline(db, WIDE, executing=Executing(fast=True, memory=kept)),
    )


@dataclass
class Tally:
    """What became of made operations."""

    operations: int = 0
    invalid: int = 0
    fast: int = 0
    clean: int = 0
    clean_fast: int = 0
    differences: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, request: Request, standard: Answer, fast: Answer) -> None:
        self.operations += 1
        if standard.kind is Kind.REFUSED and fast.kind is Kind.REFUSED:
            self.invalid += 1
            return
        taken = fast.path is Path.FAST
        self.fast += taken
        self.clean += standard.kind is Kind.DATA
        self.clean_fast += taken and standard.kind is Kind.DATA
        # of several errors that leave no data, which are told depends on who is first
        alike = standard.kind is fast.kind and not (taken and "errors" in fast.payload)
        if not alike or not same(standard.payload.get("data"), fast.payload.get("data")):
            place = where(standard.payload.get("data"), fast.payload.get("data"))
            texts = (
                place,
                request.query,
                request.variables,
                f"{standard.payload!s:.500}",
                f"{fast.payload!s:.500}",
            )
            self.differences.append("\n".join(map(str, texts)))

    @property
    def share(self) -> float:
        """Of the operations that have no error in their answer: those have to go the standard way."""
        return self.clean_fast / max(self.clean, 1)


async def compared(both: Sides, maker: Maker, number: int) -> Tally:
    tally = Tally()
    while tally.operations < number and not tally.differences:
        made = maker.operation()
        for variables in made.sendings:
            request = Request(made.text, variables)
            tally.take(request, await both.standard.answer(request), await both.fast.answer(request))
    tally.reasons = Counter(both.fast.counters.deopts)
    return tally


@pytest.fixture
async def asked(db: Database) -> Database:
    await stock(db)
    return db


@pytest.mark.parametrize("memory", [True, False], ids=["registry in memory", "from the database"])
async def test_made_operations_are_answered_alike(
    asked: Database, request: pytest.FixtureRequest, *, memory: bool
) -> None:
    """Equal bytes, keys in their order; errors are for the standard executor alone, and nine of ten
    operations that have none take the fast way.
    """
    number = request.config.option.operations // 2
    seed = f"{asked.dialect} {memory} {request.config.option.seed}"
    tally = await compared(sides(asked, memory=memory), Maker(schema().core, await pool(asked), seed), number)
    print(  # noqa: T201  # the share is to be seen
        f"\n{asked.dialect}: {tally.operations} operations, {tally.clean} without an error, of them"
        f" {tally.share:.1%} fast; {tally.invalid} refused; {dict(tally.reasons)}"
    )
    assert not tally.differences, tally.differences[0]
    assert tally.operations >= number
    assert tally.clean > number / 2
    assert tally.share >= LEAST_SHARE


async def test_a_planted_difference_is_found(asked: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that the fast executor reads otherwise is noticed: the control of the comparison."""
    both = sides(asked, memory=False)
    maker = Maker(schema().core, await pool(asked), "planted")
    answer = both.fast.answer

    async def shifted(given: Request) -> Answer:
        found = await answer(given)
        data = found.payload.get("data")
        if isinstance(data, dict) and found.path is Path.FAST:
            _shift(data)
        return found

    monkeypatch.setattr(both.fast, "answer", shifted)
    tally = await compared(both, maker, 5_000)  # it ends with the first difference
    assert tally.differences
    assert "model" in tally.differences[0]


def _shift(value: Any) -> None:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shift(item)
    if isinstance(value, dict) and isinstance(value.get("model"), str):
        value["model"] += "x"


def test_the_same_seed_makes_the_same_operations() -> None:
    """A failure can be had again."""
    values: dict[str, list[Any]] = {name: ["x"] for name in ("String", "ID", "UUID", "DateTime")}
    values |= {"Int": [1], "Float": [1.5], "Boolean": [True], "JSON": [{}]}
    first, second = (Maker(schema().core, values, "seed") for _ in range(2))
    assert [first.operation() for _ in range(50)] == [second.operation() for _ in range(50)]
