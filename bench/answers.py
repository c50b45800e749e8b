"""Whether two contestants answer the same, each in its own words."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

OURS_ALONE = frozenset({"id"})
"""Global ids are made in each contestant's own way."""
RANKS = frozenset({"p50", "p95", "p99"})
RANK_ERROR, FLOAT_ERROR = 0.011, 1e-9
"""Ours are within 1 % of the sample at the rank; everything else is exact."""
NANO, MICRO = 1e9, 1e3
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def differences(ours: Any, theirs: Any, at: str = "") -> Iterator[str]:
    """Where their answer is another than ours; what they do not have is no difference."""
    if isinstance(theirs, Mapping):
        for name, value in theirs.items():
            if name not in OURS_ALONE:
                mine = ours.get(name) if isinstance(ours, Mapping) else None
                yield from differences(mine, value, f"{at}.{name}")
    elif isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            yield f"{at}: {_size(ours)} against {_size(theirs)} items"
            return
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(*pair, f"{at}[{place}]")
    elif not same(plain(ours), plain(theirs), RANK_ERROR if at.rpartition(".")[2] in RANKS else FLOAT_ERROR):
        yield f"{at}: {ours!r} against {theirs!r}"


def _size(value: Any) -> object:
    return len(value) if isinstance(value, list) else value


def same(one: object, other: object, error: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=error, abs_tol=1e-12)
    return one == other


def plain(value: object) -> object:
    """A number as a float, a moment in UTC, an id without hyphens, a word in lower case."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if _INSTANT.match(text):
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if _UUID.fullmatch(text):
        return text.replace("-", "").lower()
    try:
        return float(text)
    except ValueError:
        return text.casefold()


def whole_bins(data: Any) -> dict[str, Any]:
    """Steps of Q5 that have calls, by when they began, the first and the last left out: the window moves on
    while we ask.
    """
    steps = data["prompt"]["metrics"]["series"][1:-1]
    return {str(plain(step["since"])): _without(step, "since") for step in steps if step["calls"]}


def _without(step: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key != name}


def _graphile_figures(connection: Any) -> dict[str, Any]:
    sums = connection["aggregates"]["sum"]
    return {
        "calls": connection["totalCount"],
        "inputTokens": sums["inputTokens"],
        "outputTokens": sums["outputTokens"],
        "costUsd": float(sums["costNanoUsd"]) / NANO,
    }


def _graphile_call(row: Mapping[str, Any]) -> dict[str, Any]:
    latency, cost = row["latencyUs"], row["costNanoUsd"]
    return _without(_without(row, "latencyUs"), "costNanoUsd") | {
        "latencyMs": None if latency is None else float(latency) / MICRO,
        "costUsd": None if cost is None else float(cost) / NANO,
    }


def _graphile_q1(data: Any) -> Any:
    def prompt(row: Mapping[str, Any]) -> dict[str, Any]:
        family = row["promptFamilyByFamilyId"]
        own = {"description": family["description"], "isLatest": row["version"] == family["latestVersion"]}
        return _without(row, "promptFamilyByFamilyId") | own

    return {"prompts": {"nodes": [prompt(row) for row in data["allPrompts"]["nodes"]]}}


def _graphile_q2(data: Any) -> Any:
    def prompt(row: Mapping[str, Any]) -> dict[str, Any]:
        calls = [_graphile_call(call) for call in row["llmCallsByPromptId"]["nodes"]]
        calls = [_without(call, "rowId") | {"callId": call["rowId"]} for call in calls]
        return {"name": row["name"], "llmCalls": {"nodes": calls}}

    return {"prompts": {"nodes": [prompt(row) for row in data["allPrompts"]["nodes"]]}}


def _graphile_q3(data: Any) -> Any:
    return {"prompt": {"metrics": _graphile_figures(data["promptByNameAndVersion"]["llmCallsByPromptId"])}}


def _graphile_q4(data: Any) -> Any:
    rows = data["allPrompts"]["nodes"]
    return {"prompts": {"nodes": [{"metrics": _graphile_figures(row["llmCallsByPromptId"])} for row in rows]}}


def _graphile_q5(data: Any) -> Any:
    groups = data["promptByNameAndVersion"]["llmCallsByPromptId"]["groupedAggregates"]
    found = {}
    for group in groups:
        mean = group["average"]["latencyUs"]
        found[str(plain(group["keys"][0]))] = {
            "costUsd": float(group["sum"]["costNanoUsd"] or 0) / NANO,
            "latencyMs": {"mean": None if mean is None else float(mean) / MICRO},
        }
    return found


def _graphile_q6(data: Any) -> Any:
    return {"prompt": data["promptByLabel"]}


GRAPHILE: Mapping[str, Callable[[Any], Any]] = {
    "Q1": _graphile_q1,
    "Q2": _graphile_q2,
    "Q3": _graphile_q3,
    "Q4": _graphile_q4,
    "Q5": _graphile_q5,
    "Q6": _graphile_q6,
}
"""PostGraphile's answers in our words."""
