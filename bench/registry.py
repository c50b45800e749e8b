"""Figures of the registry: a tree of 1,000 prompt files checked, synced, and synced again unchanged.

Prints the median, the least and the most of a number of rounds, each in this one process.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.tree import Tree
from promptgraph.files.tree import read_tree, run_tests
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.sync.apply import sync_tree

PROMPT = """\
version: 1
description: Route ticket kind {number} to a queue.
model: gpt-5-mini
config: {{temperature: 0, max_output_tokens: 200}}
input:
  schema:
    type: object
    required: [ticket]
    properties:
      ticket: {{type: string, description: What the customer wrote.}}
      tone: {{type: string, enum: [neutral, warm]}}
      history: {{type: array, items: {{type: string}}}}
  default: {{tone: neutral, history: []}}
messages:
  - role: system
    content: |
      {{% include "tone.j2" %}}
      You route tickets of kind {number}. Tone: {{{{ tone }}}}.
      {{% for line in history %}}- {{{{ line }}}}
      {{% endfor %}}
  - role: user
    content: "{{{{ ticket }}}}"
tags: [support]
metadata: {{owner: support-team}}
tests:
  - input: {{ticket: My card was declined}}
    contains: [declined]
"""


def write(root: Path, count: int) -> None:
    (root / "_partials").mkdir()
    (root / "_partials" / "tone.j2").write_text("Be precise. Never promise what you cannot keep.\n")
    for number in range(count):
        folder = root / f"area{number % 20:02}"
        folder.mkdir(exist_ok=True)
        (folder / f"p{number:04}.prompt.yaml").write_text(PROMPT.format(number=number))


def checked(root: Path) -> Tree:
    tree = read_tree(root)
    problems = [*tree.problems, *run_tests(tree)]
    assert not problems, problems[:3]  # noqa: S101  # a figure for a broken tree would be worthless
    return tree


async def synced(url: str, root: Path) -> None:
    db = Database(url)
    outcome = await sync_tree(db, read_tree(root), SyncOrigin(), now=lambda: dt.datetime.now(dt.UTC))
    assert outcome.error is None, outcome.error  # noqa: S101  # as above
    await db.close()


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def measure(count: int, rounds: int) -> dict[str, list[float]]:
    """units  seconds, a figure a round"""
    figures: dict[str, list[float]] = {"check": [], "first sync": [], "unchanged sync": []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "prompts"
        root.mkdir()
        write(root, count)

        async def check() -> None:
            checked(root)

        for number in range(rounds):
            url = f"sqlite:///{folder}/{number}.db"
            db = Database(url)
            await migrate.upgrade(db)
            await db.close()
            figures["check"].append(await timed(check))
            figures["first sync"].append(await timed(lambda url=url: synced(url, root)))  # type: ignore[misc]  # mypy infers no default
            figures["unchanged sync"].append(await timed(lambda url=url: synced(url, root)))  # type: ignore[misc]  # as above
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"{given.files} prompt files, {given.rounds} rounds, seconds")
    for name, values in asyncio.run(measure(given.files, given.rounds)).items():
        print(f"{name:16} median {statistics.median(values):.2f}   {min(values):.2f} to {max(values):.2f}")


if __name__ == "__main__":
    main()
