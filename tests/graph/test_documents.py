"""Documents are remembered, with what was made of them, as far as there is room."""

from __future__ import annotations

import json
import subprocess
import sys

from promptgraph.graph.documents import PER_CHARACTER, ROOM, Documents
from promptgraph.graph.executors import Executing
from promptgraph.graph.fast.program import Program
from promptgraph.graph.guard import Limits
from promptgraph.graph.programs import taken_by
from promptgraph.graph.request import Request
from promptgraph.store.database import Database
from tests.children import ROOT, surroundings
from tests.graph.registry import pipeline, schema


def test_documents_are_remembered_within_bounds() -> None:
    """The same text is parsed once; the oldest go when there are too many."""
    documents = Documents(schema().core, Limits(), introspection=True)
    first = documents.prepare("{__typename}")
    assert first is documents.prepare("{__typename}")
    filler = "#" + "x" * 20_000 + "\n{__typename}"
    for number in range(ROOM // (20_000 * PER_CHARACTER) + 2):
        documents.prepare(f"{filler} #{number}")
    assert first is not documents.prepare("{__typename}")


async def test_programs_take_room_too(empty: Database) -> None:
    """A document with its program leaves less for others than without."""
    query = Request("{prompts{nodes{name version}}}", {})
    taken = []
    for fast in (False, True):
        line = pipeline(empty, executing=Executing(fast))
        await line.answer(query)
        taken.append(line.documents.taken)
    (program,) = line.documents.prepare(query.query).programs.values()
    assert isinstance(program, Program)
    assert taken_by(program) > 0
    assert taken[0] + taken_by(program) == taken[1]


def test_many_documents_take_no_more_memory_than_some() -> None:
    """Several times as many as there is room for, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.graph.documents_child", "800", "29"],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert 800 == found["fast"]
    assert found["taken"][-1] - found["taken"][0] < 25, found
