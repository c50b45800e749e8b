"""The prompts that come with the project, held to what it asks of others."""

from __future__ import annotations

from pathlib import Path

from promptgraph.domain.inventory import Inventory
from promptgraph.files.tree import read_tree, run_tests
from promptgraph.sync.plan import plan
from promptgraph.sync.scope import Scope

PROMPTS = Path(__file__).parents[1] / "prompts"


def test_sample_prompts_have_no_problem_and_no_warning() -> None:
    """Files, tests, labels and selectors; an empty registry can take them as they are."""
    tree = read_tree(PROMPTS)
    found = plan(Scope(tree, Inventory()))
    assert [*found.problems, *run_tests(tree)] == []
    assert found.conflicts == ()


def test_sample_prompts_show_what_there_is() -> None:
    """Areas, partials, a version kept for a label, agents with circumstances, every kind of message."""
    tree = read_tree(PROMPTS)
    newest = tree.newest()
    messages = [message for spec in newest.values() for message in spec.content.messages]
    assert len(newest) >= 8
    assert len({name.split("/")[0] for name in newest}) >= 3
    assert all(spec.tests for spec in newest.values() if spec.content.engine == "jinja")
    assert any(spec.kept for spec in tree.prompts)
    assert any(spec.partials for spec in newest.values())
    assert any(spec.content.tools for spec in newest.values())
    assert any(message.placeholder for message in messages)
    assert any(message.parts for message in messages)
    assert any(variable.sensitive for spec in newest.values() for variable in spec.content.variables)
    assert len(tree.agents) >= 3
    assert any(assignment.when for agent in tree.agents for assignment in agent.assignments)
