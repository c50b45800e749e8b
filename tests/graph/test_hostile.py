"""Documents that mean harm: whatever they are, finding out what to do with them takes next to nothing."""

from __future__ import annotations

import asyncio
import gc
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from graphql import parse
from hypothesis import HealthCheck, given, settings

from promptgraph.graph.answer import Answer, Kind
from promptgraph.graph.request import Request
from promptgraph.store.database import Database
from tests.graph.hostile import DOCUMENTS, MOST, documents, many
from tests.graph.registry import pipeline

MOST_S = 0.1
TRIES = 5
"""A busy machine is slow now and then; a document that is dear is so each time."""
YARDSTICK = many(60, 'a#:node(id:"#"){id name} ')
YARDSTICK_S = 0.0035
"""What parsing it takes on a machine that does nothing else."""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

Ask = Callable[[str], Answer]


@pytest.fixture(scope="module")
def ask(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """What a registry without prompts answers, at the cost of the first time."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("hostile") / "registry.db")
    db = Database(f"sqlite:///{path}")
    with asyncio.Runner() as runner:

        def asked(text: str) -> Answer:
            return runner.run(pipeline(db).answer(Request(text, {})))

        asked("{prompts{nodes{id}}}")
        gc.collect()
        gc.freeze()  # what the tests before this one have left is not looked through again and again
        yield asked
        gc.unfreeze()
        runner.run(db.close())


def slowness() -> float:
    """How much longer the same work takes now than on a machine at rest: others use this machine, too."""
    began = time.process_time()
    parse(YARDSTICK)
    return max(1.0, (time.process_time() - began) / YARDSTICK_S)


def tried(ask: Ask, text: str) -> tuple[float, Answer]:
    """CPU seconds, as of a machine at rest where they are many; and the answer."""
    began = time.process_time()
    answer = ask(text)
    took = time.process_time() - began
    return (took if took <= MOST_S else took / slowness()), answer


def cpu_s(ask: Ask, text: str) -> tuple[float, Answer]:
    """The least of a few tries, up to the first that is within the limit."""
    least, answer = tried(ask, text)
    for _ in range(TRIES - 1):
        if least > MOST_S:
            least = min(least, tried(ask, text)[0])
    return least, answer


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_document_takes_more_than_a_tenth_of_a_second(ask: Ask, text: str) -> None:
    """Answered or refused, never masked, within 100 ms of this process's CPU time."""
    assert len(text) <= MOST
    took, answer = cpu_s(ask, text)
    assert took <= MOST_S, f"{took * 1000:.0f} ms: {answer.kind}"
    assert answer.kind not in (Kind.UNAVAILABLE, Kind.MALFORMED), answer.payload
    assert "INTERNAL" not in str(answer.payload.get("errors"))


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(documents())
def test_no_document_that_chance_makes_does_either(ask: Ask, text: str) -> None:
    """The same of documents that nobody thought of."""
    took, answer = cpu_s(ask, text)
    assert took <= MOST_S, f"{took * 1000:.0f} ms: {answer.kind}"
    assert "INTERNAL" not in str(answer.payload.get("errors"))
