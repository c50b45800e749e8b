"""A small registry to ask, filled as a user would fill it: by syncing files."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from promptgraph.domain.registry import SyncOrigin
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree
from promptgraph.graph.answer import Answer
from promptgraph.graph.executors import Executing
from promptgraph.graph.guard import Limits
from promptgraph.graph.loaders import Context
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.request import Request
from promptgraph.graph.schema import Schema
from promptgraph.graph.standard import Seconds
from promptgraph.graph.trusted import Trusted
from promptgraph.graph.variables import Survey
from promptgraph.store.database import Database
from promptgraph.sync.apply import sync_tree
from tests.factories import prompt_yaml
from tests.recorders import live, recorder

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
COMMIT = dt.datetime(2026, 11, 20, 8, 30, 0, 250, tzinfo=dt.UTC)

TRIAGE = """\
version: {version}
description: Route a support ticket to a queue.
model: gpt-5-mini
config: {{temperature: 0}}
input:
  schema:
    type: object
    required: [ticket]
    properties:
      ticket: {{type: string, description: What the customer wrote., x-sensitive: true}}
      tone: {{type: string}}
  default: {{tone: neutral}}
output:
  schema: {{type: object}}
messages:
  - role: system
    content: |
      {{% include "tone.j2" %}}
      {words}
  - placeholder: history
  - role: user
    content: "{{{{ ticket }}}}"
tools: [{{name: lookup}}]
tags: [support, routing]
metadata: {{owner: support-team}}
formerly: [support/route]
"""
KEPT = "\n".join(
    line
    for line in TRIAGE.splitlines()
    if not line.startswith(("description", "tags", "metadata", "formerly"))
)
AGENT = """\
description: First line of support.
prompts:
  triage: support/triage@production
  answer:
    - {prompt: support/answer@2, when: {plan: [enterprise, team]}, metadata: {note: vip}}
    - {prompt: support/answer}
"""
FILES: dict[str, str] = {
    "_partials/tone.j2": "Be {{ tone }}.\n",
    "support/triage.prompt.yaml": TRIAGE.format(version=2, words="Pick one queue."),
    "support/triage@1.prompt.yaml": KEPT.format(version=1, words="Pick a queue."),
    "support/answer.prompt.yaml": prompt_yaml(2, "Answer {{ question }} for {{ plan }}", tags=["support"]),
    "support/answer@1.prompt.yaml": prompt_yaml(1, "Answer {{ question }}"),
    "summarize/thread.prompt.yaml": prompt_yaml(1, "Summarize {{ thread }}"),
    "agents/support-bot.agent.yaml": AGENT,
    "labels.yaml": "production: {support/triage: 1}\nstaging: {support/triage: 2}\n",
}


async def sync(db: Database, files: Mapping[str, str], at: dt.datetime = NOW, **origin: Any) -> None:
    """Sync these texts; fails the test if they are refused."""
    sources = [SourceFile(path, text.encode(), "c0ffee", "Ann", COMMIT) for path, text in files.items()]
    outcome = await sync_tree(db, parse_tree(sources), SyncOrigin(**origin), now=lambda: at)
    assert outcome.error is None, [str(problem) for problem in outcome.problems] + [
        outcome.error,
        outcome.steps,
    ]


USUAL = Executing(fast=os.environ.get("PROMPTGRAPH_FAST_PATH") != "off")


@cache
def schema(*, is_open: bool = True) -> Schema:
    return Schema(is_open=is_open)


def pipeline(
    db: Database,
    limits: Limits | None = None,
    seconds: float = 10,
    *,
    is_open: bool = True,
    trusted: Trusted | None = None,
    executing: Executing = USUAL,
    context: Callable[[], Context] | None = None,
) -> Pipeline:
    """A pipeline over `db`; by the environment's word, as a server, it is without the fast executor."""
    return Pipeline(
        schema(is_open=is_open),
        context or (lambda: Context(db, recorder(db), live(db), lambda: NOW, "development")),
        limits=limits or Limits(),
        seconds=Seconds(seconds, seconds),
        trusted=trusted or Trusted(),
        executing=executing,
    )


async def answer(db: Database, query: str, /, **variables: Any) -> Answer:
    return await pipeline(db).answer(Request(query, variables, survey=Survey()))


async def ask(db: Database, query: str, /, **variables: Any) -> Any:
    """The data; fails the test on any error."""
    found = (await answer(db, query, **variables)).payload
    assert "errors" not in found, found["errors"]
    return found["data"]


async def refused(db: Database, query: str, /, **variables: Any) -> list[tuple[str, str | None]]:
    """Code and field of each error."""
    found = (await answer(db, query, **variables)).payload
    return [(error["extensions"]["code"], error["extensions"].get("field")) for error in found["errors"]]
