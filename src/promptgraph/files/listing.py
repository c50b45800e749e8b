"""A tree's files, each told what it is and decoded; what may not be in a tree at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from promptgraph.domain.text import invisible_character
from promptgraph.domain.tree import FileProblem, Place
from promptgraph.files.layout import Kind, Spot, printable, spot
from promptgraph.files.node import YamlRefusedError, shown
from promptgraph.files.read import MAX_FILES, MAX_TREE_BYTES, SourceFile
from promptgraph.files.yaml import decoded

MAX_WARNINGS = 10
"""Of one kind in one file; a text in a script that needs invisible characters has one in every line."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a kind that is read; `text` is None where it could not be decoded."""

    file: SourceFile
    spot: Spot
    text: str | None


def listing(files: Sequence[SourceFile]) -> tuple[list[ListedFile], list[FileProblem]]:
    """The files that say something, and the problems of all."""
    if fault := _too_much(files):
        return [], [FileProblem(Place("."), fault, "Keep only prompt files in this folder.")]
    problems = list(_collisions(files))
    listed: list[ListedFile] = []
    for file in files:
        where = spot(file.path)
        problems += _path_problems(file.path, where)
        if where.read:
            text = _text(file, problems)
            listed.append(ListedFile(file, where, text))
        elif where.kind is Kind.PARTIAL:
            listed.append(ListedFile(file, where, None))
    return listed, problems


def _too_much(files: Sequence[SourceFile]) -> str | None:
    if len(files) > MAX_FILES:
        return f"There are more than {MAX_FILES} files."
    if sum(len(file.raw) for file in files) > MAX_TREE_BYTES:
        return f"The files hold more than {MAX_TREE_BYTES >> 20} MiB."
    return None


def _collisions(files: Sequence[SourceFile]) -> Iterator[FileProblem]:
    """Paths that are one and the same on some file systems."""
    seen: dict[str, str] = {}
    for file in files:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", file.path).casefold())
        first = seen.get(folded)
        if first == file.path:
            yield FileProblem(Place(printable(file.path)), "The path is given twice.", "Send each file once.")
        elif first is not None:
            message = f"The path differs from {shown(first)} in upper and lower case or in accents alone."
            yield FileProblem(Place(printable(file.path)), message, "Rename one of the two.")
        seen[folded] = file.path


def _path_problems(path: str, where: Spot) -> Iterator[FileProblem]:
    if where.finding is not None:
        yield where.finding.at(printable(path))
    elif where.kind is Kind.OTHER:
        hint = "Prompt files are called NAME.prompt.yaml."
        yield FileProblem(Place(path), "This file is not read.", hint, warning=True)


def _text(file: SourceFile, problems: list[FileProblem]) -> str | None:
    try:
        text = decoded(file.raw)
    except YamlRefusedError as error:
        problems += [found.at(file.path) for found in error.findings]
        return None
    if not text.isascii() and invisible_character(text):
        problems += _invisible(file.path, text)
    return text


def _invisible(path: str, text: str) -> Iterator[FileProblem]:
    """A warning for each line with a character that a reviewer cannot see."""
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if not line.isascii())
    found = ((number, line, code) for number, line in lines if (code := invisible_character(line)))
    for number, line, code in islice(found, MAX_WARNINGS):
        column = next(index for index, one in enumerate(line, 1) if invisible_character(one))
        message = f"The invisible character {code} is here."
        yield FileProblem(Place(path, number, column), message, "Remove it unless it is meant.", warning=True)
