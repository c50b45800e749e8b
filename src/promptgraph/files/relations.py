"""What is wrong between files, each of which may be right by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from promptgraph.domain.tree import FileProblem, Place
from promptgraph.files.layout import PROMPT
from promptgraph.files.partials import path_of
from promptgraph.files.prompts import PromptFile


def kept_problems(files: Sequence[PromptFile]) -> Iterator[FileProblem]:
    """Older versions that no newer one stands beside."""
    mains = {file.name: file for file in files if file.kept is None}
    for file in files:
        if file.kept is None:
            continue
        main = mains.get(file.name)
        if main is None:
            message = f"This older version has no `{file.name}{PROMPT}` beside it."
            yield FileProblem(Place(file.path), message, "Bring the file back, or remove this one.")
        elif main.version is not None and main.version <= file.kept:
            message = f"`{main.path}` has version {main.version}, which is no higher than this one's."
            yield FileProblem(Place(file.path), message, "Raise the version there, or remove this file.")


def former_problems(files: Sequence[PromptFile]) -> Iterator[FileProblem]:
    """Former names that cannot lead to one prompt."""
    mains = {file.name: file for file in files if file.kept is None}
    claimed: dict[str, str] = {}
    for file in mains.values():
        for former, place in file.former.items():
            first = claimed.setdefault(former, file.path)
            if former == file.name:
                yield FileProblem(place, f"`{former}` is the name that it has now.", "Remove it here.")
            elif former in mains:
                message = f"`{former}` is a prompt of its own: `{mains[former].path}`."
                yield FileProblem(place, message, "Remove it here, or remove that file.")
            elif first != file.path:
                yield FileProblem(
                    place, f"`{first}` had the name `{former}` too.", "Remove it from one of them."
                )


def unused_partials(files: Sequence[PromptFile], names: Collection[str]) -> Iterator[FileProblem]:
    """A warning for each partial that no prompt includes; none while some prompts cannot tell."""
    if any(file.partials is None for file in files):
        return
    used = {name for file in files for name in file.partials or ()}
    for name in sorted(set(names) - used):
        hint = f'Include it as {{% include "{name}" %}}, or remove it.'
        yield FileProblem(Place(path_of(name)), "No prompt includes this partial.", hint, warning=True)
