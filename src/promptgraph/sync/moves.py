"""Labels moved by hand, rather than by a sync."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from promptgraph.domain.errors import (
    InvalidInputError,
    ManagedByFileError,
    NotFoundError,
    SyncConflictError,
)
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.names import checked_label, checked_version
from promptgraph.domain.prompt import PromptFamily
from promptgraph.domain.registry import LabelMove, PromptLabel
from promptgraph.domain.text import checked_text
from promptgraph.store import registry as store
from promptgraph.store.database import Database, Session
from promptgraph.sync.apply import refresh

LABELS_FILE = "labels.yaml"
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves a label, and why. `override`: even where labels.yaml owns it, until its entry changes."""

    moved_by: str | None = None
    reason: str | None = None
    override: bool = False


async def set_label(
    db: Database, name: str, label: str, version: int, mover: Mover, *, now: Callable[[], dt.datetime]
) -> LabelMove | None:
    """Point `label` of a prompt at `version`.

    returns  the move; None when the label was there already
    raises   NotFoundError       no such prompt or version
             ManagedByFileError  labels.yaml owns the label, and the mover does not override
             InvalidInputError   no label, no version, or an override without a reason
    """
    checked_label(label)
    checked_version(version)
    _check_reason(mover)
    async with db.write() as session:
        await store.lock_registry(session)
        stored = await store.inventory(session)
        family = _family(stored, name)
        prompt = stored.versions.get((family.name, version))
        if prompt is None:
            raise NotFoundError(f"{family.name} has no version {version}.", field="version")
        before = stored.labels.get((family.name, label))
        if before is not None and before.managed_by_file:
            _check_override(before, mover)
        if before is not None and before.prompt_id == prompt.id:
            return None
        at = now()
        await store.put_label(
            session,
            family_id=family.id,
            label=label,
            prompt_id=prompt.id,
            managed_by_file=before is not None and before.managed_by_file,
            overridden=_overridden(before, version),
            file_version=before.file_version if before else None,
            at=at,
        )
        return await _moved(session, family, (label, before, prompt.id), mover, at)


async def remove_label(
    db: Database, name: str, label: str, mover: Mover, *, now: Callable[[], dt.datetime]
) -> LabelMove:
    """Take a label away.

    raises  NotFoundError       no such prompt, or it has no such label
            ManagedByFileError  labels.yaml owns the label
            SyncConflictError   assignments use it; the sentence names their agents
    """
    _check_reason(mover)
    async with db.write() as session:
        await store.lock_registry(session)
        stored = await store.inventory(session)
        family = _family(stored, name)
        before = stored.labels.get((family.name, label))
        if before is None:
            raise NotFoundError(f"{family.name} has no label {label!r}.", field="label")
        if before.managed_by_file:
            raise _managed(before)
        _check_unused(stored, before)
        await store.drop_label(session, before.id)
        return await _moved(session, family, (label, before, None), mover, now())


def _family(stored: Inventory, name: str) -> PromptFamily:
    family = stored.family(name)
    if family is None:
        raise NotFoundError(f"There is no prompt {name!r}.", field="name")
    return family


def _check_reason(mover: Mover) -> None:
    if mover.reason is not None:
        checked_text(mover.reason, field="reason", limit=MAX_REASON)
    if mover.override and not (mover.reason or "").strip():
        raise InvalidInputError("An override needs a reason: it is what people read later.", field="reason")


def _check_override(label: PromptLabel, mover: Mover) -> None:
    if not mover.override:
        raise _managed(label)


def _overridden(before: PromptLabel | None, version: int) -> bool:
    """Moved back to what the file says, a label is no longer overridden."""
    return before is not None and before.managed_by_file and before.file_version != version


def _managed(label: PromptLabel) -> ManagedByFileError:
    return ManagedByFileError(
        f"{LABELS_FILE} owns the label {label.label} of {label.name}: change its line there and sync, or,"
        " in an emergency, set it with an override and a reason.",
        path=LABELS_FILE,
        field="label",
    )


def _check_unused(stored: Inventory, label: PromptLabel) -> None:
    users = [
        assignment
        for assignment in stored.assignments
        if assignment.parsed.label == label.label
        and (family := stored.family(assignment.parsed.name)) is not None
        and family.id == label.family_id
    ]
    if users:
        agents = ", ".join(sorted({assignment.agent_name for assignment in users}))
        raise SyncConflictError(
            f"The label {label.label} of {label.name} is in use by {agents}; change those assignments first.",
            field="label",
        )


async def _moved(
    session: Session,
    family: PromptFamily,
    move: tuple[str, PromptLabel | None, int | None],
    mover: Mover,
    at: dt.datetime,
) -> LabelMove:
    """Write the move down, and bring what depends on it along."""
    label, before, to_prompt_id = move
    from_prompt_id = before.prompt_id if before else None
    move_id = await store.add_move(
        session,
        family_id=family.id,
        label=label,
        from_prompt_id=from_prompt_id,
        to_prompt_id=to_prompt_id,
        at=at,
        moved_by=mover.moved_by,
        reason=mover.reason,
        source=None,
    )
    await refresh(session)
    return LabelMove(
        id=move_id,
        family_id=family.id,
        name=family.name,
        label=label,
        from_prompt_id=from_prompt_id,
        to_prompt_id=to_prompt_id,
        moved_at=at,
        moved_by=mover.moved_by,
        reason=mover.reason,
    )
