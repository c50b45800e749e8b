"""Trees and inventories made from texts, as a sync meets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from promptgraph.domain.inventory import Inventory, StoredVersion
from promptgraph.domain.prompt import PromptFamily
from promptgraph.domain.registry import Agent, Assignment, PromptLabel
from promptgraph.domain.tree import Tree
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def tree(files: Mapping[str, str]) -> Tree:
    """The tree that these texts make."""
    return parse_tree([SourceFile(path, text.encode()) for path, text in files.items()])


def stored_as(
    tree: Tree, *, source: str = "default", drafts: frozenset[tuple[str, int]] = frozenset()
) -> Inventory:
    """The registry that a first sync of `tree` leaves; versions in `drafts` as drafts."""
    newest = tree.newest()
    families = {
        name: PromptFamily(
            id=number,
            name=name,
            former_names=spec.formerly,
            description=spec.description,
            tags=spec.tags,
            metadata=spec.metadata,
            record=spec.record,
            source=source,
            latest_version=spec.version,
            created_at=NOON,
        )
        for number, (name, spec) in enumerate(newest.items(), 1)
    }
    versions = {
        (spec.name, spec.version): StoredVersion(
            number, families[spec.name].id, spec.version, (spec.name, spec.version) in drafts, spec.digest
        )
        for number, spec in enumerate(tree.prompts, 101)
    }
    labels = {
        (spec.name, spec.label): PromptLabel(
            id=number,
            family_id=families[spec.name].id,
            name=spec.name,
            label=spec.label,
            prompt_id=versions[spec.name, spec.version].id,
            version=spec.version,
            managed_by_file=True,
            file_version=spec.version,
            moved_at=NOON,
        )
        for number, spec in enumerate(tree.labels, 201)
    }
    agents = {
        spec.name: Agent(
            id=number,
            name=spec.name,
            description=spec.description,
            declared=True,
            source=source,
            created_at=NOON,
        )
        for number, spec in enumerate(tree.agents, 301)
    }
    assignments = [
        Assignment(
            id=400 + agents[spec.name].id * 10 + position,
            agent_id=agents[spec.name].id,
            agent_name=spec.name,
            role=one.role,
            position=position,
            selector=str(one.selector),
            prompt_id=None,
            when=one.when,
            metadata=one.metadata,
            managed_by_file=True,
        )
        for spec in tree.agents
        for position, one in enumerate(spec.assignments)
    ]
    return Inventory(
        families=families,
        versions=versions,
        labels=labels,
        agents=agents,
        assignments=tuple(assignments),
        revision=1,
    )
