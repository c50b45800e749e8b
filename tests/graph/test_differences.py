"""Diffs of versions: lines for people, changes for programs, and an end to the work for both."""

from __future__ import annotations

import time
from dataclasses import replace

from promptgraph.domain.diff import Impact
from promptgraph.domain.prompt import Message, MessageRole, Prompt, PromptFamily
from promptgraph.graph.differences import difference
from tests.graph.registry import NOW


def version(number: int, text: str) -> Prompt:
    family = PromptFamily(id=1, name="a/b", latest_version=number, created_at=NOW)
    message = Message(MessageRole.USER, text)
    return Prompt(
        id=number, family=family, version=number, content_hash="", created_at=NOW, messages=(message,)
    )


def test_shows_the_lines_that_changed() -> None:
    """With the versions' names, and some lines around."""
    found = difference(version(1, "Hello\nyou\n"), version(2, "Hello\nthere\n"))
    assert found.unified.startswith("--- a/b@1\n+++ a/b@2\n@@ ")
    changed = [line.replace(" ", "") for line in found.unified.splitlines()[3:] if line[0] in "+-"]
    assert ["-you", "+there"] == changed
    assert Impact.NONE is not found.impact


def test_equal_contents_differ_in_nothing() -> None:
    """No lines, no changes, whatever the number."""
    found = difference(version(1, "same"), replace(version(1, "same"), version=2))
    assert ("", (), Impact.NONE) == (found.unified, found.changes, found.impact)


def test_very_long_texts_are_replaced_as_a_whole() -> None:
    """A comparison that would take minutes is not made: all the old lines go, all the new ones come."""
    old, new = ("\n".join(f"{word}{i % 150}" for i in range(20_000)) for word in ("a", "b"))
    began = time.thread_time()
    found = difference(version(1, old), version(2, new))
    assert time.thread_time() - began < 5
    assert found.unified.count("\n-") > 19_000 and found.unified.count("\n+") > 19_000
