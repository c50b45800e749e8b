"""The floor under Q1, Q2 and Q6: hand-written SQL that returns the answer as JSON, from a bare ASGI endpoint.
It reads no document, checks nothing, and knows three answers by their path.

BENCH_DATABASE is a DSN, or the path of an SQLite file.
"""

# ruff: noqa: S608  # statements of its own words alone
from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import asyncpg  # type: ignore[import-untyped]  # it has no stubs

DATABASE = os.environ["BENCH_DATABASE"]
PROMPT = {
    "id": "p.id",
    "name": "p.name",
    "version": "p.version",
    "contentHash": "p.content_hash",
    "model": "p.model",
}
LISTED = PROMPT | {
    "description": "f.description",
    "isLatest": "p.version = f.latest_version",
    "createdAt": "p.created_at",
}
CALL = {
    "callId": "c.id",
    "provider": "c.provider",
    "model": "c.model",
    "status": "c.status",
    "inputTokens": "c.input_tokens",
    "outputTokens": "c.output_tokens",
    "costUsd": "c.cost_nano_usd / 1e9",
    "latencyMs": "c.latency_us / 1e3",
    "conversationId": "c.conversation_id",
    "startedAt": "c.started_at",
}
LIVE = (
    "FROM prompts p JOIN prompt_families f ON f.id = p.family_id"
    " WHERE p.version = f.latest_version AND f.retired_at IS NULL ORDER BY p.name LIMIT 50"
)
LAST = "FROM llm_calls c WHERE c.prompt_id = p.id ORDER BY c.started_at DESC, c.id DESC LIMIT 20"
BY_LABEL = (
    "FROM prompt_families f JOIN prompt_labels l ON l.family_id = f.id JOIN prompts p ON p.id = l.prompt_id"
    " WHERE f.name = {} AND l.label = 'production'"
)


def columns(fields: dict[str, str]) -> str:
    return ", ".join(f'{sql} AS "{name}"' for name, sql in fields.items())


def pairs(fields: dict[str, str]) -> str:
    return ", ".join(f"'{name}', {sql}" for name, sql in fields.items())


def on_postgresql() -> dict[str, str]:
    prompts = f"SELECT {columns(LISTED)} {LIVE}"
    calls = f"SELECT json_agg(row_to_json(c)) FROM (SELECT {columns(CALL)} {LAST}) c"
    listed = (
        f"SELECT p.id, p.name, json_build_object('nodes', coalesce(({calls}), '[]'::json)) AS \"llmCalls\""
        f" FROM (SELECT p.id, p.name {LIVE}) p"
    )
    one = f"SELECT {columns(PROMPT)}, p.messages {BY_LABEL.format('$1')}"
    nodes = "json_build_object('data', json_build_object('prompts', json_build_object('nodes', json_agg(x))))"
    return {
        "/Q1": f"SELECT {nodes}::text FROM ({prompts}) x",
        "/Q2": f"SELECT {nodes}::text FROM ({listed}) x",
        "/Q6": f"SELECT json_build_object('data', json_build_object('prompt', x))::text FROM ({one}) x",
    }


def on_sqlite() -> dict[str, str]:
    call = CALL | {"callId": "lower(hex(c.id))"}
    listed = LISTED | {"isLatest": "json(iif(p.version = f.latest_version, 'true', 'false'))"}
    calls = f"SELECT json_group_array(json_object({pairs(call)})) FROM (SELECT c.* {LAST}) c"
    with_calls = f"'id', p.id, 'name', p.name, 'llmCalls', json_object('nodes', ({calls}))"
    nodes = "json_object('data', json_object('prompts', json_object('nodes', json_group_array({}))))"
    live = (
        "(SELECT p.id, p.name, p.version, p.content_hash, p.model, p.created_at, p.family_id " + LIVE + ") p"
    )
    one = f"json_object({pairs(PROMPT)}, 'messages', json(p.messages))"
    return {
        "/Q1": f"SELECT {nodes.format(f'json_object({pairs(listed)})')}"
        f" FROM {live} JOIN prompt_families f ON f.id = p.family_id",
        "/Q2": f"SELECT {nodes.format(f'json_object({with_calls})')} FROM {live}",
        "/Q6": f"SELECT json_object('data', json_object('prompt', {one})) {BY_LABEL.format('?')}",
    }


Fetch = Callable[[str, tuple[str, ...]], Awaitable[str]]


async def opened() -> Fetch:
    """What runs a statement and gives its one value."""
    if DATABASE.startswith("postgresql:"):
        pool = await asyncpg.create_pool(DATABASE, min_size=8, max_size=8)

        async def from_postgresql(sql: str, values: tuple[str, ...]) -> str:
            return str(await pool.fetchval(sql, *values))

        return from_postgresql
    connection = sqlite3.connect(DATABASE, isolation_level=None)

    async def from_sqlite(sql: str, values: tuple[str, ...]) -> str:
        return str(connection.execute(sql, values).fetchone()[0])

    return from_sqlite


class App:
    """Answers a path with its statement; the name, where one is wanted, is the query string."""

    def __init__(self) -> None:
        self._statements = on_postgresql() if DATABASE.startswith("postgresql:") else on_sqlite()
        self._fetch: Fetch | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if self._fetch is None:
            self._fetch = await opened()
        name = unquote(scope["query_string"].decode())
        found = await self._fetch(self._statements[scope["path"]], (name,) if name else ())
        body = found.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


app = App()
