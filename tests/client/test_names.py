"""The package's own face: what it offers, what it costs to look at, and that its words are the API's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import promptgraph
from promptgraph.client.calls import CallFacts, ScoreFacts, api_names
from promptgraph.graph.schema import Schema
from tests.children import surroundings

CORE = Schema(is_open=True).core


@pytest.mark.parametrize("name", promptgraph.__all__)
def test_every_name_leads_somewhere(name: str) -> None:
    """Each is what it is called, and stays it."""
    found = getattr(promptgraph, name)
    assert name == found.__name__
    assert found is getattr(promptgraph, name)
    assert name in dir(promptgraph)


def test_a_name_that_is_none_is_told() -> None:
    """As any module does."""
    with pytest.raises(AttributeError, match="Clint"):
        promptgraph.Clint  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]  # that is the point


def test_the_import_brings_nothing_else() -> None:
    """The server's process and the command line do not pay for the client."""
    code = "import sys, promptgraph; print([m for m in sys.modules if m in ('httpx', 'jinja2', 'sqlite3')])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(), capture_output=True, text=True, check=True
    )
    assert "[]\n" == done.stdout


@pytest.mark.parametrize(
    ("facts", "kind", "beside"),
    [(CallFacts, "LlmCallInput", {"promptId", "model"}), (ScoreFacts, "ScoreInput", {"callId", "name"})],
    ids=["calls", "scores"],
)
def test_facts_are_the_inputs_of_the_api(facts: type, kind: str, beside: set[str]) -> None:
    """Each field once, in snake case."""
    assert set(CORE.type_map[kind].fields) - beside == set(api_names(facts).values())  # type: ignore[attr-defined]  # an input


def test_the_package_is_typed() -> None:
    """Type checkers look for this file."""
    assert (Path(promptgraph.__file__).parent / "py.typed").exists()
