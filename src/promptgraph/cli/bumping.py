"""New version numbers: what `bump` finds out, decides and writes."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.cli.keeping import Kept, copies_of, missing
from promptgraph.cli.knowing import Known, known, stored_contents
from promptgraph.cli.targets import targets
from promptgraph.cli.writing import read_text, replace_text, write_new
from promptgraph.config import Settings
from promptgraph.domain.tree import PromptSpec
from promptgraph.files.edit import set_version


@dataclass(frozen=True, slots=True)
class Bump:
    """One prompt: its version before and after; equal where the file is above all others already."""

    name: str
    path: str
    from_version: int
    to_version: int


@dataclass(frozen=True, slots=True)
class Bumped:
    """What `bump` did: the copies it kept by path, and in `notes` what it could not know or do."""

    bumps: tuple[Bump, ...]
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def next_version(version: int, highest: int | None) -> int:
    """One above all that is taken; the file's own where that is above already."""
    return version + 1 if highest is None else max(version, highest + 1)


async def bump_prompts(settings: Settings, words: tuple[str, ...]) -> Bumped:
    """Gives each prompt that `words` name a version that nobody has yet; keeps older ones that are named.

    raises  NotFoundError · InvalidInputError · PromptFilesError  see `targets`; nothing was written
    """
    state = await known(settings)
    bumps = [_bump(state, spec) for spec in targets(state.tree, state.folder, words)]
    wanted = [version for bump in bumps for version in missing(state.tree, bump.name, bump.to_version)]
    kept = copies_of(state, wanted, await stored_contents(settings, state, wanted))
    _write(state, bumps, kept)
    return Bumped(tuple(bumps), tuple(kept.copies), (*state.notes, *kept.notes))


def _bump(state: Known, spec: PromptSpec) -> Bump:
    return Bump(spec.name, spec.source.path, spec.version, next_version(spec.version, state.highest(spec)))


def _write(state: Known, bumps: list[Bump], kept: Kept) -> None:
    """Copies first: a stop half-way leaves a tree that still has every text."""
    for path, text in kept.copies.items():
        write_new(state.folder / path, text)
    for bump in bumps:
        if bump.to_version != bump.from_version:
            file = state.folder / bump.path
            replace_text(file, set_version(read_text(file), bump.to_version))
