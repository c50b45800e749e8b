"""Labels moved by hand."""

from __future__ import annotations

import pytest

from promptgraph.domain.errors import (
    InvalidInputError,
    ManagedByFileError,
    NotFoundError,
    SyncConflictError,
)
from promptgraph.store.database import Database
from promptgraph.sync.assignments import NewAssignment, assign, unassign
from promptgraph.sync.moves import Mover, remove_label, set_label
from tests.sync.test_apply import FULL, held, sync
from tests.sync.trees import NOON

NAME = "support/triage"
BY = Mover(moved_by="ann")


async def test_free_label_is_set_moved_and_removed_with_its_history(db: Database) -> None:
    """Each move is written down; the same place again is no move."""
    await sync(db, FULL)
    first = await set_label(db, NAME, "canary", 2, BY, now=lambda: NOON)
    second = await set_label(db, NAME, "canary", 3, BY, now=lambda: NOON)
    again = await set_label(db, NAME, "canary", 3, BY, now=lambda: NOON)
    third = await remove_label(db, NAME, "canary", BY, now=lambda: NOON)
    stored = await held(db)
    two, three = (stored.versions[NAME, n].id for n in (2, 3))
    assert first is not None
    assert second is not None
    assert again is None
    moves = [(m.from_prompt_id, m.to_prompt_id) for m in (first, second, third)]
    assert moves == [(None, two), (two, three), (three, None)]
    assert (NAME, "canary") not in stored.labels


async def test_label_of_the_file_is_refused_with_the_file(db: Database) -> None:
    """Git owns it: the error names labels.yaml."""
    await sync(db, FULL)
    with pytest.raises(ManagedByFileError, match="labels.yaml") as refused:
        await set_label(db, NAME, "production", 3, BY, now=lambda: NOON)
    assert refused.value.path == "labels.yaml"
    with pytest.raises(ManagedByFileError):
        await remove_label(db, NAME, "production", BY, now=lambda: NOON)


async def test_override_moves_it_and_whoever_follows(db: Database) -> None:
    """Break-glass: the label, its mark and the assignments, until the file's entry changes."""
    await sync(db, FULL)
    glass = Mover(moved_by="ann", reason="incident 12", override=True)
    move = await set_label(db, NAME, "production", 3, glass, now=lambda: NOON)
    assert move is not None
    assert move.reason == "incident 12"
    stored = await held(db)
    label = stored.labels[NAME, "production"]
    assert (label.version, label.overridden, label.file_version) == (3, True, 2)
    assert stored.stale_resolutions == {}
    await sync(db, FULL)
    assert (await held(db)).labels[NAME, "production"].version == 3
    back = await set_label(db, NAME, "production", 2, glass, now=lambda: NOON)
    assert back is not None
    assert not (await held(db)).labels[NAME, "production"].overridden


async def test_override_needs_a_reason(db: Database) -> None:
    """It is what people read after the incident."""
    await sync(db, FULL)
    with pytest.raises(InvalidInputError, match="reason"):
        await set_label(db, NAME, "production", 3, Mover(override=True), now=lambda: NOON)


@pytest.mark.parametrize(
    ("name", "label", "version", "error"),
    [
        ("support/nothing", "canary", 2, NotFoundError),
        (NAME, "canary", 9, NotFoundError),
        (NAME, "latest", 2, InvalidInputError),
        (NAME, "Not A Label", 2, InvalidInputError),
    ],
)
async def test_wrong_move_is_refused(
    db: Database, name: str, label: str, version: int, error: type[Exception]
) -> None:
    """And leaves everything as it was."""
    await sync(db, FULL)
    before = await held(db)
    with pytest.raises(error):
        await set_label(db, name, label, version, BY, now=lambda: NOON)
    assert await held(db) == before


async def test_label_in_use_cannot_be_removed(db: Database) -> None:
    """The error names the agents; once they are gone it can."""
    await sync(db, FULL)
    await set_label(db, NAME, "canary", 2, BY, now=lambda: NOON)
    selector = f"{NAME}@canary"
    await assign(db, NewAssignment("web-widget", "route", selector), now=lambda: NOON)
    with pytest.raises(SyncConflictError, match="web-widget"):
        await remove_label(db, NAME, "canary", BY, now=lambda: NOON)
    await unassign(db, "web-widget", "route", selector)
    await remove_label(db, NAME, "canary", BY, now=lambda: NOON)


async def test_unknown_label_cannot_be_removed(db: Database) -> None:
    """There is nothing to remove."""
    await sync(db, FULL)
    with pytest.raises(NotFoundError, match="canary"):
        await remove_label(db, NAME, "canary", BY, now=lambda: NOON)
