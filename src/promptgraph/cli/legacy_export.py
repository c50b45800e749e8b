"""Stored prompts as files that read back as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptgraph.cli.registry import patient
from promptgraph.cli.writing import write_new
from promptgraph.config import Settings
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError, PromptFilesError
from promptgraph.domain.prompt import Prompt
from promptgraph.domain.tree import FileProblem, Place
from promptgraph.files.canonical import canonical_yaml
from promptgraph.files.core import dump
from promptgraph.files.layout import PROMPT
from promptgraph.files.read import MAX_FILES, SourceFile
from promptgraph.files.tree import parse_tree
from promptgraph.store.export import stored_versions


@dataclass(frozen=True, slots=True)
class Exported:
    """The files written, as paths in the folder; what could not be written, and why."""

    folder: Path
    written: tuple[str, ...]
    problems: tuple[FileProblem, ...]


async def exported(settings: Settings, folder: Path) -> Exported:
    """Writes every version of every prompt in force, as the file that it would have come from. A version that
    no file can say is left out; where that is the latest, all of its prompt. One without any text is told as
    a warning: there is nothing to write.

    raises  InvalidInputError  the folder holds something
            PromptFilesError   the files would not read back together; none was written
    """
    _check_empty(folder)
    async with patient(settings) as db, db.read() as session:
        prompts = await stored_versions(session)
    problems = [*map(_wordless, filter(_is_wordless, prompts))]
    problems += _differences([prompt for prompt in prompts if not _is_wordless(prompt)])
    wrong = {problem.place.path for problem in problems}
    whole = {prompt.name for prompt in prompts if prompt.is_latest and path_of(prompt) not in wrong}
    kept = [prompt for prompt in prompts if prompt.name in whole and path_of(prompt) not in wrong]
    if _differences(kept):
        raise PromptFilesError("These prompts would not read back as they are stored; nothing was written.")
    for prompt in kept:
        path = folder / path_of(prompt)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, text_of(prompt))
    return Exported(folder, tuple(map(path_of, kept)), tuple(problems))


def path_of(prompt: Prompt) -> str:
    """The path of a version's file; older versions carry their number."""
    return f"{prompt.name}{'' if prompt.is_latest else f'@{prompt.version}'}{PROMPT}"


def text_of(prompt: Prompt) -> str:
    """The file of a version: its number, the facts of its family, its content."""
    family = prompt.family
    facts: JsonObject = {"version": prompt.version}
    if prompt.is_latest:
        given: JsonObject = {
            "description": family.description,
            "tags": list(family.tags),
            "metadata": family.metadata,
            "record": {**family.record.words()},
        }
        facts |= {name: value for name, value in given.items() if value}
    return dump(facts) + canonical_yaml(prompt)


def _is_wordless(prompt: Prompt) -> bool:
    return all(message.content == "" for message in prompt.messages)


def _wordless(prompt: Prompt) -> FileProblem:
    fate = "a sync of the folder retires it" if prompt.is_latest else "it stays in the registry"
    return FileProblem(Place(path_of(prompt)), f"It has no text, so it gets no file; {fate}.", warning=True)


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInputError(f"{folder} is not empty; name a new folder.", field="folder")


def _differences(prompts: Sequence[Prompt]) -> list[FileProblem]:
    """What would not read back as it is stored, a problem or more for each such version."""
    if len(prompts) > MAX_FILES:
        raise PromptFilesError(f"There are {len(prompts)} versions; a folder may hold {MAX_FILES} files.")
    tree = parse_tree([SourceFile(path_of(prompt), text_of(prompt).encode()) for prompt in prompts])
    problems = [problem for problem in tree.problems if not problem.warning]
    read = {(spec.name, spec.version): spec.digest for spec in tree.prompts}
    wrong = {problem.place.path for problem in problems}
    return problems + [
        FileProblem(Place(path_of(prompt)), "It would not read back as it is stored.")
        for prompt in prompts
        if read.get((prompt.name, prompt.version)) != prompt.content_hash and path_of(prompt) not in wrong
    ]
