"""What labels and selectors name: one judgement for `check` and for a sync."""

from __future__ import annotations

import difflib
from unittest.mock import patch

import pytest

from promptgraph.domain import nearest
from promptgraph.domain.inventory import Inventory
from promptgraph.sync.plan import plan
from promptgraph.sync.references import unresolved
from promptgraph.sync.scope import Scope
from tests.factories import prompt_yaml
from tests.sync.trees import tree

BASE = {"a.prompt.yaml": prompt_yaml(3, "{{ x }}"), "labels.yaml": "production: {a: 3}\n"}


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        ({"labels.yaml": "production: {b: 1}\n"}, False),
        ({"labels.yaml": "production: {a: 4}\n"}, False),
        ({"labels.yaml": "production: {a: 2}\n"}, True),
        ({"agents/bot.agent.yaml": "prompts: {r: b}\n"}, False),
        ({"agents/bot.agent.yaml": "prompts: {r: a@4}\n"}, False),
        ({"agents/bot.agent.yaml": "prompts: {r: a@2}\n"}, True),
        ({"agents/bot.agent.yaml": "prompts: {r: a@canary}\n"}, True),
    ],
)
def test_files_alone_and_a_sync_judge_alike(files: dict[str, str], warning: bool) -> None:  # noqa: FBT001  # a table's column
    """The same place in both; what the registry may hold is a warning until a sync knows."""
    given = tree(BASE | files)
    (alone,) = unresolved(given)
    (synced,) = plan(Scope(given, Inventory())).problems
    assert alone.place == synced.place
    assert (alone.warning, synced.warning) == (warning, False)


def test_nothing_is_said_of_what_could_not_be_read() -> None:
    """A broken prompt file is one problem, not one more for each that names it."""
    given = tree(BASE | {"a.prompt.yaml": "version: [\n", "agents/bot.agent.yaml": "prompts: {r: a@3}\n"})
    assert unresolved(given) == []


def test_hints_are_bounded() -> None:
    """A thousand misspelt names cost some comparisons, not a million."""
    prompts = {f"prompt-{n:04}.prompt.yaml": prompt_yaml(1, "{{ x }}") for n in range(200)}
    labels = "".join(f"  promt-{n:04}: 1\n" for n in range(200))
    given = tree(prompts | {"labels.yaml": f"production:\n{labels}"})
    with patch("difflib.get_close_matches", wraps=difflib.get_close_matches) as compared:
        found = unresolved(given)
    assert len(found) == 200
    assert compared.call_count == nearest.MAX_HINTS
    assert all(len(list(call.args[1])) <= nearest.MAX_COMPARED for call in compared.call_args_list)
    assert sum(problem.hint is not None for problem in found) == nearest.MAX_HINTS
