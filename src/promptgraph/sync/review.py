"""What a branch does to prompts: two trees compared, before anything is synced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from promptgraph.domain.change import Change, Impact, impact_of
from promptgraph.domain.diff import changes_between
from promptgraph.domain.names import Selector
from promptgraph.domain.tree import FileProblem, PromptSpec, Tree

CALLERS = "callers must"
"""Whom the sentences of a change ask for something; a review names them."""


class Fate(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Reach:
    """An agent's use of a prompt: what its selector served before and will serve, None for nothing."""

    agent: str
    role: str
    selector: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Review:
    """One prompt that a branch touches. `was` is the version it had, None for a new prompt; `now` the one it
    has, None for one that is gone. `reach` are the agents that name it.
    """

    name: str
    fate: Fate
    was: PromptSpec | None
    now: PromptSpec | None
    changes: tuple[Change, ...]
    reach: tuple[Reach, ...] = ()
    moves: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)

    @property
    def impact(self) -> Impact:
        """The gravest change's; MAJOR when agents still used a prompt that is gone."""
        if self.now is None:
            return Impact.MAJOR if self.reach else Impact.MINOR
        return impact_of(self.changes)

    @property
    def getting(self) -> list[str]:
        """The agents that are served another version once this is synced, by name."""
        return sorted({one.agent for one in self.reach if one.after != one.before})

    @property
    def following(self) -> list[str]:
        """The agents that this prompt's new version reaches, now or when a label moves, by name."""
        return sorted({one.agent for one in self.reach if Selector.parse(one.selector).version is None})

    def sentence(self, change: Change) -> str:
        """What a change asks, and of which agents."""
        named = self.following
        if not named:
            return change.sentence
        return change.sentence.replace(CALLERS, f"agent{'s' * (len(named) > 1)} {_listed(named)} must")


