"""Which agents and assignments change, and whether every selector still finds its prompt."""

from __future__ import annotations

from collections.abc import Iterator

from promptgraph.domain.names import Selector
from promptgraph.domain.registry import Agent, Assignment, PromptLabel, SyncAction, SyncStep
from promptgraph.domain.tree import AgentSpec
from promptgraph.sync.changes import DropLabel, ForgetAgent, Part, Planned, PutAgent
from promptgraph.sync.scope import Scope

MAX_SHOWN = 6


def plan_agents(scope: Scope, labels: Part) -> Part:
    """The agents' part of a plan; `labels` is the part already planned, for what it drops."""
    planned = [_agent(scope, spec) for spec in scope.tree.agents]
    planned += [_forget(agent) for agent in _gone(scope)]
    planned += _dangling(scope, labels)
    return Part(tuple(planned))


def _agent(scope: Scope, spec: AgentSpec) -> Planned:
    stored = scope.stored.agents.get(spec.name)
    if stored is None:
        return _put(SyncAction.ADD, spec, None, f"New agent with {_roles(spec)}.")
    if stored.source not in (None, scope.origin.source):
        sentence = (
            f"Agent {spec.name} belongs to the source {stored.source!r}; this sync is"
            f" {scope.origin.source!r}. Choose another name."
        )
        return Planned(_step(SyncAction.CONFLICT, spec.name, sentence, spec.place.path))
    before = [_key(a) for a in scope.managed.get(stored.id, ())]
    after = [(a.role, str(a.selector), a.when, a.metadata) for a in spec.assignments]
    if before != after:
        return _put(SyncAction.UPDATE, spec, stored, f"Its file now gives {_roles(spec)}.")
    if not stored.declared or stored.description != spec.description:
        return _put(SyncAction.UPDATE, spec, stored, "Its description changed.")
    return Planned(_step(SyncAction.UNCHANGED, spec.name, "Unchanged.", spec.place.path))


def _put(action: SyncAction, spec: AgentSpec, stored: Agent | None, sentence: str) -> Planned:
    return Planned(_step(action, spec.name, sentence, spec.place.path), PutAgent(spec, stored))


def _step(action: SyncAction, name: str, sentence: str, path: str | None = None) -> SyncStep:
    return SyncStep(action=action, kind="agent", name=name, sentence=sentence, path=path)


def _roles(spec: AgentSpec) -> str:
    roles = list(dict.fromkeys(f"`{assignment.role}`" for assignment in spec.assignments))
    shown, more = roles[:MAX_SHOWN], len(roles) - MAX_SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return f"the role{'s' if len(roles) != 1 else ''} {', '.join(shown)}{rest}" if roles else "no roles"


def _key(assignment: Assignment) -> tuple[object, ...]:
    return (assignment.role, assignment.selector, assignment.when, assignment.metadata)


def _gone(scope: Scope) -> list[Agent]:
    named = {spec.name for spec in scope.tree.agents}
    return [
        agent
        for name, agent in sorted(scope.stored.agents.items())
        if agent.declared and agent.source == scope.origin.source and name not in named
    ]


def _forget(agent: Agent) -> Planned:
    sentence = "Its file is gone: its assignments go, the agent and its calls stay."
    return Planned(_step(SyncAction.RETIRE, agent.name, sentence), ForgetAgent(agent))


def _dangling(scope: Scope, labels: Part) -> Iterator[Planned]:
    """Conflicts for the labels this sync would remove under an assignment that stays."""
    leaving = {agent.name for agent in _gone(scope)} | {spec.name for spec in scope.tree.agents}
    for dropped in (p.change.stored for p in labels.planned if isinstance(p.change, DropLabel)):
        users = [
            assignment
            for assignment in scope.stored.assignments
            if not (assignment.managed_by_file and assignment.agent_name in leaving)
            and _points_at(scope, assignment.parsed, dropped)
        ]
        if users:
            names = ", ".join(sorted({assignment.agent_name for assignment in users}))
            yield Planned(
                SyncStep(
                    action=SyncAction.CONFLICT,
                    kind="label",
                    name=dropped.name,
                    version=dropped.version,
                    sentence=f"Label {dropped.label} cannot go: it is in use by {names}."
                    " Keep its line, or change those assignments first.",
                )
            )


def _points_at(scope: Scope, selector: Selector, label: PromptLabel) -> bool:
    family = scope.stored.family(selector.name)
    return family is not None and (family.id, selector.label) == (label.family_id, label.label)
