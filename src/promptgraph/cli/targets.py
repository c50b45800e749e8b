"""Which prompts the words on a command line mean: names, paths of files, partials."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from promptgraph.domain.errors import InvalidInputError, NotFoundError, PromptFilesError
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.sync.scope import did_you_mean

PROMPT, PARTIALS = ".prompt.yaml", "_partials/"


def targets(tree: Tree, folder: Path, words: tuple[str, ...]) -> list[PromptSpec]:
    """The main files that `words` name, by name, each once; a partial stands for all that include it.

    raises  NotFoundError       nothing has this name, or no prompt includes the partial
            InvalidInputError   a kept version is named: those never change
            PromptFilesError    the file that is named cannot be read
    """
    found = {spec.name: spec for word in words for spec in _meant(tree, folder, word)}
    return [found[name] for name in sorted(found)]


def _meant(tree: Tree, folder: Path, word: str) -> list[PromptSpec]:
    path = _relative(folder, word)
    newest = tree.newest()
    name = path.removesuffix(PROMPT)
    if name in newest:
        return [newest[name]]
    _check_file(tree, name)
    if "@" in name:
        main = name.partition("@")[0]
        raise InvalidInputError(f"{word} is a kept version and stays as it is; bump {main}.", field="name")
    if users := _including(tree, path):
        return users
    _refuse_partial(folder, path)
    hint = did_you_mean(name, newest)
    raise NotFoundError(" ".join(filter(None, (f"There is no prompt or partial {word}.", hint))))


def _relative(folder: Path, word: str) -> str:
    """`word` as a path in the prompts folder, if it leads there from here."""
    path = Path(word)
    if path.exists() and path.resolve().is_relative_to(folder.resolve()):
        return path.resolve().relative_to(folder.resolve()).as_posix()
    return PurePosixPath(word).as_posix()


def _check_file(tree: Tree, name: str) -> None:
    wrong = [problem for problem in tree.errors if problem.place.path == f"{name}{PROMPT}"]
    if wrong:
        raise PromptFilesError(f"{name}{PROMPT} cannot be read; mend it first. {wrong[0]}")


def _including(tree: Tree, path: str) -> list[PromptSpec]:
    partial = path.removeprefix(PARTIALS)
    names = {partial, f"{partial}.j2"}
    return [spec for spec in tree.newest().values() if names & set(spec.partials)]


def _refuse_partial(folder: Path, path: str) -> None:
    partial = path.removeprefix(PARTIALS).removesuffix(".j2")
    if (folder / PARTIALS / f"{partial}.j2").is_file():
        raise NotFoundError(f"No prompt includes the partial {partial}.j2, so there is nothing to bump.")
