"""What can be subscribed to: each resolver gives the feed that its events come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from promptgraph.domain.call import LlmCall
from promptgraph.domain.names import checked_label
from promptgraph.domain.prompt import Prompt
from promptgraph.domain.registry import LabelMove
from promptgraph.graph.call_inputs import LlmCallFilterInput, call_filter
from promptgraph.graph.field import words
from promptgraph.graph.inputs import several
from promptgraph.graph.live import RegistryFilter
from promptgraph.graph.loaders import Info

Names = Annotated[list[str] | None, words("Only of prompts that have, or had, one of these names.")]


async def llm_call_recorded(
    info: Info,
    filter: Annotated[
        LlmCallFilterInput | None,
        words("Which calls. `window.last` counts back from the moment of subscribing and has no end."),
    ] = None,
) -> AsyncIterator[LlmCall]:
    """Each call once it is recorded, in the order of recording."""
    wanted = call_filter(filter, info.context.at)
    if filter is not None and filter.window is not None and filter.window.last is not None:
        wanted = replace(wanted, window=replace(wanted.window, until=None))
    return await info.context.live.calls(wanted)


async def prompt_synced(info: Info, names: Names = None) -> AsyncIterator[Prompt]:
    """Each version that a sync has just added or changed; the latest one where that was the name as a whole:
    its description or tags, renamed, retired, back again.
    """
    return await info.context.live.syncs(RegistryFilter(_names(names)))


async def prompt_label_moved(
    info: Info, names: Names = None, label: Annotated[str | None, words("Only moves of this label.")] = None
) -> AsyncIterator[LabelMove]:
    """Each move of a label, by a sync or by hand."""
    wanted = RegistryFilter(_names(names), None if label is None else checked_label(label))
    return await info.context.live.moves(wanted)


def _names(given: list[str] | None) -> frozenset[str] | None:
    names = several(given, "names")
    return None if names is None else frozenset(names)
