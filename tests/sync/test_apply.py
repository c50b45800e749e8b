"""A sync against a real database: all or nothing, twice at once, killed at any moment."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from promptgraph.domain.content import IN_FULL
from promptgraph.domain.errors import PromptFilesError, SyncConflictError, SyncOutdatedError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.registry import SyncOrigin
from promptgraph.store import registry as store
from promptgraph.store.database import Database
from promptgraph.store.prompts import PromptRef, prompts_by_ref
from promptgraph.sync.apply import Options, Outcome, sync_tree
from tests.factories import prompt_yaml
from tests.sync.faults import PlannedFailureError, failing_at
from tests.sync.trees import NOON, tree

Files = Mapping[str, str]
TRIAGE = {"support/triage.prompt.yaml": prompt_yaml(3, "Pick a queue for {{ ticket }}")}
KEPT = {"support/triage@2.prompt.yaml": prompt_yaml(2, "Route {{ ticket }}")}
LABELS = {"labels.yaml": "production: {support/triage: 2}\nstaging: {support/triage: 3}\n"}
AGENT = {"agents/bot.agent.yaml": "prompts:\n  triage: support/triage@production\n  new: support/triage\n"}
FULL = TRIAGE | KEPT | LABELS | AGENT
EDITED = {"support/triage.prompt.yaml": prompt_yaml(3, "Edited {{ ticket }}")}
BUMPED = {"support/triage.prompt.yaml": prompt_yaml(4, "Edited {{ ticket }}")}


async def sync(db: Database, files: Files, at: dt.datetime = NOON, **how: Any) -> Outcome:
    origin = how.pop("origin", SyncOrigin())
    return await sync_tree(db, tree(files), origin, Options(**how), now=lambda: at)


async def held(db: Database) -> Inventory:
    async with db.read() as session:
        return await store.inventory(session)


def without_revision(stored: Inventory) -> Inventory:
    return dataclasses.replace(stored, revision=0)


async def test_first_sync_stores_what_the_files_say(db: Database) -> None:
    """Versions, labels, agents and what their selectors resolve to."""
    outcome = await sync(db, FULL)
    assert outcome.error is None
    assert outcome.run is not None
    assert (outcome.run.added, outcome.run.moved, outcome.run.unchanged) == (3, 2, 0)
    stored = await held(db)
    assert sorted(stored.versions) == [("support/triage", 2), ("support/triage", 3)]
    two, three = (stored.versions["support/triage", n].id for n in (2, 3))
    assert stored.labels["support/triage", "production"].prompt_id == two
    assert {a.role: a.prompt_id for a in stored.assignments} == {"triage": two, "new": three}
    assert stored.families["support/triage"].latest_version == 3


async def test_content_comes_back_as_it_was(db: Database) -> None:
    """The row's content has the hash that the file had."""
    await sync(db, FULL)
    async with db.read() as session:
        (prompt,) = await prompts_by_ref(session, [PromptRef("support/triage", 3, None)])
    spec = tree(FULL).newest()["support/triage"]
    assert prompt is not None
    assert prompt.content_hash == spec.digest
    assert prompt.digest() == spec.digest
    assert prompt.source == spec.source


@pytest.mark.parametrize("before", [{}, FULL], ids=["a new prompt", "a stored one"])
async def test_what_a_file_lets_be_stored_comes_with_it(db: Database, before: Files) -> None:
    """And goes with it: what a file does not say is in full."""
    await sync(db, before)
    text = prompt_yaml(3, "Pick a queue for {{ ticket }}", record={"variables": "hashed", "output": "none"})
    await sync(db, FULL | {"support/triage.prompt.yaml": text})
    family = (await held(db)).families["support/triage"]
    assert {"variables": "hashed", "output": "none"} == family.record.words()
    await sync(db, FULL)
    assert IN_FULL is (await held(db)).families["support/triage"].record


async def test_second_sync_changes_nothing_but_is_written_down(db: Database) -> None:
    """Same rows, same revision, one more run."""
    first = await sync(db, FULL)
    before = await held(db)
    again = await sync(db, FULL)
    assert await held(db) == before
    assert again.run is not None
    assert first.run is not None
    assert again.run.id > first.run.id
    assert again.run.steps == ()


async def test_new_version_moves_the_latest_and_those_who_follow_it(db: Database) -> None:
    """A bare name follows; a label stays where it is."""
    await sync(db, FULL)
    outcome = await sync(db, FULL | BUMPED)
    assert outcome.error is None
    stored = await held(db)
    four = stored.versions["support/triage", 4].id
    two = stored.versions["support/triage", 2].id
    assert stored.families["support/triage"].latest_version == 4
    assert {a.role: a.prompt_id for a in stored.assignments} == {"triage": two, "new": four}
    (step,) = [s for s in outcome.steps if s.action == "ADD"]
    assert "message" in step.sentence


async def test_promotion_moves_assignments_in_the_same_transaction(db: Database) -> None:
    """After the sync no reader sees a label at 3 with its assignment at 2."""
    await sync(db, FULL)
    await sync(db, FULL | {"labels.yaml": "production: {support/triage: 3}\nstaging: {support/triage: 3}\n"})
    stored = await held(db)
    assert {a.prompt_id for a in stored.assignments} == {stored.versions["support/triage", 3].id}
    assert stored.stale_resolutions == {}


