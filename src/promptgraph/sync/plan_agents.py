"""Which agents and assignments change, and whether every selector still finds its prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from promptgraph.domain.names import Selector
from promptgraph.domain.registry import Agent, Assignment, PromptLabel, SyncAction, SyncStep
from promptgraph.domain.tree import AgentSpec, AssignmentSpec, FileProblem
from promptgraph.sync.changes import DropLabel, ForgetAgent, Part, Planned, PutAgent
from promptgraph.sync.scope import Scope, did_you_mean


def plan_agents(scope: Scope, labels: Part) -> Part:
    """The agents' part of a plan; `labels` is the part already planned, for what it drops."""
    planned = [_agent(scope, spec) for spec in scope.tree.agents]
    planned += [_forget(agent) for agent in _gone(scope)]
    planned += _dangling(scope, labels)
    problems = [
        problem
        for spec in scope.tree.agents
        for assignment in spec.assignments
        if (problem := _problem(scope, spec, assignment))
    ]
    return Part(tuple(planned), tuple(problems))


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
    before = [_key(a) for a in _managed(scope, stored)]
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
    return f"the role{'s' if len(roles) != 1 else ''} {', '.join(roles)}" if roles else "no roles"


def _managed(scope: Scope, agent: Agent) -> list[Assignment]:
    mine = [a for a in scope.stored.assignments if a.agent_id == agent.id and a.managed_by_file]
    return sorted(mine, key=lambda a: a.position)


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


def _problem(scope: Scope, agent: AgentSpec, assignment: AssignmentSpec) -> FileProblem | None:
    found = _missing(scope, assignment.selector)
    if found is None:
        return None
    message, hint = found
    return FileProblem(assignment.place, f"Agent {agent.name}, role {assignment.role}: {message}", hint)


def _missing(scope: Scope, selector: Selector) -> tuple[str, str | None] | None:
    """Why a selector finds nothing once the sync is done, and a hint; None when it finds its prompt."""
    name = scope.present_name(selector.name)
    if name in scope.newest:
        return _missing_version(scope, replace(selector, name=name))
    stored = scope.stored.family(name)
    if stored is None:
        return f"there is no prompt {name}.", did_you_mean(name, scope.newest)
    if stored.retired_at is not None or stored.source == scope.origin.source:
        return f"{name} is retired: its file is gone.", "Name another prompt, or bring the file back."
    return _missing_elsewhere(scope, selector, stored.name)


def _missing_version(scope: Scope, selector: Selector) -> tuple[str, str | None] | None:
    name = selector.name
    if selector.version is not None and not scope.holds(name, selector.version):
        hint = f"Name a version that exists, or keep it as {name}@{selector.version}.prompt.yaml."
        return (
            f"version {selector.version} of {name} is in neither the files nor the registry.",
            hint,
        )
    if selector.label is not None and not _has_label(scope, name, selector.label):
        known = sorted({spec.label for spec in scope.tree.labels if spec.name == name})
        hint = did_you_mean(selector.label, known) or f"Add it in labels.yaml under {selector.label}."
        return f"{name} has no label {selector.label!r}.", hint
    return None


def _has_label(scope: Scope, name: str, label: str) -> bool:
    if any(spec.name == name and spec.label == label for spec in scope.tree.labels):
        return True
    family = scope.families.get(name)
    stored = scope.stored.labels.get((family.name, label)) if family else None
    return stored is not None and not stored.managed_by_file


def _missing_elsewhere(scope: Scope, selector: Selector, name: str) -> tuple[str, str | None] | None:
    """The same for a prompt that another source owns: what is stored counts."""
    if selector.version is not None and (name, selector.version) not in scope.stored.versions:
        return f"version {selector.version} of {name} is not in the registry.", None
    if selector.label is not None and (name, selector.label) not in scope.stored.labels:
        return f"{name} has no label {selector.label!r}.", None
    return None
