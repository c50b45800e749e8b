"""Two versions of one prompt, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.cli.checking import existing
from promptgraph.cli.found import Found, find, find_stored
from promptgraph.config import Settings
from promptgraph.domain.change import Change, Impact, impact_of
from promptgraph.domain.diff import changes_between
from promptgraph.domain.errors import NotFoundError, PromptgraphError
from promptgraph.domain.names import checked_version
from promptgraph.files.git import files_at
from promptgraph.files.tree import parse_tree
from promptgraph.store.prompts import PromptRef

HEAD = "git's HEAD"
MAX_DIGITS = 12
"""Of a version's number: more are beyond any version, and Python refuses to read thousands."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What it takes to come from one version to the other."""

    before: Found
    after: Found
    changes: tuple[Change, ...]

    @property
    def impact(self) -> Impact:
        return impact_of(self.changes)


def difference(settings: Settings, name: str, before: str | None, after: str | None) -> Difference:
    """Two versions by number or label. Without `after` it is the file; without both, the file beside what is
    published: the version of the file's number in git's HEAD, else the registry's latest.

    raises  PromptgraphError  one of them is not to be found
    """
    now = find(settings, reference(name, after))
    was = _published(settings, name) if before is None else find(settings, reference(name, before))
    return Difference(was, now, tuple(changes_between(was.content, now.content)))


def reference(name: str, word: str | None) -> PromptRef:
    """`3` is a version, another word a label, None the file."""
    if word is None:
        return PromptRef(name)
    if word.isascii() and word.isdigit():
        return PromptRef(name, version=checked_version(int(word[:MAX_DIGITS])))
    return PromptRef(name, label=word)


def _published(settings: Settings, name: str) -> Found:
    files = files_at(existing(settings.prompts_dir))
    spec = parse_tree(files).newest().get(name) if files else None
    if spec is not None:
        return Found(spec.name, spec.version, spec.content, spec.digest, HEAD)
    try:
        return find_stored(settings, PromptRef(name))
    except PromptgraphError as error:
        raise NotFoundError(
            f"{name} is neither in git's HEAD nor in the registry, so there is nothing to compare its file"
            f" with: name two versions. {error}"
        ) from error
