"""Invented calls: what traffic could look like. A day of the same prompts is always the same."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from promptgraph.domain.call import CallStatus, NewCall
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.score import NewScore

RELEASE = "demo"
SOURCE = "simulation"
MARK: JsonObject = {"simulated": True}
"""The metadata of every invented call."""
PER_DAY = 155
WEEKEND = 0.45
NAMESPACE = UUID("0f3c9d1e-6a57-5d0b-9c39-7b1c7f4f1a52")

ENVIRONMENTS = {"production": 0.8, "staging": 0.15, "development": 0.05}
NEW_SHARE = {"production": 0.35, "staging": 0.8, "development": 1.0}
"""By environment: how much of the traffic gets the newest version, where there are two."""
ERRORS = {"timeout": 0.5, "rate_limited": 0.35, "content_filter": 0.15}
OUTAGE_EVERY_DAYS, OUTAGE_DAY = 30, 17
OUTAGE_HOURS = range(13, 15)
OUTAGE_MODEL = "gpt-5-mini"
FALLBACK = "claude-haiku-4-5"
SCORED = 0.2


class _Model(NamedTuple):
    """units  median_ms: of a usual answer"""

    provider: str
    median_ms: float


MODELS: Mapping[str, _Model] = {
    "gpt-5-mini": _Model("openai", 1100),
    "gpt-5": _Model("openai", 3200),
    "claude-haiku-4-5": _Model("anthropic", 900),
    "gemini-2.5-flash": _Model("google", 700),
}
_OTHERS = {"gpt-5-mini": 0.5, "claude-haiku-4-5": 0.3, "gemini-2.5-flash": 0.2}
LOYALTY = 0.7
"""How often a call goes to the model that its prompt names."""


class _Ways(NamedTuple):
    """How a version behaves: factors on time and tokens, its share of errors, and how it is scored."""

    latency: float
    tokens: float
    errors: float
    score: float


_OLD, _NEW, _ONLY = _Ways(1.45, 1.5, 0.05, 0.66), _Ways(0.75, 0.7, 0.012, 0.86), _Ways(1, 1, 0.02, 0.78)


@dataclass(frozen=True, slots=True)
class Version:
    """A version as calls name it."""

    prompt_id: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A prompt that is called: one version, or the one before the newest and the newest; by these agents."""

    versions: tuple[Version, ...]
    agents: tuple[str, ...]


class Invented(NamedTuple):
    """A call, and what somebody thinks of it. Its id and its start are known."""

    call_id: UUID
    started_at: dt.datetime
    call: NewCall
    score: NewScore | None


def invented_day(parts: Sequence[Part], day: dt.date) -> list[Invented]:
    """The calls of a UTC day, by when they start: more by day than by night, fewer at weekends. The first
    parts are called the most.
    """
    rng = Random(f"promptgraph {day.isoformat()}")  # noqa: S311  # a play, not a secret
    count = round(PER_DAY * (WEEKEND if day.weekday() >= 5 else 1) * rng.uniform(0.9, 1.1))  # noqa: PLR2004  # Saturday
    hours = rng.choices(range(24), [_busy(hour) for hour in range(24)], k=count)
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    # drawn before all else: a call keeps its id and its start when there are other prompts
    starts = sorted(
        midnight + dt.timedelta(hours=hour, milliseconds=rng.randrange(3_600_000)) for hour in hours
    )
    weights = [1 / place for place in range(1, len(parts) + 1)]
    return [
        _invented(rng, rng.choices(parts, weights)[0], start, uuid5(NAMESPACE, f"{day.isoformat()} {place}"))
        for place, start in enumerate(starts)
    ]


def _busy(hour: int) -> float:
    return 1.15 - math.cos((hour - 2) * math.pi / 12)


def _invented(rng: Random, part: Part, start: dt.datetime, id_: UUID) -> Invented:
    environment = _drawn(rng, ENVIRONMENTS)
    is_new = len(part.versions) > 1 and rng.random() < NEW_SHARE[environment]
    version = part.versions[-1 if is_new else 0]
    ways = _ONLY if len(part.versions) == 1 else _NEW if is_new else _OLD
    loyal = version.model in MODELS and rng.random() < LOYALTY
    model = str(version.model) if loyal else _drawn(rng, _OTHERS)
    call = NewCall(
        call_id=id_,
        prompt_id=version.prompt_id,
        agent=rng.choice(part.agents),
        environment=environment,
        operation="chat",
        provider=MODELS[model].provider,
        model=model,
        release=RELEASE,
        started_at=start,
        metadata=MARK,
        **_measured(rng, ways, MODELS[model]),
    )
    call = _ended(rng, call, ways)
    return Invented(id_, start, call, _scored(rng, call, ways))


def _measured(rng: Random, ways: _Ways, model: _Model) -> dict[str, Any]:
    latency = round(rng.lognormvariate(math.log(model.median_ms * ways.latency), 0.45), 1)
    sent = round(rng.lognormvariate(math.log(620), 0.4))
    return {
        "latency_ms": latency,
        "time_to_first_token_ms": round(latency * rng.uniform(0.2, 0.4), 1),
        "input_tokens": sent,
        "output_tokens": round(rng.lognormvariate(math.log(190 * ways.tokens), 0.5)),
        "cache_read_input_tokens": sent // 2 if rng.random() < 0.4 else 0,  # noqa: PLR2004  # a share
    }


def _ended(rng: Random, call: NewCall, ways: _Ways) -> NewCall:
    """The call as it ended. While its model is out, few come through, and some go to another one."""
    chance, fate = rng.random(), _drawn(rng, ERRORS)
    if call.model == OUTAGE_MODEL and call.started_at is not None and is_outage(call.started_at):
        if chance < 0.25:  # noqa: PLR2004  # a share
            return call._replace(model=FALLBACK, provider=MODELS[FALLBACK].provider, attempt=2)
        return _failed(call, "overloaded") if chance < 0.95 else call  # noqa: PLR2004  # as above
    return _failed(call, fate) if chance < ways.errors else call._replace(finish_reasons=("stop",))


def _failed(call: NewCall, why: str) -> NewCall:
    message = f"Simulated: {why.replace('_', ' ')}."
    return call._replace(
        status=CallStatus.ERROR,
        error_type=why,
        error_message=message,
        output_tokens=0,
        time_to_first_token_ms=None,
    )


def is_outage(at: dt.datetime) -> bool:
    """Whether OUTAGE_MODEL is out: two hours of one day of thirty."""
    return at.toordinal() % OUTAGE_EVERY_DAYS == OUTAGE_DAY and at.hour in OUTAGE_HOURS


def _scored(rng: Random, call: NewCall, ways: _Ways) -> NewScore | None:
    chance, value = rng.random(), rng.gauss(ways.score, 0.12)
    if call.status != CallStatus.OK or chance > SCORED or call.call_id is None:
        return None
    value = round(min(1.0, max(0.0, value)), 2)
    return NewScore(call_id=call.call_id, name="helpful", value=value, source=SOURCE)


def _drawn(rng: Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]
