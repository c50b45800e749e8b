"""plan(files, stored): what a sync would do. Pure: nothing is read, nothing is written."""

from __future__ import annotations

from promptgraph.domain.errors import SyncOutdatedError
from promptgraph.domain.registry import SyncAction, SyncStep
from promptgraph.sync.changes import Part, Plan, Planned
from promptgraph.sync.plan_agents import plan_agents
from promptgraph.sync.plan_labels import plan_labels
from promptgraph.sync.plan_prompts import plan_prompts
from promptgraph.sync.references import dangling
from promptgraph.sync.scope import Scope


def plan(scope: Scope, *, force: bool = False) -> Plan:
    """Every step from what is stored to what the files say, in the order to apply them.

    returns  a Plan; with problems or conflicts in it nothing of it may be applied
    raises   SyncOutdatedError  a later commit of this source was applied; `force` overrides
    """
    _check_sequence(scope, force=force)
    wrong = dangling(scope)
    prompts = plan_prompts(scope)
    labels = plan_labels(scope, {problem.place for problem in wrong})
    part = _refuse_emptiness(scope, prompts, force=force) + labels + plan_agents(scope, labels)
    return Plan(part.planned, (*scope.tree.problems, *wrong))


def _check_sequence(scope: Scope, *, force: bool) -> None:
    last = scope.stored.sequences.get(scope.origin.source)
    given = scope.origin.sequence
    if force or last is None or given is None or given >= last:
        return
    raise SyncOutdatedError(
        f"These files are commit number {given} of the source {scope.origin.source!r}; number {last} was"
        " applied already. Sync the newer commit, or use --force to go back on purpose.",
        field="sequence",
    )


def _refuse_emptiness(scope: Scope, part: Part, *, force: bool) -> Part:
    """An empty tree is far more often a wrong folder than the end of every prompt."""
    retiring = [p for p in part.planned if p.step.action is SyncAction.RETIRE]
    if force or not retiring or scope.tree.prompts:
        return part
    conflict = SyncStep(
        action=SyncAction.CONFLICT,
        kind="prompt",
        name="*",
        sentence=f"The files hold no prompt at all, so all {len(retiring)} would retire."
        " Check the folder; if it is meant, use --force.",
    )
    return part + Part((Planned(conflict),))
