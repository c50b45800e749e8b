"""New version numbers: which prompts are meant, what `bump` decides and what it writes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from promptgraph.cli.branches import parted
from promptgraph.cli.checking import MAX_SHOWN, existing
from promptgraph.cli.versions import Kept, Known, copies_of, known, missing, path_of, stored_contents
from promptgraph.cli.writing import read_text, replace_text, write_new
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError, NotFoundError, PromptFilesError
from promptgraph.domain.nearest import meant
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.files.edit import set_version

PROMPT, PARTIALS = ".prompt.yaml", "_partials/"


def targets(state: Known, words: tuple[str, ...]) -> list[PromptSpec]:
    """The main files that `words` name, by name, each once; a partial stands for all that include it.

    raises  NotFoundError       nothing has this name, or no prompt includes the partial
            InvalidInputError   a kept version is named: those never change
            PromptFilesError    the file that is named cannot be read
    """
    found = {spec.name: spec for word in words for spec in _meant(state, word)}
    return [found[name] for name in sorted(found)]


def _meant(state: Known, word: str) -> list[PromptSpec]:
    if not word.strip():
        raise InvalidInputError("An empty word names no prompt; give its name or its file.", field="name")
    path = _relative(state.folder, word)
    newest = state.tree.newest()
    name = path.removesuffix(PROMPT)
    if name in newest:
        return [newest[name]]
    _check_file(state, name)
    if "@" in name:
        main = name.partition("@")[0]
        raise InvalidInputError(f"{word} is a kept version and stays as it is; bump {main}.", field="name")
    if users := _including(state.tree, path):
        return users
    _refuse_partial(state, path)
    hint = meant(name, newest)
    raise NotFoundError(" ".join(filter(None, (f"There is no prompt or partial {word[:MAX_SHOWN]}.", hint))))


def _relative(folder: Path, word: str) -> str:
    """`word` as a path in the prompts folder, if it leads there from here."""
    path = Path(word)
    with suppress(OSError):  # longer than any path may be, or behind a folder that nobody may enter
        if path.exists() and path.resolve().is_relative_to(folder.resolve()):
            return path.resolve().relative_to(folder.resolve()).as_posix()
    return PurePosixPath(word).as_posix()


def _check_file(state: Known, name: str) -> None:
    wrong = [problem for problem in state.problems if problem.place.path == f"{name}{PROMPT}"]
    if wrong:
        raise PromptFilesError(f"{name}{PROMPT} cannot be read; mend it first. {wrong[0]}")


def _including(tree: Tree, path: str) -> list[PromptSpec]:
    partial = path.removeprefix(PARTIALS)
    names = {partial, f"{partial}.j2"}
    return [spec for spec in tree.newest().values() if names & set(spec.partials)]


def _refuse_partial(state: Known, path: str) -> None:
    partial = path.removeprefix(PARTIALS).removesuffix(".j2")
    if f"{PARTIALS}{partial}.j2" in {file.path for file in state.files}:
        raise NotFoundError(f"No prompt includes the partial {partial}.j2, so there is nothing to bump.")


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
            NotFoundError  the text of a version that is named would be lost; nothing was written
    """
    return await _bumped(settings, await known(settings), words)


async def bump_changed(settings: Settings, base: str) -> Bumped:
    """Gives each prompt that needs one since the branch parted from `base` a version that nobody has yet,
    there neither; see `bump_prompts`.

    raises  InvalidInputError  git does not know the base, or not where the two parted
    """
    branch = parted(existing(settings.prompts_dir), base)
    state = await known(settings, branch)
    return await _bumped(settings, state, tuple(branch.branch(state.tree).unnumbered()))


async def _bumped(settings: Settings, state: Known, words: tuple[str, ...]) -> Bumped:
    bumps = [_bump(state, spec) for spec in targets(state, words)]
    wanted = [version for bump in bumps for version in missing(state.tree, bump.name, bump.to_version)]
    kept = copies_of(state, wanted, await stored_contents(settings, state, wanted))
    _check_nothing_lost(bumps, kept)
    _write(state, bumps, kept)
    return Bumped(tuple(bumps), tuple(kept.copies), (*state.notes, *kept.notes))


def _bump(state: Known, spec: PromptSpec) -> Bump:
    return Bump(spec.name, spec.source.path, spec.version, next_version(spec.version, state.highest(spec)))


def _check_nothing_lost(bumps: list[Bump], kept: Kept) -> None:
    """With its number changed a file no longer tells what the number before meant."""
    changing = {bump.name for bump in bumps if bump.to_version != bump.from_version}
    for name, number in kept.lost:
        if name in changing:
            raise NotFoundError(
                f"A label or an agent names version {number} of {name}, and neither git's HEAD nor the"
                " registry is known to hold its text, so nothing was written. Keep that text by hand as"
                f" {path_of((name, number))}, or connect the registry (--database-url), then run this again."
            )


def _write(state: Known, bumps: list[Bump], kept: Kept) -> None:
    """Copies first: a stop half-way leaves a tree that still has every text."""
    for path, text in kept.copies.items():
        write_new(state.folder / path, text)
    for bump in bumps:
        if bump.to_version != bump.from_version:
            now = read_text(state.folder, bump.path) or ""
            replace_text(state.folder / bump.path, set_version(now, bump.to_version))
