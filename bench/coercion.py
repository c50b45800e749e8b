"""What it costs to turn the bytes of a typed batch into calls, without any database: our decoder beside
strawberry's executor with its caches of documents on. A process of its own; prints JSON, calls per second.

    python -m bench.coercion CORE SECONDS [SIZE]
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from uuid import UUID

import orjson
import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.scalars import JSON

from bench.recording import PROMPT
from promptgraph.domain.call_ids import new_call_id
from promptgraph.graph.call_decoding import CallDecoder
from promptgraph.graph.schema import Schema
from promptgraph.graph.wire import decoded


@strawberry.enum
class Status(Enum):
    OK = "OK"


@strawberry.input
class CallInput:
    call_id: UUID
    prompt_id: strawberry.ID
    agent: str | None
    model: str
    provider: str | None
    status: Status
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    latency_ms: float | None
    conversation_id: str | None
    started_at: dt.datetime | None
    variables: JSON | None
    output: JSON | None
    metadata: JSON | None


@strawberry.type
class Mutation:
    @strawberry.mutation
    def record_llm_calls(self, input: list[CallInput]) -> int:
        return len(input)


@strawberry.type
class Query:
    ok: bool = True


STRAWBERRY = strawberry.Schema(Query, Mutation, extensions=[ParserCache, ValidationCache])
OURS = "mutation R($i: [LlmCallInput!]!) { recordLlmCalls(input: $i) { results { status } } }"
THEIRS = "mutation R($i: [CallInput!]!) { recordLlmCalls(input: $i) }"


def request(query: str, size: int) -> bytes:
    """A batch of calls of 15 fields, as a client sends it."""
    calls = [
        {
            "callId": str(new_call_id()),
            "promptId": PROMPT,
            "agent": "support-bot",
            "model": "gpt-5-mini",
            "provider": "openai",
            "status": "OK",
            "inputTokens": 600 + place,
            "outputTokens": 150,
            "costUsd": "0.00045",
            "latencyMs": 812.5,
            "conversationId": f"conversation-{place}",
            "startedAt": "2026-11-23T04:02:34.836294Z",
            "variables": {"ticket": "My card was declined", "tone": "neutral"},
            "output": "billing",
            "metadata": {"env": "production"},
        }
        for place in range(size)
    ]
    return orjson.dumps({"query": query, "variables": {"i": calls}})


def ours(size: int) -> Callable[[], int]:
    """Decodes one request, and says how many calls it held."""
    body, decoder = request(OURS, size), CallDecoder(Schema(is_open=False).core)

    def decode() -> int:
        found = decoder.calls(decoded(body)["variables"]["i"])  # type: ignore[index,call-overload]  # our body
        return 0 if found is None else len(found)

    return decode


def theirs(size: int) -> Callable[[], int]:
    """Decodes the same calls by strawberry, into an input that has no other fields."""
    body = request(THEIRS, size)

    def decode() -> int:
        done = STRAWBERRY.execute_sync(THEIRS, variable_values=json.loads(body)["variables"])
        return 0 if done.data is None else int(done.data["recordLlmCalls"])

    return decode


def per_second(decode: Callable[[], int], size: int, seconds: float) -> float:
    """Calls a second; the first decoding is no part of it.

    raises  RuntimeError  it did not decode them all
    """
    if decode() != size:
        raise RuntimeError("The batch was not decoded.")
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        count += decode()
    return count / took


def main(core: str, seconds: str, size: str = "1000") -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    count, each = int(size), float(seconds) / 2
    found = {
        "promptgraph": per_second(ours(count), count, each),
        "naive": per_second(theirs(count), count, each),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
