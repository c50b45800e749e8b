"""Older versions that a label or a selector still names, kept in the tree as NAME@2.prompt.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from promptgraph.cli.knowing import Known, Version
from promptgraph.cli.references import SUFFIX, pinned
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.files.canonical import canonical_yaml
from promptgraph.files.edit import set_version
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree


@dataclass(frozen=True, slots=True)
class Kept:
    """The copies to write, by path in the folder, and what could not be kept."""

    copies: Mapping[str, str]
    notes: tuple[str, ...] = ()


def missing(tree: Tree, name: str, newest: int) -> list[Version]:
    """The versions of a prompt below `newest` that the tree names and keeps no copy of."""
    held = {spec.version for spec in tree.prompts if spec.name == name and spec.kept}
    return sorted((n, v) for n, v in pinned(tree) if n == name and v < newest and v not in held)


def copies_of(known: Known, wanted: Sequence[Version], stored: Mapping[Version, PromptContent]) -> Kept:
    """A copy of each wanted version whose content is known for certain: from HEAD or registry."""
    copies: dict[str, str] = {}
    notes: list[str] = []
    for version in wanted:
        text = next(_texts(known, version, stored), None)
        if text is None:
            notes.append(_lost(version))
        else:
            copies[path_of(version)] = text
    return Kept(copies, tuple(notes))


def path_of(version: Version) -> str:
    """Where an older version is kept."""
    name, number = version
    return f"{name}@{number}{SUFFIX}"


def _lost(version: Version) -> str:
    name, number = version
    return (
        f"A label or an agent names version {number} of {name}, and neither HEAD nor the registry has its"
        f" text. Bring it back as {path_of(version)}, or name another version."
    )


def _texts(known: Known, version: Version, stored: Mapping[Version, PromptContent]) -> Iterator[str]:
    """Texts that read back as exactly that version: as it was committed, else written from its content."""
    if committed := _committed(known, version):
        file, spec = committed
        yield from _faithful(known, version, file.raw.decode(), spec.digest)
        yield from _faithful(known, version, _written(spec.content, version), spec.digest)
    elif content := stored.get(version):
        yield from _faithful(known, version, _written(content, version), content.digest())


def _committed(known: Known, version: Version) -> tuple[SourceFile, PromptSpec] | None:
    files = {file.path: file for file in known.head_files}
    names, specs = known.names(version[0]), known.head.prompts if known.head else ()
    found = (s for s in specs if s.name in names and s.version == version[1])
    return next(((files[s.source.path], s) for s in found), None)


def _written(content: PromptContent, version: Version) -> str:
    return f"version: {version[1]}\n{canonical_yaml(content)}"


def _faithful(known: Known, version: Version, text: str, digest: str) -> Iterator[str]:
    """`text`, if beside the partials as they are now it still means the content of `digest`."""
    path, main = path_of(version), f"{version[0]}{SUFFIX}"
    beside = [file for file in known.files if file.path.startswith("_partials/")]
    mains = [_raised(file, version[1] + 1) for file in known.files if file.path == main]
    tree = parse_tree([*beside, *mains, SourceFile(path, text.encode())])
    broken = any(problem.place.path == path for problem in tree.errors)
    if not broken and any(spec.source.path == path and spec.digest == digest for spec in tree.prompts):
        yield text


def _raised(file: SourceFile, version: int) -> SourceFile:
    """The main file with a version above the copy's, as it will be."""
    return replace(file, raw=set_version(file.raw.decode(), version).encode())
