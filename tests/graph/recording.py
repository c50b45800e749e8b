"""Calls recorded through the graph, as a client would."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from tests.graph.registry import ask

RECORD = """mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){
  recorded duplicates rejected errors{code field message retryable}
  results{callId status warnings{code field message} error{code field message retryable} llmCall{callId}}}}"""
SCORE = """mutation($i:[ScoreInput!]!){scoreLlmCalls(input:$i){errors{code field}
  results{callId error{code field} llmCall{scores{name value}}
    score{id name value label comment source createdAt}}}}"""
ERASE = """mutation($i:EraseCallsInput!){eraseCalls(input:$i){erased
  errors{code field message retryable}}}"""
ANSWER = global_id("Prompt", "support/answer", 2)
ANSWER_BEFORE = global_id("Prompt", "support/answer", 1)
SUMMARIZE = global_id("Prompt", "summarize/thread", 1)


def call_id(number: int) -> str:
    return str(UUID(int=(0x0199 << 112) + (7 << 76) + (2 << 62) + number))


def call(number: int, **more: Any) -> dict[str, Any]:
    """A row of a batch, told apart by `number`."""
    return {
        "callId": call_id(number),
        "promptId": ANSWER,
        "model": "gpt-5-mini",
        "provider": "openai",
        "startedAt": "2026-11-22T09:00:00Z",
        **more,
    }


async def record(db: Database, *rows: dict[str, Any]) -> dict[str, Any]:
    """The payload; whether rows were refused is for the test to say."""
    return dict((await ask(db, RECORD, i=list(rows)))["recordLlmCalls"])


async def recorded(db: Database, *rows: dict[str, Any]) -> None:
    """Record these calls; fails the test if one is refused."""
    payload = await record(db, *rows)
    assert len(rows) == payload["recorded"], payload


async def score(db: Database, *rows: dict[str, Any]) -> dict[str, Any]:
    return dict((await ask(db, SCORE, i=list(rows)))["scoreLlmCalls"])
