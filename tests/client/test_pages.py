"""The agent of the README, the example agent and the examples of docs/client.md, run as they are written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from promptgraph.cli.program import promptgraph
from tests.children import ROOT, surroundings
from tests.client.serving import asked, serving
from tests.factories import write_tree

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


ODD = """\
version: 1
input: {schema: {type: object, required: [label], properties: {label: {type: string}}}}
messages:
- {role: user, content: "{{ label }}"}
"""
SAID = """{ metrics { calls errors } agent(name: "support-bot") { metrics { calls } }
  prompt(name: "support/triage", version: 2) { llmCalls(first: 9) { nodes {
    model inputTokens output conversationId timeToFirstTokenMs scores { name value } } } } }"""


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of docs/client.md, one after the other as it stands, but for the addresses of its servers. A model
    stands in for OpenAI's, with an answer in its form.
    """
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    write_tree(tmp_path / "prompts", {"odd.prompt.yaml": ODD})
    monkeypatch.chdir(tmp_path)
    answer: dict[str, Any] = {"model": "m-2026", "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    answer |= {"choices": [{"message": {"content": "billing"}, "finish_reason": "stop"}]}
    model = SimpleNamespace(create=lambda **_: json.loads(json.dumps(answer), object_hook=_Answer))
    names: dict[str, Any] = {
        "openai": SimpleNamespace(chat=SimpleNamespace(completions=model)),
        "stream": ["We are ", "looking into it."],
        "text": "We are looking into it.",
    }
    with serving(tmp_path) as url:
        three_lines, looking, bundled, recording, agents, ending = blocks("docs/client.md")
        exec(three_lines.replace("http://localhost:8000", url), names)  # noqa: S102  # our own page
        assert "billing" == names["route"]("My card was declined")
        exec(looking, names)  # noqa: S102  # as above
        names["rendered"] = names["client"].render("support/triage", ticket="x")
        exec(recording, names)  # noqa: S102  # as above
        exec(agents, names)  # noqa: S102  # as above
        exec(ending, names)  # noqa: S102  # as above
        said = asked(url, SAID)
        bundle = bundled.replace("https://prompts.example.com", "http://127.0.0.1:9")
        CliRunner(catch_exceptions=False).invoke(promptgraph, ["lock", "--server", url])
    exec(bundle, names)  # noqa: S102  # as above
    assert 2 == names["client"].prompt("support/triage").version
    names["client"].close()
    assert ({"calls": 3, "errors": 0}, {"calls": 1}) == (said["metrics"], said["agent"]["metrics"])
    by_agent, streamed, first = said["prompt"]["llmCalls"]["nodes"]
    assert ("gpt-5-mini", 7, "billing") == (by_agent["model"], first["inputTokens"], first["output"])
    assert ("c7", 812, [{"name": "helpful", "value": 1.0}]) == (
        streamed["conversationId"], streamed["inputTokens"], streamed["scores"],
    )  # fmt: skip
    assert streamed["timeToFirstTokenMs"] is not None


class _Answer(SimpleNamespace):
    """An answer whose parts are attributes, as a provider's classes give it."""

    def __init__(self, parts: dict[str, Any]) -> None:
        super().__init__(**parts)
