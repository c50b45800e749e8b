"""Everything that may know a version of a prompt: the files, the files in git's HEAD, the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from promptgraph.cli.check import existing
from promptgraph.cli.references import SUFFIX
from promptgraph.cli.stored import Registry, registry, stored_prompts
from promptgraph.config import Settings
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.files.git import files_at
from promptgraph.files.read import SourceFile, read_files
from promptgraph.files.tree import parse_tree
from promptgraph.store.prompts import PromptRef

Version = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """`head` is None without git or before the first commit, `registry.stored` where it cannot be asked."""

    folder: Path
    files: Sequence[SourceFile]
    tree: Tree
    head_files: Sequence[SourceFile] = ()
    head: Tree | None = None
    registry: Registry = field(default_factory=Registry)

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
            for path in sorted({problem.place.path for problem in self.tree.errors})
            if not path.endswith(SUFFIX)
        ]
        if self.registry.why is not None:
            counted = "only the files" if self.head is None else "the files and git's HEAD"
            notes.append(f"The registry could not be asked, so {counted} were counted. {self.registry.why}")
        return notes

    def _kept(self, spec: PromptSpec) -> list[int]:
        return [one.version for one in self.tree.prompts if one.kept and one.name == spec.name]

    def _committed(self, spec: PromptSpec) -> list[int]:
        names = self.names(spec.name)
        return [one.version for one in (self.head.prompts if self.head else ()) if one.name in names]

    def _stored(self, spec: PromptSpec) -> list[int]:
        stored = self.registry.stored
        families = [stored.family(name) for name in self.names(spec.name)] if stored else []
        return [family.latest_version for family in families if family]


async def known(settings: Settings) -> Known:
    """What the files, git and the registry say now."""
    folder = existing(settings.prompts_dir)
    files, _ = read_files(folder)
    head_files = files_at(folder)
    head = None if head_files is None else parse_tree(head_files)
    return Known(folder, files, parse_tree(files), head_files or (), head, await registry(settings))


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
