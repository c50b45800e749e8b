"""How each change of a plan is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptgraph.domain.inventory import Inventory
from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.tree import PromptSpec
from promptgraph.store import registry as store
from promptgraph.store.database import Session
from promptgraph.sync.changes import (
    AddPrompt,
    Change,
    ChangeFamily,
    DropLabel,
    ForgetAgent,
    MakeFirm,
    PutAgent,
    PutLabel,
    ReplaceDraft,
    RetireFamily,
    SetLatest,
)


@dataclass(frozen=True, slots=True)
class Written:
    """Who writes, and when: one instant for the whole sync."""

    origin: SyncOrigin
    at: dt.datetime


async def write_changes(session: Session, changes: Sequence[Change], stored: Inventory, by: Written) -> None:
    """Write each change, in order."""
    ids = Ids.of(stored)
    for change in changes:
        await WRITERS[type(change)](session, change, ids, by)


@dataclass(slots=True)
class Ids:
    """The primary keys known so far in this transaction, by natural key."""

    families: dict[str, int]
    prompts: dict[tuple[str, int], int]

    @classmethod
    def of(cls, stored: Inventory) -> Ids:
        return cls(
            {name: family.id for name, family in stored.families.items()},
            {key: version.id for key, version in stored.versions.items()},
        )


async def _family_id(session: Session, change: AddPrompt, ids: Ids, by: Written) -> int:
    """The family of a new version, made with its first one."""
    main = change.main
    if main.name not in ids.families:
        ids.families[main.name] = await store.add_family(
            session,
            name=main.name,
            former_names=main.formerly,
            description=main.description,
            tags=main.tags,
            metadata=main.metadata,
            record=main.record,
            source=by.origin.source,
            latest_version=main.version,
            at=by.at,
        )
    return ids.families[main.name]


async def _change_family(session: Session, change: ChangeFamily, ids: Ids, _: Written) -> None:
    spec, family = change.spec, change.family
    past = (*family.former_names, family.name, *spec.formerly)
    former = [name for name in dict.fromkeys(past) if name != spec.name]
    await store.change_family(
        session,
        family.id,
        name=spec.name,
        former_names=former,
        description=spec.description,
        tags=spec.tags,
        metadata=spec.metadata,
        record=spec.record,
        latest_version=family.latest_version,
    )
    ids.families[spec.name] = family.id
    versions = [(key, id_) for key, id_ in ids.prompts.items() if key[0] == family.name]
    ids.prompts |= {(spec.name, version): id_ for (_, version), id_ in versions}


async def _retire_family(session: Session, change: RetireFamily, _: Ids, by: Written) -> None:
    await store.retire_family(session, change.family.id, at=by.at)


async def _add_prompt(session: Session, change: AddPrompt, ids: Ids, by: Written) -> None:
    spec = change.spec
    known = spec.name in ids.families
    family_id = await _family_id(session, change, ids, by)
    ids.prompts[spec.name, spec.version] = await store.add_prompt(
        session,
        family_id=family_id,
        name=spec.name,
        version=spec.version,
        draft=change.draft,
        content=spec.content,
        digest=spec.digest,
        partials=spec.partials,
        source=spec.source,
        at=by.at,
    )
    if known:
        await _lead(session, spec, ids)


async def _replace_draft(session: Session, change: ReplaceDraft, ids: Ids, _: Written) -> None:
    spec = change.spec
    await _lead(session, spec, ids)
    await store.replace_draft(
        session,
        change.prompt_id,
        content=spec.content,
        digest=spec.digest,
        partials=spec.partials,
        source=spec.source,
    )


async def _make_firm(session: Session, change: MakeFirm, ids: Ids, _: Written) -> None:
    await store.make_firm(session, change.prompt_id)
    await _lead(session, change.spec, ids)


async def _set_latest(session: Session, change: SetLatest, _: Ids, __: Written) -> None:
    await store.set_latest_version(session, change.family.id, change.version)


async def _lead(session: Session, spec: PromptSpec, ids: Ids) -> None:
    """What the main file says is the latest, whatever drafts stand above it."""
    if not spec.kept:
        await store.set_latest_version(session, ids.families[spec.name], spec.version)


async def _put_label(session: Session, change: PutLabel, ids: Ids, by: Written) -> None:
    spec, stored = change.spec, change.stored
    prompt_id = ids.prompts[spec.name, spec.version]
    family_id = ids.families[spec.name]
    await store.put_label(
        session,
        family_id=family_id,
        label=spec.label,
        prompt_id=prompt_id,
        managed_by_file=True,
        overridden=False,
        file_version=spec.version,
        at=by.at,
    )
    if stored is None or stored.prompt_id != prompt_id:
        await store.add_move(
            session,
            family_id=family_id,
            label=spec.label,
            from_prompt_id=stored.prompt_id if stored else None,
            to_prompt_id=prompt_id,
            at=by.at,
            moved_by=by.origin.author,
            reason=None,
            source=spec.source,
        )


async def _drop_label(session: Session, change: DropLabel, _: Ids, by: Written) -> None:
    stored = change.stored
    await store.drop_label(session, stored.id)
    await store.add_move(
        session,
        family_id=stored.family_id,
        label=stored.label,
        from_prompt_id=stored.prompt_id,
        to_prompt_id=None,
        at=by.at,
        moved_by=by.origin.author,
        reason=None,
        source=None,
    )


async def _put_agent(session: Session, change: PutAgent, _: Ids, by: Written) -> None:
    spec = change.spec
    agent_id = await store.put_agent(
        session,
        name=spec.name,
        description=spec.description,
        declared=True,
        source=by.origin.source,
        at=by.at,
    )
    rows = [
        store.NewAssignment(a.role, position, str(a.selector), a.when, a.metadata, None)
        for position, a in enumerate(spec.assignments)
    ]
    await store.put_assignments(session, agent_id, rows, managed_by_file=True)


async def _forget_agent(session: Session, change: ForgetAgent, _: Ids, by: Written) -> None:
    agent = change.stored
    await store.put_assignments(session, agent.id, [], managed_by_file=True)
    await store.put_agent(
        session, name=agent.name, description=agent.description, declared=False, source=None, at=by.at
    )


WRITERS: Mapping[type, Callable[[Session, Any, Ids, Written], Awaitable[None]]] = {
    ChangeFamily: _change_family,
    RetireFamily: _retire_family,
    AddPrompt: _add_prompt,
    ReplaceDraft: _replace_draft,
    MakeFirm: _make_firm,
    SetLatest: _set_latest,
    PutLabel: _put_label,
    DropLabel: _drop_label,
    PutAgent: _put_agent,
    ForgetAgent: _forget_agent,
}
