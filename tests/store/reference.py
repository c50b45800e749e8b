"""Metrics by plain Python over the calls themselves: no SQL, no cells, no histograms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from promptgraph.domain.call import CallStatus, LlmCall
from promptgraph.domain.metrics_key import MetricsFilter, MetricsKey, OwnerKind
from promptgraph.domain.window import Window

QUANTILES = ("0", "0.01", "0.5", "0.9", "0.95", "0.99", "1")


@dataclass
class World:
    """Everything that was recorded. Prompts are (name, version, family's id) by id, agents names by id."""

    prompts: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    agents: dict[int, str] = field(default_factory=dict)
    calls: list[LlmCall] = field(default_factory=list)
    scores: dict[tuple[UUID, str], float] = field(default_factory=dict)


def chosen(world: World, key: MetricsKey, window: Window | None = None) -> list[LlmCall]:
    """The calls that count."""
    return [
        call
        for call in world.calls
        if _within(call.started_at, window or key.window)
        and _owned(world, call, key)
        and _wanted(world, call, key.wanted)
    ]


def _within(at: dt.datetime, window: Window) -> bool:
    return not (window.since and at < window.since) and not (window.until and at >= window.until)


def _owned(world: World, call: LlmCall, key: MetricsKey) -> bool:
    family = world.prompts[call.prompt_id][2] if call.prompt_id else None
    of = {OwnerKind.PROMPT: call.prompt_id, OwnerKind.FAMILY: family, OwnerKind.AGENT: call.agent_id}
    return key.kind is OwnerKind.ALL or of[key.kind] == key.owner_id


def _wanted(world: World, call: LlmCall, wanted: MetricsFilter) -> bool:
    name, version, _ = world.prompts[call.prompt_id] if call.prompt_id else (None, None, None)
    values = {
        "prompts": name,
        "versions": version,
        "agents": world.agents.get(call.agent_id or 0),
        "models": call.model,
        "providers": call.provider,
        "environments": call.environment,
    }
    return all(
        getattr(wanted, each) is None or value in getattr(wanted, each) for each, value in values.items()
    )


@dataclass(frozen=True)
class Expected:
    """What some calls come to."""

    numbers: Mapping[str, Any]
    scores: Mapping[str, tuple[int, Fraction]]
    samples: Mapping[str, Sequence[int]]


def expected(world: World, calls: Sequence[LlmCall]) -> Expected:
    """By name of the metric, in the API's units; scores by name; durations in order."""
    fine = [call for call in calls if call.status == CallStatus.OK]
    latencies = sorted(call.latency_us for call in fine if call.latency_us is not None)
    firsts = sorted(call.time_to_first_token_us for call in fine if call.time_to_first_token_us is not None)
    starts = [call.started_at for call in calls]
    errors = len(calls) - len(fine)
    costs = [Decimal(call.cost_nano_usd) for call in calls if call.cost_nano_usd is not None]
    tokens = ("input", "output", "cache_read_input", "cache_write_input", "reasoning_output")
    scores: dict[str, tuple[int, Fraction]] = {}
    for call in calls:
        for (id_, name), value in world.scores.items():
            if id_ == call.id:
                count, total = scores.get(name, (0, Fraction(0)))
                scores[name] = count + 1, total + Fraction(value)
    return Expected(
        {
            "calls": len(calls),
            "errors": errors,
            "error_share": errors / len(calls) if calls else None,
            "unlinked_calls": sum(call.prompt_id is None for call in calls),
            **{
                f"{name}_tokens": sum(getattr(call, f"{name}_tokens") or 0 for call in calls)
                for name in tokens
            },
            "cost_usd": sum(costs, Decimal(0)) / 10**9,
            "unpriced_calls": len(calls) - len(costs),
            "first_call_at": min(starts, default=None),
            "last_call_at": max(starts, default=None),
            "latency_ms.mean": float(Fraction(sum(latencies), len(latencies) * 1000)) if latencies else None,
            "latency_ms.max": latencies[-1] / 1000 if latencies else None,
            "time_to_first_token_ms.mean": float(Fraction(sum(firsts), len(firsts) * 1000))
            if firsts
            else None,
            "time_to_first_token_ms.max": firsts[-1] / 1000 if firsts else None,
        },
        scores,
        {"latency_ms": latencies, "time_to_first_token_ms": firsts},
    )


def at_rank(samples: Sequence[int], q: str) -> int:
    """The sample at the nearest rank: the first that at least the share `q` does not exceed."""
    share = Fraction(q)
    return next(value for rank, value in enumerate(samples, 1) if rank >= share * len(samples))
