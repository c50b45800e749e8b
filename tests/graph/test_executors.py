"""Who executes an operation, what is counted and logged of it, and that nobody can tell from the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from promptgraph.graph import programs
from promptgraph.graph.answer import Kind, Path
from promptgraph.graph.executors import Executing
from promptgraph.graph.fast.compiler import compiled
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.program import Program
from promptgraph.graph.loaders import Context
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request
from promptgraph.graph.sameness import same
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from tests.graph.recording import RECORD, call
from tests.graph.registry import FILES, ask, pipeline, sync

NAMES = Request("{prompts{nodes{name}}}", {})
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # nothing here is about SQL
REFUSED = Request('{node(id:"x"){id}}', {})

REMOVAL = 'mutation{removePromptLabel(input:{name:"a",label:"b"}){errors{code}}}'


def fast(db: Database, *, shadow: int = 0, memory: RegistryMemory | None = None) -> Pipeline:
    return pipeline(db, executing=Executing(shadow=shadow, memory=memory))


async def test_each_operation_is_counted_by_who_executed_it(stocked: Database) -> None:
    """And the answer says it."""
    line, slow = fast(stocked), pipeline(stocked, executing=Executing(fast=False))
    paths = [(await each.answer(asks)).path for each in (line, slow) for asks in (NAMES, REFUSED)]
    assert [Path.FAST, Path.STANDARD, Path.STANDARD, Path.STANDARD] == paths
    assert (1, 1, {"refused": 1}) == (line.counters.fast, line.counters.standard, line.counters.deopts)
    assert (0, 2, {}) == (slow.counters.fast, slow.counters.standard, slow.counters.deopts)


async def test_what_is_refused_is_executed_by_nobody(stocked: Database) -> None:
    """So nothing is counted."""
    line = fast(stocked)
    for query in ("{", "{nothing}", "query($a:Int!){prompts(first:$a){totalCount}}"):
        found = await line.answer(Request(query, {"a": "\x00"}))
        assert (Kind.REFUSED, None) == (found.kind, found.path)
    assert (0, 0) == (line.counters.fast, line.counters.standard)


async def test_the_log_says_why_but_not_over_and_over(
    stocked: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Each reason has a line of its own, once in a while."""
    line = fast(stocked)
    with caplog.at_level(logging.INFO, "promptgraph.graph"):
        for query in (REMOVAL, '{node(id:"x"){id}}') * 3:
            await line.answer(Request(query, {}))
    said = [record.getMessage() for record in caplog.records]
    assert [(", operation;" in text, ", refused;" in text) for text in said] == [(True, False), (False, True)]


async def test_errors_are_those_of_the_standard_executor(stocked: Database) -> None:
    """Whatever the fast one finds wrong is left to it, with its message, its path and its code."""
    for query in ('{a:__typename node(id:"x"){id}}', '{prompt(name:"a",version:0){id}}'):
        answers = [
            await pipeline(stocked, executing=Executing(by)).answer(Request(query, {}))
            for by in (True, False)
        ]
        assert answers[0] == answers[1]


