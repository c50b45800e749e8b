"""The files beside the registry: what a sync would do, and what no file accounts for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from promptgraph.cli.checking import existing
from promptgraph.cli.labels import SAME, Row, label_rows
from promptgraph.cli.plans import QUIET
from promptgraph.cli.registry import reading
from promptgraph.cli.syncs import Wanted, synced
from promptgraph.config import Settings
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.registry import SyncAction, SyncRun, SyncStep
from promptgraph.domain.tree import FileProblem, Tree
from promptgraph.files.tree import read_tree
from promptgraph.store.registry import inventory
from promptgraph.store.runs import last_run
from promptgraph.sync.apply import Options


@dataclass(frozen=True, slots=True)
class Stale:
    """A label that has served an older version than the latest for a while."""

    name: str
    label: str
    version: int
    latest: int
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """`pending`: what a sync would change, or is refused. `orphans`: prompts that no file has, and which are
    not retired. `drifted`: labels that do not serve what the files say. `undeclared`: agents that only calls
    know.
    """

    run: SyncRun | None
    pending: Sequence[SyncStep]
    problems: Sequence[FileProblem]
    orphans: Sequence[str]
    drifted: Sequence[Row]
    undeclared: Sequence[str]
    stale: Sequence[Stale]

    @property
    def is_even(self) -> bool:
        """Whether the registry is what the files say."""
        errors = any(not problem.warning for problem in self.problems)
        return not (self.pending or self.orphans or self.drifted or errors)


async def standing(settings: Settings, source: str, stale_after: dt.timedelta, now: dt.datetime) -> Standing:
    """How the registry differs from the files of a source.

    raises  StoreUnavailableError  the registry cannot be asked
    """
    folder = existing(settings.prompts_dir)
    async with reading(settings) as session:
        stored, run = await inventory(session), await last_run(session, source)
    # against the database, whatever server the environment names: its plan alone is wanted
    asked = settings.model_copy(update={"server": None})
    outcome = (await synced(asked, Wanted(folder, source, Options(dry_run=True)))).outcome
    tree = read_tree(folder)
    return Standing(
        run=run,
        pending=[
            step for step in outcome.steps if step.action not in QUIET or step.action is SyncAction.CONFLICT
        ],
        problems=outcome.problems,
        orphans=_orphans(tree, stored, source),
        drifted=[row for row in label_rows(tree, stored) if row.file is not None and row.state != SAME],
        undeclared=sorted(agent.name for agent in stored.agents.values() if not agent.declared),
        stale=_stale(stored, now - stale_after),
    )


def _orphans(tree: Tree, stored: Inventory, source: str) -> list[str]:
    """Prompts of this source without a file, by name."""
    newest = tree.newest()
    held = newest.keys() | {old for spec in newest.values() for old in spec.formerly}
    return sorted(
        family.name
        for family in stored.families.values()
        if family.retired_at is None
        and family.source == source
        and held.isdisjoint({family.name, *family.former_names})
    )


def _stale(stored: Inventory, before: dt.datetime) -> list[Stale]:
    found = [
        Stale(
            label.name, label.label, label.version, stored.families[label.name].latest_version, label.moved_at
        )
        for label in stored.labels.values()
        if label.name in stored.families and label.moved_at < before
    ]
    return sorted((one for one in found if one.version < one.latest), key=lambda one: (one.name, one.label))
