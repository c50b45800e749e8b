"""Two versions of a prompt, compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from promptgraph.domain.diff import Change, Impact, changes_between, impact_of
from promptgraph.domain.prompt import Prompt
from promptgraph.files.canonical import canonical_yaml

MAX_COMPARISONS = 4_000_000
"""Lines of the one times lines of the other: a second or so at worst."""


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """What changed from `before` to `after`."""

    before: Prompt
    after: Prompt
    unified: str
    changes: tuple[Change, ...]

    @property
    def impact(self) -> Impact:
        return impact_of(self.changes)


def difference(before: Prompt, after: Prompt) -> PromptDiff:
    """What changed, as lines and as sentences.

    cost  up to a second for very long prompts: not for an event loop
    """
    old, new = (canonical_yaml(each).splitlines(keepends=True) for each in (before, after))
    names = (f"{before.name}@{before.version}", f"{after.name}@{after.version}")
    unified = difflib.unified_diff(old, new, *names) if _are_near(old, new) else _replaced(old, new, names)
    return PromptDiff(before, after, "".join(unified), tuple(changes_between(before, after)))


def _are_near(old: list[str], new: list[str]) -> bool:
    return len(old) * len(new) <= MAX_COMPARISONS or old == new


def _replaced(old: list[str], new: list[str], names: tuple[str, str]) -> Iterable[str]:
    """The unified diff that takes every old line away and adds every new one."""
    yield f"--- {names[0]}\n+++ {names[1]}\n@@ -1,{len(old)} +1,{len(new)} @@\n"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)
