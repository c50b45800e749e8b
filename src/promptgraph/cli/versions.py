"""Who knows which version of a prompt (the files, git's HEAD, the registry), and older ones kept as
NAME@2.prompt.yaml because a label or a selector still names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from promptgraph.cli.branches import Parted
from promptgraph.cli.checking import existing, pinned
from promptgraph.cli.registry import Registry, registry, stored_prompts
from promptgraph.config import Settings
from promptgraph.domain.errors import PromptFilesError
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.tree import FileProblem, PromptSpec, Tree
from promptgraph.files.canonical import canonical_yaml
from promptgraph.files.edit import set_version
from promptgraph.files.git import files_at
from promptgraph.files.read import SourceFile, read_files
from promptgraph.files.tree import parse_tree
from promptgraph.store.prompts import PromptRef
from promptgraph.sync.scope import SUFFIX

Version = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """`head` is what git has published: HEAD, or where a branch began; None without git or before the first
    commit. `beyond` are other revisions whose numbers are taken, too. `registry.stored` is None where it
    cannot be asked.
    """

    folder: Path
    files: Sequence[SourceFile]
    tree: Tree
    head_files: Sequence[SourceFile] = ()
    head: Tree | None = None
    registry: Registry = field(default_factory=Registry)
    unread: Sequence[FileProblem] = ()
    beyond: Sequence[Tree] = ()

    def highest(self, spec: PromptSpec) -> int | None:
        """The highest version of a prompt that is taken already; None where nobody could be asked."""
        if self.head is None and self.registry.stored is None:
            return None
        return max((*self._kept(spec), *self._committed(spec), *self._stored(spec)), default=0)

    def names(self, name: str) -> tuple[str, ...]:
        """A prompt's name and those it had before: an older version may stand under any of them."""
        spec = self.tree.newest().get(name)
        return (name, *(spec.formerly if spec else ()))

    @property
    def notes(self) -> list[str]:
        """What could not be asked, for people to know."""
        notes = [
            f"{path} cannot be read, so which older versions it names is not known. Mend it, run this again."
            for path in sorted({problem.place.path for problem in self.problems})
            if not path.endswith(SUFFIX)
        ]
        if self.registry.why is not None:
            counted = "only the files" if self.head is None else "the files and git's HEAD"
            notes.append(f"The registry could not be asked, so {counted} were counted. {self.registry.why}")
        return notes

    @property
    def problems(self) -> list[FileProblem]:
        """What is wrong with the files, those that cannot even be read included."""
        return [*self.unread, *self.tree.errors]

    def is_stored(self, version: Version) -> bool:
        """Whether the registry is known to hold this version for good."""
        found = self.registry.stored.versions if self.registry.stored else {}
        keys = [(name, version[1]) for name in self.names(version[0])]
        return any(key in found and not found[key].draft for key in keys)

    def _kept(self, spec: PromptSpec) -> list[int]:
        return [one.version for one in self.tree.prompts if one.kept and one.name == spec.name]

    def _committed(self, spec: PromptSpec) -> list[int]:
        names = self.names(spec.name)
        trees = (*filter(None, [self.head]), *self.beyond)
        return [one.version for tree in trees for one in tree.prompts if one.name in names]

    def _stored(self, spec: PromptSpec) -> list[int]:
        stored = self.registry.stored
        families = [stored.family(name) for name in self.names(spec.name)] if stored else []
        return [family.latest_version for family in families if family]


async def known(settings: Settings, branch: Parted | None = None) -> Known:
    """What the files, git and the registry say now; of a branch, what git had published where it began."""
    folder = existing(settings.prompts_dir)
    files, unread = read_files(folder)
    head_files = files_at(folder)
    head = None if head_files is None else parse_tree(head_files)
    asked = await registry(settings)
    if branch is None:
        return Known(folder, files, parse_tree(files), head_files or (), head, asked, unread)
    return Known(folder, files, parse_tree(files), branch.files, branch.began, asked, unread, [branch.target])


async def stored_contents(
    settings: Settings, state: Known, wanted: Iterable[Version]
) -> Mapping[Version, PromptContent]:
    """The contents of those versions that the registry holds; none where it cannot be asked."""
    keys = [(name, v, PromptRef(one, v)) for name, v in wanted for one in state.names(name)]
    if not keys or state.registry.stored is None:
        return {}
    found = await stored_prompts(settings, [ref for _, _, ref in keys])
    return {
        (name, version): prompt
        for (name, version, _), prompt in zip(keys, found, strict=True)
        if prompt is not None and not prompt.draft
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """The copies to write, by path in the folder, and what could not be kept: `lost` are the versions whose
    text nobody is known to hold.
    """

    copies: Mapping[str, str]
    notes: tuple[str, ...] = ()
    lost: tuple[Version, ...] = ()


def missing(tree: Tree, name: str, newest: int) -> list[Version]:
    """The versions of a prompt below `newest` that the tree names and keeps no copy of."""
    held = {spec.version for spec in tree.prompts if spec.name == name and spec.kept}
    return sorted((n, v) for n, v in pinned(tree) if n == name and v < newest and v not in held)


def copies_of(known: Known, wanted: Sequence[Version], stored: Mapping[Version, PromptContent]) -> Kept:
    """A copy of each wanted version whose content is known for certain: from HEAD or registry.

    raises  PromptFilesError  there is such a copy, and it cannot be read
    """
    _check_copies(known, wanted)
    texts = {version: next(_texts(known, version, stored), None) for version in wanted}
    copies = {path_of(version): text for version, text in texts.items() if text is not None}
    without = [version for version, text in texts.items() if text is None]
    lost = tuple(version for version in without if not known.is_stored(version))
    notes = [_lost(version) if version in lost else _only_stored(version) for version in without]
    return Kept(copies, tuple(notes), lost)


def _check_copies(known: Known, wanted: Sequence[Version]) -> None:
    paths = {path_of(version) for version in wanted}
    wrong = [problem for problem in known.problems if problem.place.path in paths]
    if wrong:
        raise PromptFilesError(f"{wrong[0].place.path} cannot be read; mend it first. {wrong[0]}")


def _only_stored(version: Version) -> str:
    name, number = version
    return (
        f"A label or an agent names version {number} of {name}. The registry holds it; beside the partials as"
        " they are now it cannot be written as a file."
    )


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
