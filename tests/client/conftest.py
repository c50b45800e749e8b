"""A real server for the client's tests, started once, and a folder of prompts that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptgraph.client.client import Client
from promptgraph.client.core import KEY_VARIABLE, SERVER_VARIABLE
from tests.client.serving import serving
from tests.factories import prompt_yaml, write_tree

TRIAGE = """\
version: 2
model: gpt-5-mini
config: {temperature: 0}
input:
  schema:
    type: object
    required: [ticket]
    properties:
      ticket: {type: string}
      tone: {type: string}
      card: {type: string, x-sensitive: true}
  default: {tone: neutral}
messages:
  - role: system
    content: |
      {% include "tone.j2" %}
      Pick one queue.
  - role: user
    content: "{{ ticket }}{% if card is defined %} Card {{ card }}.{% endif %}"
tags: [support]
"""
TREE = {
    "_partials/tone.j2": "Be {{ tone }}.\n",
    "support/triage.prompt.yaml": TRIAGE.replace("version: 2", "version: 3").replace(
        "one queue", "the queue"
    ),
    "support/triage@2.prompt.yaml": TRIAGE.replace("tags: [support]\n", ""),
    "support/enterprise.prompt.yaml": prompt_yaml(content="Dear {{ name }}"),
    "chat.prompt.yaml": """\
version: 1
model: m
messages:
- {role: system, content: Talk.}
- {placeholder: history}
""",
    "verbatim.prompt.yaml": """\
version: 1
engine: none
messages:
- {role: user, content: 'Keep {{ this }}'}
""",
    "labels.yaml": "production: {support/triage: 2, support/enterprise: 1}\nstaging: {support/triage: 3}\n",
    "agents/bot.agent.yaml": """\
prompts:
  triage:
    - {prompt: support/enterprise@production, when: {plan: [enterprise, gold]}}
    - {prompt: support/triage@production}
""",
}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with TREE as its prompts."""
    made = tmp_path_factory.mktemp("server")
    write_tree(made / "prompts", TREE)
    return made


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[str]:
    """The address of a server of TREE. Tests share it: they record, and change no prompt."""
    with serving(home) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """A client that records directly."""
    with Client(server) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes from outside."""
    for name in (SERVER_VARIABLE, KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
