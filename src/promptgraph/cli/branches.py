"""The branch that is checked out, beside the revision of git that it is to go to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from promptgraph.domain.tree import Tree
from promptgraph.files.git import commit_of, files_at, fork_of
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree
from promptgraph.sync.review import Branch


@dataclass(frozen=True, slots=True)
class Parted:
    """Where a branch began, and where it is to go: files and what they say; empty where a commit has none."""

    base: str
    files: tuple[SourceFile, ...]
    began: Tree
    target: Tree

    def branch(self, now: Tree) -> Branch:
        """The branch whose files say `now`."""
        return Branch(now, self.began, self.target, self.base)


def parted(folder: Path, base: str) -> Parted:
    """The files of `folder` where the branch parted from `base`, and those of `base`.

    raises  InvalidInputError  git does not know the base, or not where the two parted
    """
    began, target = (
        files_at(folder, commit) or [] for commit in (fork_of(folder, base), commit_of(folder, base))
    )
    return Parted(base, tuple(began), parse_tree(began), parse_tree(target))
