"""One version of a prompt, from the files or else from the registry."""

from __future__ import annotations

from dataclasses import dataclass

from promptgraph.cli.checking import existing
from promptgraph.cli.registry import stored_prompts
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptFilesError,
    StoreUnavailableError,
)
from promptgraph.domain.names import NAME_RULE, checked_label, is_name
from promptgraph.domain.nearest import meant
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.tree import Tree
from promptgraph.files.tree import read_tree
from promptgraph.store.prompts import PromptRef

FILES, REGISTRY = "files", "registry"


@dataclass(frozen=True, slots=True)
class Found:
    """A version, its content, and where it was found."""

    name: str
    version: int
    content: PromptContent
    digest: str
    origin: str


def find(settings: Settings, ref: PromptRef) -> Found:
    """The version that `ref` names: among the files; else, for an older version or a label that the API set,
    in the registry.

    raises  NotFoundError         neither has it
            PromptFilesError      its file is broken
            StoreUnavailableError  the files lack it, and the registry cannot be asked
    """
    _check(ref)
    tree = read_tree(existing(settings.prompts_dir))
    if found := _in_files(tree, ref):
        return found
    _check_readable(tree, ref.name)
    if ref.name not in tree.newest() and (near := meant(ref.name, tree.newest())):
        raise NotFoundError(f"There is no prompt {ref.name}. {near}")
    try:
        return run(_in_registry(settings, ref, "the files or the registry"))
    except (StoreUnavailableError, NotFoundError) as error:
        if not is_name(ref.name):  # an old database may have had such a name
            raise NotFoundError(f"{ref.name!r} is no prompt name: use {NAME_RULE}.", field="name") from error
        if isinstance(error, NotFoundError):
            raise
        words = f"{_words(ref)} in the files, and the registry cannot be asked. {error}"
        raise StoreUnavailableError(words) from error


def find_stored(settings: Settings, ref: PromptRef) -> Found:
    """The version that `ref` names in the registry.

    raises  NotFoundError          it holds none
            StoreUnavailableError  it cannot be asked
    """
    _check(ref)
    return run(_in_registry(settings, ref, "the registry"))


def _check(ref: PromptRef) -> None:
    if ref.version is not None and ref.label is not None:
        raise InvalidInputError("Give --version or --label, not both.", field="version")
    if ref.label is not None:
        checked_label(ref.label)
    if not ref.name.strip():
        raise InvalidInputError("An empty word names no prompt.", field="name")


def _in_files(tree: Tree, ref: PromptRef) -> Found | None:
    version = ref.version
    if ref.label is not None:
        version = next((s.version for s in tree.labels if (s.name, s.label) == (ref.name, ref.label)), None)
        if version is None:
            return None
    for spec in tree.prompts:
        if spec.name == ref.name and (spec.version == version or (version is None and not spec.kept)):
            return Found(spec.name, spec.version, spec.content, spec.digest, FILES)
    return None


def _check_readable(tree: Tree, name: str) -> None:
    """A prompt that only its broken file can tell of is not missing: say what is wrong with the file."""
    path = f"{name}.prompt.yaml"
    wrong = [problem for problem in tree.errors if problem.place.path == path]
    if wrong and name not in tree.newest():
        raise PromptFilesError(f"{path} cannot be read. {wrong[0]}")


async def _in_registry(settings: Settings, ref: PromptRef, where: str) -> Found:
    (prompt,) = await stored_prompts(settings, [ref])
    if prompt is None:
        raise NotFoundError(f"{_words(ref)} in {where}.")
    return Found(prompt.name, prompt.version, prompt, prompt.content_hash, REGISTRY)


def _words(ref: PromptRef) -> str:
    if ref.label is not None:
        return f"There is no label {ref.label} of {ref.name}"
    if ref.version is not None:
        return f"There is no version {ref.version} of {ref.name}"
    return f"There is no prompt {ref.name}"
