"""Which links read nothing but the registry: prompts, families, labels, agents and assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from promptgraph.graph import connections, lists, resolvers
from promptgraph.store.snapshot import Snapshot

READY: frozenset[Callable[..., Any]] = frozenset(
    {
        resolvers.prompt,
        resolvers.prompt_family,
        resolvers.agent,
        resolvers.agent_prompt,
        lists.prompts,
        lists.families,
        lists.agents,
        lists.prompt_agents,
        lists.family_agents,
        lists.family_versions,
        lists.agent_prompts,
    }
)
"""The resolvers that the registry in memory answers without waiting."""
OF_REGISTRY = READY | {resolvers.prompt_diff, resolvers.prompt_render}
"""The resolvers whose answer is a function of the registry and their arguments."""
OF_PARENT: frozenset[Callable[..., Any]] = frozenset({connections.total_count})
"""The resolvers that read what the list reads whose parent they have."""


def is_loaded(loader: str) -> bool:
    """Whether the registry in memory answers what this loader is asked."""
    return callable(getattr(Snapshot, loader, None))
