"""A sync from plan to commit: one transaction under the registry's lock, all or nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from promptgraph.domain.errors import (
    PromptFilesError,
    PromptgraphError,
    SyncConflictError,
    SyncOutdatedError,
)
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.registry import SyncAction, SyncOrigin, SyncRun, SyncStep
from promptgraph.domain.tree import FileProblem, Tree
from promptgraph.store import registry as store
from promptgraph.store.database import Database, Session
from promptgraph.sync.changes import Plan
from promptgraph.sync.plan import plan
from promptgraph.sync.scope import Scope
from promptgraph.sync.writers import Written, write_changes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sync planned and did. Without `run` nothing was written: a dry run, or `error` says why."""

    steps: tuple[SyncStep, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    run: SyncRun | None = None
    error: PromptgraphError | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How to sync. `draft`: versions that are new may be replaced until a plain sync makes them firm.
    `force`: an older commit and an empty tree are meant.
    """

    draft: bool = False
    force: bool = False
    dry_run: bool = False


async def sync_tree(
    db: Database,
    tree: Tree,
    origin: SyncOrigin,
    options: Options = Options(),
    *,
    now: Callable[[], dt.datetime],
) -> Outcome:
    """Bring the registry to what `tree` says.

    returns  the outcome; what the files or the registry refuse is in its problems, steps and error
    raises   StoreUnavailableError  the database is out of reach; nothing was written
    """
    if options.dry_run:
        async with db.read() as session:
            return _judged(await _planned(session, tree, origin, options))
    started = now()
    async with db.write() as session:
        await store.lock_registry(session)
        found = await _planned(session, tree, origin, options)
        outcome = _judged(found)
        if outcome.error is not None or not isinstance(found, _Found):
            return outcome
        by = Written(origin, started)
        await write_changes(session, found.plan.changes, found.stored, by)
        run = await _finish(session, found.plan, by, options, now())
        return replace(outcome, run=run)


def first_outcome(tree: Tree, origin: SyncOrigin, options: Options) -> Outcome:
    """What a sync of a registry that holds nothing yet would come to; nothing is asked, nothing written."""
    stored = Inventory()
    found = plan(Scope(tree, stored, origin, options.draft), force=options.force)
    return _judged(_Found(found, stored))


@dataclass(frozen=True, slots=True)
class _Found:
    plan: Plan
    stored: Inventory


async def _planned(
    session: Session, tree: Tree, origin: SyncOrigin, options: Options
) -> _Found | SyncOutdatedError:
    stored = await store.inventory(session)
    scope = Scope(tree, stored, origin, options.draft)
    scope = replace(scope, contents=await _contents(session, scope))
    try:
        return _Found(await asyncio.to_thread(plan, scope, force=options.force), stored)
    except SyncOutdatedError as error:
        return error


async def _contents(session: Session, scope: Scope) -> Mapping[str, PromptContent]:
    """The stored latest contents of what gets a new version, so that the plan can say the impact."""
    names = [
        family.name
        for name, family in scope.families.items()
        if scope.version(name, scope.newest[name].version) is None
    ]
    return await store.latest_contents(session, names) if names else {}


def _judged(found: _Found | SyncOutdatedError) -> Outcome:
    if isinstance(found, SyncOutdatedError):
        return Outcome(error=found)
    steps, problems = found.plan.steps, found.plan.problems
    errors = [problem for problem in problems if not problem.warning]
    conflicts = found.plan.conflicts
    error: PromptgraphError | None = None
    if errors:
        error = PromptFilesError(
            f"{_count(len(errors), 'problem')} in the prompt files; nothing was changed."
        )
    elif conflicts:
        first, *others = conflicts
        more = f" Of {_count(len(conflicts), 'conflict')} the first:" if others else ""
        error = SyncConflictError(f"Nothing was changed.{more} {first.name}: {first.sentence}")
    return Outcome(steps, problems, None, error)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


async def _finish(
    session: Session, found: Plan, by: Written, options: Options, finished: dt.datetime
) -> SyncRun | None:
    """Bring assignments and the revision along, and write the run down."""
    changed = [planned.step for planned in found.planned if planned.change is not None]
    if changed:
        await refresh(session)
    counts = Counter(step.action for step in found.steps)
    return await store.add_run(
        session,
        origin=by.origin,
        forced=options.force,
        started_at=by.at,
        finished_at=finished,
        added=counts[SyncAction.ADD],
        moved=counts[SyncAction.MOVE_LABEL],
        retired=counts[SyncAction.RETIRE],
        unchanged=counts[SyncAction.UNCHANGED],
        steps=changed,
    )


async def refresh(session: Session) -> None:
    """After any change, in its transaction: what assignments resolve to now, and a new revision."""
    stored = await store.inventory(session)
    await store.resolve_assignments(session, stored.stale_resolutions)
    await store.advance_revision(session)
