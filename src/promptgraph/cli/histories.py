"""What the registry remembers: the versions of a prompt, and what labels served at an instant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from promptgraph.cli.registry import reading, stored_family
from promptgraph.config import Settings
from promptgraph.domain.asking import PageArgs
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.store.database import Session
from promptgraph.store.labels import labels_by_prompt, labels_ever
from promptgraph.store.paging import PageKey
from promptgraph.store.prompts import MomentKey, prompt_at, prompts_by_family
from promptgraph.store.registry import inventory


@dataclass(frozen=True, slots=True)
class Logged:
    """One version of a prompt: where it came from, and the labels that serve it now."""

    version: int
    draft: bool
    labels: tuple[str, ...]
    created_at: dt.datetime
    committed_at: dt.datetime | None
    author: str | None
    commit_sha: str | None
    url: str | None
    content_hash: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a label of a prompt served at an instant."""

    name: str
    label: str
    version: int


async def logged(settings: Settings, name: str, size: int) -> list[Logged]:
    """The newest versions of a prompt, newest first.

    raises  NotFoundError  the registry knows no such prompt · StoreUnavailableError
    """
    async with reading(settings) as session:
        family = stored_family(await inventory(session), name)
        (page,) = await prompts_by_family(session, [PageKey(family.id, PageArgs.of(first=size))])
        labels = await labels_by_prompt(session, [prompt.id for prompt in page.items])
        named = [tuple(label.label for label in some) for some in labels]
        return [_logged(prompt, some) for prompt, some in zip(page.items, named, strict=True)]


def _logged(prompt: Prompt, labels: tuple[str, ...]) -> Logged:
    source = prompt.source
    return Logged(
        version=prompt.version,
        draft=prompt.draft,
        labels=labels,
        created_at=prompt.created_at,
        committed_at=source.committed_at if source else None,
        author=source.author if source else None,
        commit_sha=source.commit_sha if source else None,
        url=source.url if source else None,
        content_hash=prompt.content_hash,
    )


async def served(settings: Settings, at: dt.datetime, name: str | None = None) -> list[Served]:
    """What every label served at an instant, by when its moves were applied here; of one prompt if named.

    raises  NotFoundError  the registry knows no such prompt · StoreUnavailableError
    """
    async with reading(settings) as session:
        stored = await inventory(session)
        only = None if name is None else stored_family(stored, name)
        return await _served(session, stored, at, only)


async def _served(
    session: Session, stored: Inventory, at: dt.datetime, only: PromptFamily | None
) -> list[Served]:
    names = {family.id: family.name for family in stored.families.values() if only in (None, family)}
    keys = sorted(
        MomentKey(names[family_id], label, at)
        for family_id, label in await labels_ever(session)
        if family_id in names
    )
    found = await prompt_at(session, keys)
    return [
        Served(key.name, key.label, prompt.version)
        for key, prompt in zip(keys, found, strict=True)
        if prompt is not None
    ]
