"""What the sample prompts answer, and with which SQL: golden/NAME.graphql, its answer, what it costs.

PROMPTGRAPH_GOLDEN=write writes answers and statements anew; read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.domain.registry import SyncOrigin
from promptgraph.files.read import read_files
from promptgraph.files.tree import parse_tree
from promptgraph.store.database import Database
from promptgraph.sync.apply import sync_tree
from tests.conftest import Statements
from tests.graph.registry import COMMIT, NOW, ask

GOLDEN = Path(__file__).parent / "golden"
PROMPTS = Path(__file__).parents[2] / "prompts"
WRITES = os.environ.get("PROMPTGRAPH_GOLDEN") == "write"
TRIAGE = "support/triage"
VARIABLES: dict[str, dict[str, Any]] = {
    "prompt": {"variables": {"ticket": "My card was declined", "tone": "warm"}},
    "page": {},
    "family": {},
    "agent": {"context": {"plan": "enterprise"}},
    "nodes": {
        "id": global_id("Prompt", TRIAGE, 2),
        "ids": [
            global_id("Prompt", TRIAGE, 3),
            global_id("PromptFamily", TRIAGE),
            global_id("PromptLabel", TRIAGE, "staging"),
            global_id("Agent", "support-bot"),
            global_id("Assignment", "support-bot", "triage", f"{TRIAGE}@production"),
            global_id("SyncRun", 1),
            global_id("Prompt", "nobody", 1),
        ],
    },
    "runs": {},
}

PARAMETER = re.compile(r"\$\d+(::[A-Z]+( WITH(OUT)? TIME ZONE)?(\[\])?)?")
COLLATION = ' COLLATE "C"'
CLAUSE = re.compile(r" (FROM|(LEFT OUTER )?JOIN|WHERE|GROUP BY|ORDER BY|LIMIT|UNION ALL) ")


def written(statements: Iterable[str]) -> str:
    """Statements to be read and compared: a line for each clause, `?` for each parameter, no collation.
    Those that are sent side by side have no order, so they are sorted.
    """
    plain = (PARAMETER.sub("?", statement).replace(COLLATION, "") for statement in statements)
    return ";\n\n".join(sorted(CLAUSE.sub(r"\n\1 ", statement) for statement in plain)) + ";\n"


def statements_file(name: str, engine: str) -> Path:
    """Where the statements stand: PostgreSQL has a file of its own where SQLite's would not fit."""
    own = GOLDEN / f"{name}.{engine}.sql"
    return own if own.exists() else GOLDEN / f"{name}.sql"


def write(name: str, engine: str, answer: str, sql: str) -> None:
    (GOLDEN / f"{name}.json").write_text(answer)
    own, shared = GOLDEN / f"{name}.{engine}.sql", GOLDEN / f"{name}.sql"
    if engine == "sqlite":
        shared.write_text(sql)
    elif sql != shared.read_text():
        own.write_text(sql)
    else:
        own.unlink(missing_ok=True)


async def stock(db: Database) -> None:
    """The sample prompts, as of one commit and one moment."""
    files, problems = read_files(PROMPTS)
    assert [] == problems
    facts: dict[str, Any] = {"commit_sha": "c0ffee", "author": "Ann", "committed_at": COMMIT}
    tree = parse_tree([replace(file, **facts) for file in files])
    origin = SyncOrigin(sequence=1, **facts)
    outcome = await sync_tree(db, tree, origin, now=lambda: NOW)
    assert outcome.error is None


async def test_answers_and_statements_are_as_written(
    db: Database, engine: str, statements: Statements
) -> None:
    """A change of either is seen in review; both databases answer alike."""
    await stock(db)
    await ask(db, "{serverInfo{revision}}")
    for name, variables in VARIABLES.items():
        before = len(statements)
        found = await ask(db, (GOLDEN / f"{name}.graphql").read_text(), **variables)
        answer = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        sql = written(statements[before:])
        if WRITES:
            write(name, engine, answer, sql)
        assert (GOLDEN / f"{name}.json").read_text() == answer, name
        assert statements_file(name, engine).read_text() == sql, name


def test_every_golden_file_is_used() -> None:
    """None is left behind by an operation that has gone."""
    assert set(VARIABLES) == {path.name.split(".")[0] for path in GOLDEN.iterdir()}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("SELECT a FROM t WHERE b = $1::VARCHAR LIMIT $2", "SELECT a\nFROM t\nWHERE b = ?\nLIMIT ?;\n"),
        ("SELECT $1::TIMESTAMP WITH TIME ZONE", "SELECT ?;\n"),
    ],
)
def test_statements_of_both_databases_are_written_alike(sent: str, expected: str) -> None:
    """Apart from what really differs."""
    assert expected == written([sent])