@dataclass(frozen=True)
class Branch:
    """The files as they are, as they were where the branch began, and as they are where it is to go."""

    now: Tree
    began: Tree
    target: Tree
    target_name: str

    @cached_property
    def _present(self) -> Mapping[str, str]:
        """The name here of each former name."""
        return {old: spec.name for spec in self.now.newest().values() for old in spec.formerly}

    def reviews(self) -> list[Review]:
        """Every prompt whose content, name or labels the branch changes, by name."""
        now, began = self.now.newest(), self.began.newest()
        before = {self._name(name, now): spec for name, spec in began.items()}
        found = (
            self._review(name, before.get(name), now.get(name)) for name in sorted(now.keys() | before.keys())
        )
        return [review for review in found if review is not None]

    def unnumbered(self) -> list[str]:
        """The prompts that need a new number, by name."""
        published = _published(self.began, self._present) | _published(self.target, self._present)
        began = {self._name(name, self.now.newest()): spec for name, spec in self.began.newest().items()}
        return [
            name
            for name, spec in self.now.newest().items()
            if published.get((name, spec.version), spec.digest) != spec.digest
            or (name in began and spec.version < began[name].version)
        ]

    def problems(self) -> list[FileProblem]:
        """Versions that the branch would publish with a second meaning, or backwards."""
        return [*self._rewritten(), *self._taken(), *self._backwards(), *self._moved_away()]

    def _name(self, name: str, now: Mapping[str, PromptSpec]) -> str:
        return name if name in now else self._present.get(name, name)

    def _review(self, name: str, was: PromptSpec | None, now: PromptSpec | None) -> Review | None:
        changes = tuple(changes_between(was.content, now.content)) if was and now else ()
        moves = self._moves(name)
        reach = tuple(self._reach(name))
        fate = _fate(was, now)
        if (
            fate is Fate.CHANGED
            and not changes
            and not moves
            and (was and was.version) == (now and now.version)
        ):
            return None
        return Review(name, fate, was, now, changes, reach, moves)

    def _moves(self, name: str) -> dict[str, tuple[int | None, int | None]]:
        now = self.now.newest()
        new = {spec.label: spec.version for spec in self.now.labels if spec.name == name}
        old = {spec.label: spec.version for spec in self.began.labels if self._name(spec.name, now) == name}
        return {
            label: (old.get(label), new.get(label))
            for label in sorted(old.keys() | new.keys())
            if old.get(label) != new.get(label)
        }

    def _reach(self, name: str) -> Iterator[Reach]:
        now, before = self.now.newest(), self._earlier(name)
        for agent in self.now.agents:
            for one in agent.assignments:
                if self._name(one.selector.name, now) == name:
                    served = _served(self.began, replace(one.selector, name=before))
                    serves = _served(self.now, replace(one.selector, name=name))
                    yield Reach(agent.name, one.role, str(one.selector), served, serves)

    def _earlier(self, name: str) -> str:
        """What a prompt was called where the branch began."""
        began, spec = self.began.newest(), self.now.newest().get(name)
        return next((old for old in (spec.formerly if spec else ()) if old in began), name)

    def _rewritten(self) -> Iterator[FileProblem]:
        """What has a published number, and another content."""
        published = _published(self.began, self._present)
        for spec in self.now.prompts:
            was = published.get((spec.name, spec.version))
            if was is None or was == spec.digest:
                continue
            if spec.kept:
                message = (
                    f"Version {spec.version} of {spec.name} is published, and this copy says something else."
                )
                yield FileProblem(spec.place, message, "A version never changes: bring the copy's text back.")
            else:
                message = f"The content of {spec.name} changed, and its version is still {spec.version}."
                yield FileProblem(spec.place, message, f"Run: promptgraph bump {spec.name}")

    def _taken(self) -> Iterator[FileProblem]:
        """What another branch published meanwhile under the number that this one chose."""
        before = _published(self.began, self._present)
        for key, digest in _published(self.target, self._present).items():
            spec = next((s for s in self.now.prompts if (s.name, s.version) == key and not s.kept), None)
            if spec is not None and key not in before and digest != spec.digest:
                message = (
                    f"Version {spec.version} of {spec.name} was published on {self.target_name} meanwhile,"
                    " with another content: both branches took the same number."
                )
                hint = f"Merge {self.target_name} into this branch, then run: promptgraph bump {spec.name}"
                yield FileProblem(spec.place, message, hint)

    def _backwards(self) -> Iterator[FileProblem]:
        began = {self._name(name, self.now.newest()): spec for name, spec in self.began.newest().items()}
        for name, spec in self.now.newest().items():
            was = began.get(name)
            if was is not None and spec.version < was.version:
                message = f"{name} goes back from version {was.version} to {spec.version}."
                hint = f"Old text gets a new number, too. Run: promptgraph bump {name}"
                yield FileProblem(spec.place, message, hint)

    def _moved_away(self) -> Iterator[FileProblem]:
        """Files that seem to be renamed, and do not say what they were called."""
        now, began = self.now.newest(), self.began.newest()
        gone = {spec.digest: name for name, spec in began.items() if self._name(name, now) not in now}
        for name, spec in now.items():
            if name not in began and (old := gone.get(spec.digest)) is not None:
                message = (
                    f"{name} says what {old} said, which is gone: calls and pinned agents stay with {old}."
                )
                yield FileProblem(
                    spec.place, message, f"If it was renamed, add: formerly: [{old}]", warning=True
                )


def _fate(was: PromptSpec | None, now: PromptSpec | None) -> Fate:
    if was is None or now is None:
        return Fate.ADDED if was is None else Fate.REMOVED
    return Fate.CHANGED if was.name == now.name else Fate.RENAMED


def _served(tree: Tree, selector: Selector) -> int | None:
    """The version that the files serve by a selector, as far as they know."""
    if selector.version is not None:
        return selector.version
    if selector.label is not None:
        key = (selector.name, selector.label)
        return next((spec.version for spec in tree.labels if (spec.name, spec.label) == key), None)
    newest = tree.newest().get(selector.name)
    return newest.version if newest else None


def _published(tree: Tree, present: Mapping[str, str]) -> dict[tuple[str, int], str]:
    """The content hash of each version that a tree holds, by its name here."""
    return {(present.get(spec.name, spec.name), spec.version): spec.digest for spec in tree.prompts}


def _listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
