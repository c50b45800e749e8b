"""What is stored of the contents of calls: by environment, by prompt, and what there is of one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from promptgraph.domain.call import CallContent, ContentState, LlmCall
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError

PARTS = ("variables", "output", "metadata")
LEVELS = {state.value.lower(): state for state in (ContentState.FULL, ContentState.HASHED, ContentState.NONE)}
"""By the word in files and settings what is stored, from the loosest to the strictest."""
OTHERS = "*"
_STRICTNESS = {state: place for place, state in enumerate(LEVELS.values())}


class Levels(NamedTuple):
    """What is stored of each part of a call's contents: FULL, HASHED or NONE."""

    variables: ContentState = ContentState.FULL
    output: ContentState = ContentState.FULL
    metadata: ContentState = ContentState.FULL

    def words(self) -> dict[str, str]:
        """By part the word for it, of the parts that are not stored in full."""
        return {
            part: state.value.lower()
            for part, state in self._asdict().items()
            if state is not ContentState.FULL
        }

    @classmethod
    def of_words(cls, words: Mapping[str, str]) -> Levels:
        """The inverse of `words`."""
        return cls(**{part: LEVELS[word] for part, word in words.items()})


IN_FULL = Levels()
"""What is in full is this very object, wherever it comes from."""


@lru_cache(maxsize=128)
def stricter(one: Levels, other: Levels) -> Levels:
    """For each part the stricter of both."""
    return Levels(*(max(pair, key=_STRICTNESS.__getitem__) for pair in zip(one, other, strict=True)))


def strictest(states: Sequence[ContentState]) -> ContentState:
    """What may be said of all of them together: NONE where there are none."""
    return max(states, key=_STRICTNESS.__getitem__, default=ContentState.NONE)


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """What is stored, by environment: of those that are `named`, and of all `others`."""

    named: Mapping[str, Levels] = field(default_factory=dict)
    others: Levels = IN_FULL

    def of(self, environment: str) -> Levels:
        """What is stored of a call there."""
        return self.named.get(environment, self.others)

    @property
    def hashes(self) -> bool:
        """Whether any part is hashed anywhere."""
        return any(ContentState.HASHED in levels for levels in (*self.named.values(), self.others))

    def sentence(self) -> str:
        """It in words, by environment."""
        if not self.named:
            return _told(self.others)
        told = [f"in {name} {_told(levels)}" for name, levels in self.named.items()]
        return "; ".join((*told, f"elsewhere {_told(self.others)}"))


def _told(levels: Levels) -> str:
    if len(set(levels)) == 1:
        return f"variables, output and metadata {levels.output.value.lower()}"
    return ", ".join(f"{part} {state.value.lower()}" for part, state in levels._asdict().items())


class _Entry(NamedTuple):
    """One entry of a policy; `part` is None for all three."""

    environment: str
    part: str | None
    state: ContentState


def policy_of(text: str) -> ContentPolicy:
    """The policy that a setting says: entries with commas between, each `ENVIRONMENT=LEVEL`,
    `ENVIRONMENT.PART=LEVEL` or a level alone, which is that of `*`: all environments that are not named. An
    environment's own entries come first, and of those the part's.

    raises  InvalidInputError  the first entry that is none; the sentence says what is wrong with it
    """
    found: dict[tuple[str, str | None], ContentState] = {}
    for entry in _entries(text):
        if (entry.environment, entry.part) in found:
            key = entry.environment if entry.part is None else f"{entry.environment}.{entry.part}"
            raise InvalidInputError(f"{key!r} comes twice")
        found[entry.environment, entry.part] = entry.state
    others = _levels(found, OTHERS)
    names = dict.fromkeys(environment for environment, _ in found if environment != OTHERS)
    return ContentPolicy({name: _levels(found, name, OTHERS) for name in names}, others)


def _levels(found: Mapping[tuple[str, str | None], ContentState], *names: str) -> Levels:
    """For each part the first entry that says something about it."""
    levels = Levels(
        *(
            next(
                (found[key] for name in names for key in ((name, part), (name, None)) if key in found),
                ContentState.FULL,
            )
            for part in PARTS
        )
    )
    return IN_FULL if levels == IN_FULL else levels


def _entries(text: str) -> Iterator[_Entry]:
    for entry in text.split(","):
        key, sign, word = entry.strip().rpartition("=")
        level = LEVELS.get(word.strip())
        if level is None:
            raise InvalidInputError(f"{word.strip()!r} in {entry.strip()!r} must be {_choice(LEVELS)}")
        yield _Entry(*_key(key.strip(), entry.strip()), level) if sign else _Entry(OTHERS, None, level)


def _key(key: str, entry: str) -> tuple[str, str | None]:
    environment, dot, part = key.rpartition(".")
    if dot and part not in PARTS:
        raise InvalidInputError(f"{part!r} in {entry!r} must be {_choice(PARTS)}")
    environment = environment if dot else key
    if not environment:
        raise InvalidInputError(f"{entry!r} names no environment; {OTHERS} means all that are not named")
    return environment, part or None if dot else None


def _choice(words: Mapping[str, object] | Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"


# ---------------------------------------------------------------- one call


def parts_of(call: LlmCall, content: CallContent | None) -> Levels:
    """What there is of each part of a stored call."""
    if call.content_state is ContentState.ERASED:
        return Levels(ContentState.ERASED, ContentState.ERASED, ContentState.ERASED)
    if content is None:
        return Levels(ContentState.NONE, ContentState.NONE, ContentState.NONE)
    hashes: JsonObject = content.hashes or {}
    stored = {"variables": content.variables, "output": content.output, "metadata": content.metadata or None}
    return Levels(*(_state(stored[part] is not None, part in hashes) for part in PARTS))


def _state(stored: bool, hashed: bool) -> ContentState:  # noqa: FBT001  # two facts of one part
    if stored:
        return ContentState.FULL
    return ContentState.HASHED if hashed else ContentState.NONE