async def test_an_operation_is_compiled_once(stocked: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask for it at the same time, and each operation of a document by itself."""
    made: list[str | None] = []

    def counting(schema: Any, prepared: Any, operation: Any) -> Program:
        made.append(operation.name and operation.name.value)
        return compiled(schema, prepared, operation)

    monkeypatch.setattr(programs, "compiled", counting)
    line, query = fast(stocked), "query A{prompts{totalCount}} query B{agents{totalCount}}"
    await asyncio.gather(*(line.answer(Request(query, {}, name)) for name in ("A", "B") * 20))
    assert ["A", "B"] == made


async def test_a_document_that_cannot_be_compiled_is_answered(
    stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong there: it is not tried again."""
    tried = 0

    def failing(*_: Any) -> Program:
        nonlocal tried
        tried += 1
        raise ZeroDivisionError

    monkeypatch.setattr(programs, "compiled", failing)
    line = fast(stocked)
    assert [Kind.DATA] * 2 == [(await line.answer(NAMES)).kind for _ in range(2)]
    assert (1, {"error": 2}) == (tried, line.counters.deopts)


async def test_large_operations_are_executed_alike(stocked: Database) -> None:
    """Some five thousand selections, by fragments in fragments."""
    below = " ".join(f"f{number}:family{{name labels{{label}}}}" for number in range(29))
    fragments = f"fragment P on Prompt{{...F id}} fragment F on Prompt{{{below}}}"
    roots = " ".join(f'p{number}:prompt(name:"support/triage"){{...P}}' for number in range(29))
    asks = Request(f"{{{roots}}} {fragments}", {})
    (fast_one, standard) = [
        await pipeline(stocked, executing=Executing(by)).answer(asks) for by in (True, False)
    ]
    assert (Path.FAST, Path.STANDARD) == (fast_one.path, standard.path)
    assert standard.payload["data"]["p28"]["f28"]["name"] == "support/triage"
    assert same(standard.payload["data"], fast_one.payload["data"])


async def test_white_space_makes_another_document(stocked: Database) -> None:
    """Each is remembered by its own text, and answered alike."""
    line = fast(stocked)
    answers = [await line.answer(Request(f"{{prompts{{{' ' * n}nodes{{name}}}}}}", {})) for n in range(5)]
    assert all(answers[0] == each for each in answers)
    assert 5 == line.counters.fast


# ---------------------------------------------------------------- shadow mode


async def test_one_query_in_so_many_is_executed_by_both(stocked: Database) -> None:
    """And mutations are not."""
    line = fast(stocked, shadow=2, memory=RegistryMemory(stocked, fresh_for=0))
    mutation = Request("mutation{__typename}", {})
    for asks in (NAMES, mutation, NAMES, mutation, NAMES, NAMES):
        assert Kind.DATA is (await line.answer(asks)).kind
    assert (2, 0) == (line.counters.shadows, line.counters.differences)


async def test_a_difference_is_found_and_the_standard_answer_counts(
    stocked: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its place and the document, without what stands there."""
    plant(monkeypatch, stays=True)
    line = fast(stocked, shadow=1)
    found = await line.answer(NAMES)
    assert (Path.STANDARD, "summarize/thread") == (
        found.path,
        found.payload["data"]["prompts"]["nodes"][0]["name"],
    )
    assert 1 == line.counters.differences
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "data.prompts.nodes[0].name" in record.getMessage()
    assert "summarize" not in record.getMessage() and "planted" not in record.getMessage()


async def test_what_changed_between_the_two_is_no_difference(
    stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked again, and then agree."""
    plant(monkeypatch, stays=False)
    line = fast(stocked, shadow=1)
    assert Path.FAST is (await line.answer(NAMES)).path
    assert (1, 0) == (line.counters.shadows, line.counters.differences)


def plant(monkeypatch: pytest.MonkeyPatch, *, stays: bool) -> None:
    """Have the fast executor give another name, always or once."""
    run, planted = Program.run, False

    async def wrong(self: Program, context: Context, sent: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal planted
        data = await run(self, context, sent)
        if stays or not planted:
            planted = True
            data["prompts"]["nodes"][0]["name"] = "planted"
        return data

    monkeypatch.setattr(Program, "run", wrong)


# ---------------------------------------------------------------- mutations


async def test_a_mutation_that_fails_is_not_tried_again(
    stocked: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be done: the client is told of a number, the log of the rest."""
    run = Program.run

    async def failing(self: Program, context: Context, sent: Mapping[str, Any]) -> dict[str, Any]:
        await run(self, context, sent)
        raise ZeroDivisionError("the inside")

    monkeypatch.setattr(Program, "run", failing)
    found = await fast(stocked).answer(Request(RECORD, {"i": [call(1)]}))
    (error,) = found.payload["errors"]
    assert (Kind.FAILED, None, "INTERNAL") == (found.kind, found.payload["data"], error["extensions"]["code"])
    assert "the inside" not in str(error) and error["extensions"]["id"] in caplog.text
    monkeypatch.undo()
    assert 1 == (await ask(stocked, "{llmCalls{totalCount}}"))["llmCalls"]["totalCount"]


async def test_a_mutation_that_was_left_alone_is_done_once(
    stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the standard executor, whose answer it gets."""

    async def leaving(*_: Any) -> dict[str, Any]:
        raise DeoptError(Reason.VARIABLES)

    monkeypatch.setattr(Program, "run", leaving)
    line = fast(stocked)
    found = await line.answer(Request(RECORD, {"i": [call(1)]}))
    assert (Kind.DATA, Path.STANDARD, {"variables": 1}) == (found.kind, found.path, line.counters.deopts)
    monkeypatch.undo()
    assert 1 == (await ask(stocked, "{llmCalls{totalCount}}"))["llmCalls"]["totalCount"]


# ---------------------------------------------------------------- the registry in memory


async def test_an_answer_from_the_registry_alone_says_from_which_state(stocked: Database) -> None:
    """Another state is another tag; what reads more has none."""
    memory = RegistryMemory(stocked, fresh_for=0)
    line = fast(stocked, memory=memory)
    first, again, more = [
        await line.answer(asks) for asks in (NAMES, NAMES, Request("{llmCalls{totalCount}}", {}))
    ]
    assert first.tag is not None and first.tag == again.tag == await line.state.tag()
    assert (first.revision, None) == (more.revision, more.tag)
    await sync(stocked, {name: text for name, text in FILES.items() if "summarize" not in name})
    after = await line.answer(NAMES)
    assert after.tag not in (None, first.tag)
    assert (after.revision or 0) > (first.revision or 0)


async def test_the_standard_executor_reads_the_database(stocked: Database) -> None:
    """It has no registry in memory, so that the two can be compared."""
    memory = RegistryMemory(stocked, fresh_for=3600)
    line = pipeline(stocked, executing=Executing(fast=False, memory=memory))
    assert (await line.answer(NAMES)).tag is None
