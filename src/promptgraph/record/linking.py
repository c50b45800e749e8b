"""Which prompt a call names, looked up by batch and remembered while the registry stays as it is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptgraphError,
    PromptMismatchError,
)
from promptgraph.domain.names import parse_global_id
from promptgraph.domain.prompt import Prompt
from promptgraph.domain.text import forbidden_character
from promptgraph.record.gathering import Gathering
from promptgraph.store import registry
from promptgraph.store.database import Database, Session
from promptgraph.store.prompts import PromptRef, prompts_by_id, prompts_by_ref
from promptgraph.template.values import Inputs

FIELD = "promptId"
REMEMBERED = 10_000
FRESH_SECONDS = 1.0
_MAX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Linked:
    """What recording needs of a version: its row, its hash, how it takes variables, and what its file lets be
    stored of its calls.
    """

    id: int
    content_hash: str
    sensitive: frozenset[str]
    inputs: Inputs
    record: Levels = IN_FULL

    @classmethod
    def of(cls, prompt: Prompt) -> Linked:
        hidden = frozenset(variable.name for variable in prompt.variables if variable.sensitive)
        return cls(prompt.id, prompt.content_hash, hidden, Inputs.of(prompt), prompt.family.record)

    def check_hash(self, digest: str | None) -> None:
        """raises  PromptMismatchError  another content was rendered than this version has"""
        if digest is not None and digest != self.content_hash:
            raise PromptMismatchError(
                "promptHash is not the contentHash of this version: another text was rendered."
                " Sync the prompts that the caller has, or name the version that it rendered.",
                field="promptHash",
            )

    def misfit(self, variables: JsonObject) -> InvalidInputError | None:
        """What the version's schema refuses in `variables`, None if nothing."""
        try:
            self.inputs.filled(variables)
        except InvalidInputError as error:
            return error
        return None

    def kept(self, variables: JsonObject) -> JsonObject:
        """`variables` without the sensitive ones."""
        if self.sensitive.isdisjoint(variables):
            return variables
        return {name: value for name, value in variables.items() if name not in self.sensitive}


class Prompts:
    """Versions by what callers call them: an id of the API, or digits, which are a row's own."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, Linked] = {}
        self._revision = -1
        self._fresh_until = 0.0
        self._gathering = Gathering(self._find)

    async def find(self, ids: Iterable[str]) -> dict[str, Linked | PromptgraphError]:
        """By id the version, or why there is none. What was found is remembered until the registry changes,
        which is noticed within a second; a draft is not, nor is what was not found.

        raises  StoreUnavailableError  the database is out of reach
        cost    nothing where all are known; a statement a second; one or two for those that are not known
        """
        wanted = set(ids)
        if not wanted:
            return {}
        if time.monotonic() < self._fresh_until and wanted <= self._known.keys():
            return {text: self._known[text] for text in wanted}
        return await self._gathering.find(wanted)

    async def _find(self, wanted: set[str]) -> dict[str, Linked | PromptgraphError]:
        async with self._db.read() as session:
            if time.monotonic() >= self._fresh_until:
                await self._refresh(session)
            known = {text: self._known[text] for text in wanted & self._known.keys()}
            return known | await self._look_up(session, wanted - known.keys())

    async def _refresh(self, session: Session) -> None:
        began = time.monotonic()
        revision = await registry.revision(session)
        if revision != self._revision or len(self._known) > REMEMBERED:
            self._known.clear()
        self._revision, self._fresh_until = revision, began + FRESH_SECONDS

    async def _look_up(self, session: Session, wanted: set[str]) -> dict[str, Linked | PromptgraphError]:
        found: dict[str, Linked | PromptgraphError] = {}
        rows: dict[str, int] = {}
        refs: dict[str, PromptRef] = {}
        for text in wanted:
            try:
                key = parse_prompt_id(text)
            except InvalidInputError as error:
                found[text] = error
                continue
            if isinstance(key, int):
                rows[text] = key
            else:
                refs[text] = key
        prompts = (
            dict(zip(rows, await prompts_by_id(session, list(rows.values())), strict=True)) if rows else {}
        )
        if refs:
            prompts |= zip(refs, await prompts_by_ref(session, list(refs.values())), strict=True)
        return found | {text: self._linked(text, prompt) for text, prompt in prompts.items()}

    def _linked(self, text: str, prompt: Prompt | None) -> Linked | PromptgraphError:
        if prompt is None:
            return NotFoundError(
                f"There is no prompt with the id {text[:200]!r} here. Sync it, then send the call again.",
                field=FIELD,
            )
        linked = Linked.of(prompt)
        if not prompt.draft:
            self._known[text] = linked
        return linked


def parse_prompt_id(text: str) -> int | PromptRef:
    """The row, or the name and version, that an id stands for.

    raises  InvalidInputError  it is no id, or one of something else
    """
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    kind, key = parse_global_id(text, field=FIELD)
    if kind != "Prompt":
        raise InvalidInputError(
            f"promptId is the id of a {kind[:80]}; it must be that of a Prompt.", field=FIELD
        )
    name, version = key if len(key) == 2 else ("", "")  # noqa: PLR2004  # name and version
    countable = version.isascii() and version.isdigit() and len(version) <= _MAX_DIGITS
    if not countable or forbidden_character(name):
        raise InvalidInputError(f"Not an id of this API: {text[:80]!r}.", field=FIELD)
    return PromptRef(name, int(version))
