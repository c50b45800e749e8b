"""The agent of the README, run as it is written, and the pages' other examples, read as Python."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.children import ROOT, surroundings
from tests.client.serving import asked, serving

CALLS = """{ prompt(name: "support/triage", label: "production") {
  llmCalls(first: 1) { nodes { model inputTokens output variables status } } } }"""

EXAMPLE = """{ agent(name: "support-bot") { llmCalls(filter: {environments: ["example"]}) {
  nodes { timeToFirstTokenMs prompt { name } } } } }"""


def blocks(page: str) -> list[str]:
    """The Python of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_the_agent_of_the_readme_runs(tmp_path: Path) -> None:
    """Against a server of the prompts that come with it; what it recorded is there."""
    (agent,) = blocks("README.md")
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    with serving(tmp_path) as url:
        done = subprocess.run(
            [sys.executable, "-c", agent],
            cwd=tmp_path,
            env=surroundings(PROMPTGRAPH_SERVER=url),
            capture_output=True,
            text=True,
            check=True,
        )
        (call,) = asked(url, CALLS)["prompt"]["llmCalls"]["nodes"]
    assert "support/triage 2 Flushed(delivered=1, remaining=0, refused=0)\n" == done.stdout
    assert ("gpt-5-mini", 812, "billing", "OK") == (
        call["model"],
        call["inputTokens"],
        call["output"],
        call["status"],
    )
    assert "My card was declined" == call["variables"]["ticket"]


def test_the_example_agent_runs(tmp_path: Path) -> None:
    """Plain, streaming and async: five calls by the agent's roles; where it streams, with the first token."""
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    with serving(tmp_path) as url:
        done = subprocess.run(
            [sys.executable, ROOT / "examples/agents/support.py"],
            cwd=tmp_path,
            env=surroundings(PROMPTGRAPH_SERVER=url),
            capture_output=True,
            text=True,
            check=True,
        )
        calls = asked(url, EXAMPLE)["agent"]["llmCalls"]["nodes"]
    assert "queue:  billing" in done.stdout
    assert "async:  3 answers" in done.stdout
    names = [call["prompt"]["name"] for call in calls]
    assert {"support/triage": 1, "support/answer": 4} == Counter(names)
    streamed = [call["timeToFirstTokenMs"] for call in calls if call["prompt"]["name"] == "support/answer"]
    assert None not in streamed


@pytest.mark.parametrize("number", range(len(blocks("docs/client.md"))))
def test_examples_are_python(number: int) -> None:
    """Each can be read as it stands."""
    assert ast.parse(blocks("docs/client.md")[number])