@pytest.mark.parametrize(
    ("files", "error"),
    [
        (FULL | EDITED, SyncConflictError),
        (FULL | BUMPED | {"broken.prompt.yaml": "version: [\n"}, PromptFilesError),
        (FULL | BUMPED | {"labels.yaml": "production: {support/triage: 9}\n"}, PromptFilesError),
    ],
    ids=["conflict", "broken file", "label that names nothing"],
)
async def test_refused_sync_changes_nothing(db: Database, files: Files, error: type[Exception]) -> None:
    """One bad file, and not even the good ones are written; the revision stays."""
    await sync(db, FULL)
    before = await held(db)
    outcome = await sync(db, files)
    assert isinstance(outcome.error, error)
    assert outcome.run is None
    assert await held(db) == before


async def test_dry_run_writes_nothing(db: Database) -> None:
    """The plan is told, the database is not touched."""
    before = await held(db)
    outcome = await sync(db, FULL, dry_run=True)
    assert outcome.run is None
    assert len(outcome.steps) == 5
    assert await held(db) == before


async def test_late_deploy_is_refused(db: Database) -> None:
    """The sequence of the last sync counts, also when that sync changed nothing."""
    await sync(db, FULL, origin=SyncOrigin(sequence=7))
    late = await sync(db, FULL | BUMPED, origin=SyncOrigin(sequence=6))
    assert isinstance(late.error, SyncOutdatedError)
    forced = await sync(db, FULL | BUMPED, origin=SyncOrigin(sequence=6), force=True)
    assert forced.run is not None
    assert forced.run.forced


async def test_retired_prompt_keeps_its_rows_and_comes_back(db: Database) -> None:
    """A removed file retires; the file's return restores; ids stay."""
    other = {"other.prompt.yaml": prompt_yaml(1, "{{ x }}")}
    await sync(db, FULL | other)
    before = await held(db)
    await sync(db, FULL)
    gone = await held(db)
    assert gone.families["other"].retired_at == NOON
    assert gone.versions == before.versions
    await sync(db, FULL | other)
    assert without_revision(await held(db)) == without_revision(before)


async def test_renamed_prompt_keeps_its_ids(db: Database) -> None:
    """Calls, labels and pinned agents follow the rows, for they are the same rows."""
    await sync(db, FULL)
    before = await held(db)
    moved = {
        "support/routing.prompt.yaml": TRIAGE["support/triage.prompt.yaml"] + "formerly: [support/triage]\n",
        "support/routing@2.prompt.yaml": KEPT["support/triage@2.prompt.yaml"],
        "labels.yaml": "production: {support/routing: 2}\nstaging: {support/routing: 3}\n",
    } | AGENT
    outcome = await sync(db, moved)
    assert outcome.error is None
    after = await held(db)
    assert {v.id for v in after.versions.values()} == {v.id for v in before.versions.values()}
    assert after.families["support/routing"].former_names == ("support/triage",)
    assert [a.prompt_id for a in after.assignments] == [a.prompt_id for a in before.assignments]
    async with db.read() as session:
        (found,) = await prompts_by_ref(session, [PromptRef("support/triage", None, "production")])
    assert found is not None
    assert (found.name, found.version) == ("support/routing", 2)


async def test_draft_is_replaced_in_place_then_made_firm(db: Database) -> None:
    """One row from first save to publication."""
    await sync(db, TRIAGE, draft=True)
    first = (await held(db)).versions["support/triage", 3]
    assert first.draft
    await sync(db, EDITED, draft=True)
    second = (await held(db)).versions["support/triage", 3]
    assert (second.id, second.draft) == (first.id, True)
    assert second.content_hash != first.content_hash
    await sync(db, EDITED)
    assert (await held(db)).versions["support/triage", 3] == dataclasses.replace(second, draft=False)


async def test_two_syncs_at_once_are_one_after_the_other(db: Database) -> None:
    """Ten at the same moment: one adds, the others find it unchanged; nothing doubles, nothing fails."""
    outcomes = await asyncio.gather(*(sync(db, FULL) for _ in range(10)))
    assert [o.error for o in outcomes] == [None] * 10
    assert sorted(o.run.added for o in outcomes if o.run) == [0] * 9 + [3]
    assert len((await held(db)).versions) == 2


async def test_two_different_syncs_at_once_cannot_both_take_a_version(db: Database) -> None:
    """Same version, other content: one wins, the other is told so."""
    outcomes = await asyncio.gather(sync(db, TRIAGE), sync(db, EDITED))
    assert sorted(type(o.error).__name__ for o in outcomes) == ["NoneType", "SyncConflictError"]


@pytest.mark.faults
async def test_failure_at_any_statement_leaves_the_old_set_or_the_new(db: Database) -> None:
    """Fail at the first statement of a sync, then the second, and so on to the end: never a mixture."""
    await sync(db, FULL)
    before = without_revision(await held(db))
    files = (
        FULL
        | BUMPED
        | {"new.prompt.yaml": prompt_yaml(1, "{{ x }}")}
        | {"labels.yaml": "production: {support/triage: 4}\n"}
    )
    failures = 0
    for number in range(1, 200):
        with failing_at(db, number) as reached:
            try:
                outcome = await sync(db, files)
            except PlannedFailureError:
                failures += 1
                assert without_revision(await held(db)) == before
                continue
        assert not reached()
        assert outcome.run is not None
        break
    assert failures > 10
    after = await held(db)
    assert ("new", 1) in after.versions
    assert after.labels["support/triage", "production"].version == 4
