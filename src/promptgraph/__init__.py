"""promptgraph: a GraphQL API over a file-and-DB prompt registry. Here is what an agent needs; each name is
imported when it is asked for, so that `import promptgraph` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptgraph.client.async_client import AsyncClient
    from promptgraph.client.calls import CallFacts, Recorded
    from promptgraph.client.client import Client
    from promptgraph.client.courier import Flushed
    from promptgraph.client.prompts import Prompt, Rendered
    from promptgraph.client.responses import llm_call_from
    from promptgraph.client.service import (
        AsyncBaseAgent,
        AsyncPromptService,
        AsyncUsesPrompts,
        BaseAgent,
        PromptService,
        UsesPrompts,
    )

__version__ = "0.1.0"
__all__ = [
    "AsyncBaseAgent",
    "AsyncClient",
    "AsyncPromptService",
    "AsyncUsesPrompts",
    "BaseAgent",
    "CallFacts",
    "Client",
    "Flushed",
    "Prompt",
    "PromptService",
    "Recorded",
    "Rendered",
    "UsesPrompts",
    "llm_call_from",
]

_ROOM = "promptgraph.client"
_PLACES = {
    "AsyncClient": "async_client",
    "CallFacts": "calls",
    "Client": "client",
    "Flushed": "courier",
    "Prompt": "prompts",
    "Recorded": "calls",
    "Rendered": "prompts",
    "llm_call_from": "responses",
}


if not TYPE_CHECKING:  # a checker shall know which names there are

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(f"{_ROOM}.{_PLACES.get(name, 'service')}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
