"""The links that are read for all parents at once: a row for each, by its resolver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from promptgraph.domain.metrics_key import OwnerKind
from promptgraph.graph import lists, metric_resolvers
from promptgraph.graph.fast.batches import Planner
from promptgraph.graph.fast.hot_calls import calls_of
from promptgraph.graph.fast.hot_metrics import figures_of, series
from promptgraph.store.call_owners import OF_AGENT, OF_FAMILY, OF_PROMPT

BATCHES: Mapping[Callable[..., Any], Planner] = {
    lists.prompt_calls: calls_of(OF_PROMPT, "call_count_of_prompt"),
    lists.family_calls: calls_of(OF_FAMILY, "call_count_of_family"),
    lists.agent_calls: calls_of(OF_AGENT, "call_count_of_agent"),
    metric_resolvers.metrics: figures_of(OwnerKind.ALL),
    metric_resolvers.prompt_metrics: figures_of(OwnerKind.PROMPT),
    metric_resolvers.agent_metrics: figures_of(OwnerKind.AGENT),
    metric_resolvers.metrics_series: series,
}
