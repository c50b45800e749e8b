"""The tables of old as a Rails application leaves them: its types, its own tables, and rows of all sorts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from promptgraph.store.database import Database

Row = dict[str, Any]
BEGAN = dt.datetime(2024, 3, 1, 9, 0, 0, 123456)  # noqa: DTZ001  # Rails stores UTC without saying so
AGENTS, PROMPTS = 3, 8
NO_AGENT, NO_PROMPT = 999, 888
KINDS = {
    "sqlite": {
        "key": "integer PRIMARY KEY AUTOINCREMENT NOT NULL",
        "words": "varchar",
        "time": "datetime(6)",
    },
    "postgresql": {
        "key": "bigserial PRIMARY KEY",
        "words": "character varying",
        "time": "timestamp(6) without time zone",
    },
}
TABLES = {
    "schema_migrations": "version {words} NOT NULL PRIMARY KEY",
    "ar_internal_metadata": "key {words} NOT NULL PRIMARY KEY, value {words}, created_at {time} NOT NULL",
    "agents": "id {key}, name {words}, created_at {time} NOT NULL, updated_at {time} NOT NULL",
    "prompts": "id {key}, name {words} NOT NULL, content text, version integer DEFAULT 1,"
    " created_at {time} NOT NULL, updated_at {time} NOT NULL",
    "llm_calls": "id {key}, agent_id bigint, prompt text, response text, model {words}, input_tokens integer,"
    " output_tokens integer, latency_ms integer, status {words}, created_at {time}, updated_at {time}",
    "prompt_usages": "id {key}, prompt_id bigint, llm_call_id bigint, agent_id bigint, created_at {time}",
    "prompt_evaluations": "id {key}, prompt_id bigint, llm_call_id bigint, score float, comment text,"
    " created_at {time}",
}
INDEXES = (
    "CREATE INDEX index_llm_calls_on_agent_id ON llm_calls (agent_id)",
    "CREATE INDEX index_prompt_usages_on_llm_call_id ON prompt_usages (llm_call_id)",
    "CREATE UNIQUE INDEX index_prompts_on_name_and_version ON prompts (name, version)",
)
STATUSES = {"success": "OK", "completed": "OK", "Failed": "ERROR", "timeout": "ERROR", "weird": "ERROR"}
"""What each word becomes; the last one is not in the list, and neither is none."""
CHUNK = 5_000


class Dump(NamedTuple):
    """The rows of each table."""

    agents: list[Row]
    prompts: list[Row]
    llm_calls: list[Row]
    prompt_usages: list[Row]
    prompt_evaluations: list[Row]


def dump(calls: int) -> Dump:
    """So many calls, and what years leave behind: of every ten, six have a usage, one of them two, one has
    a usage of a prompt that is gone, one has the very text of a prompt, two have neither.
    """
    times = {"created_at": BEGAN, "updated_at": BEGAN}
    agents = [{"id": id_, "name": f"agent {id_}", **times} for id_ in range(1, AGENTS + 1)]
    prompts = [
        {
            "id": id_,
            "name": f"area/p{(id_ + 1) // 2}",
            "version": 2 - id_ % 2,
            "content": content(id_),
            **times,
        }
        for id_ in range(1, PROMPTS + 1)
    ]
    made = [call(id_) for id_ in range(1, calls + 1)]
    return Dump(agents, prompts, made, numbered(usages(calls)), numbered(evaluations(calls)))


def content(prompt: int) -> str:
    return f"Prompt {prompt}: what is {{{{ thing }}}}?\n"


def at(id_: int) -> dt.datetime:
    return BEGAN + dt.timedelta(seconds=97 * id_)


def call(id_: int) -> Row:
    texts = {7: content(id_ % PROMPTS + 1), 8: f"Nobody's text {id_}", 9: None}
    created = None if id_ % 101 == 0 else at(id_)
    return {
        "id": id_,
        "agent_id": None if id_ % 50 == 0 else NO_AGENT if id_ % 97 == 0 else id_ % AGENTS + 1,
        "prompt": texts.get(id_ % 10, f"Prompt, rendered for {id_}"),
        "response": None if id_ % 11 == 0 else f'Answer {id_} "ü"\n',
        "model": None if id_ % 89 == 0 else "gpt-4o",
        "input_tokens": None if id_ % 7 == 0 else -1 if id_ % 83 == 0 else id_ % 900,
        "output_tokens": id_ % 300,
        "latency_ms": None if id_ % 13 == 0 else id_ % 5_000,
        "status": None if id_ % 41 == 0 else list(STATUSES)[id_ % 5],
        "created_at": created,
        "updated_at": created,
    }


def usages(calls: int) -> Iterator[Row]:
    for id_ in range(1, calls + 1):
        of = {"llm_call_id": id_, "agent_id": id_ % AGENTS + 1}
        if id_ % 10 == 0:  # the later one comes first
            yield of | {"prompt_id": (id_ + 3) % PROMPTS + 1, "created_at": at(id_ + 1)}
        if id_ % 10 < 6:
            yield of | {"prompt_id": id_ % PROMPTS + 1, "created_at": at(id_)}
        if id_ % 10 == 6:
            yield of | {"prompt_id": NO_PROMPT, "created_at": at(id_)}
    for missing in (0, calls + 1, calls + 2, calls + 7, None):
        yield {"llm_call_id": missing, "agent_id": 1, "prompt_id": 1, "created_at": None}


def evaluations(calls: int) -> Iterator[Row]:
    for id_ in range(4, calls + 1, 4):
        of = {"llm_call_id": id_, "prompt_id": id_ % PROMPTS + 1}
        if id_ % 40 == 0:
            yield of | {"score": 0.25, "comment": "at first", "created_at": at(id_)}
        yield of | {"score": id_ % 10 / 10, "comment": None, "created_at": at(id_ + 2)}
    for missing in (calls + 1, None):
        yield {"llm_call_id": missing, "prompt_id": 1, "score": 1.0, "comment": "lost", "created_at": None}


def numbered(rows: Iterator[Row]) -> list[Row]:
    return [{"id": number, **row} for number, row in enumerate(rows, 1)]


async def load(db: Database, rows: Dump) -> None:
    """Make the tables, and put the rows in."""
    kinds = KINDS[db.dialect]
    async with db.migrating() as connection, connection.begin():
        for name, columns in TABLES.items():
            await connection.execute(text(f"CREATE TABLE {name} ({columns.format(**kinds)})"))
        for index in INDEXES:
            await connection.execute(text(index))
        for name, table in rows._asdict().items():
            await put(connection, name, table)
    await db.close()


async def put(connection: Any, name: str, rows: Sequence[Row]) -> None:
    columns = list(rows[0])
    values = ", ".join(f":{column}" for column in columns)
    stmt = text(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({values})")  # noqa: S608  # names of this file
    sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        await connection.execute(stmt, [as_stored(row) for row in chunk] if sqlite else list(chunk))


def as_stored(row: Row) -> Row:
    """As Rails writes times on SQLite."""
    return {k: f"{v:%Y-%m-%d %H:%M:%S.%f}" if isinstance(v, dt.datetime) else v for k, v in row.items()}


class Expected(NamedTuple):
    """What a dump must become, found by plain loops over its rows."""

    prompt_of: dict[int, int]
    text_of: dict[int, str]
    by_usage: int
    by_text: int
    later: int
    without_prompt: int
    without_call: int
    scores: dict[int, float]
    earlier: int
    statuses: Counter[str]


def expected(rows: Dump) -> Expected:
    ids = {row["id"] for row in rows.llm_calls}
    prompts = {row["id"]: row["content"] for row in rows.prompts}
    ours = [row for row in rows.prompt_usages if row["llm_call_id"] in ids]
    valid = [row for row in ours if row["prompt_id"] in prompts]
    first: dict[int, Row] = {}
    for row in sorted(valid, key=lambda row: row["created_at"]):
        first.setdefault(row["llm_call_id"], row)
    linked = {id_: row["prompt_id"] for id_, row in first.items()}
    of_text = {content: id_ for id_, content in sorted(prompts.items(), reverse=True)}
    rest = [row for row in rows.llm_calls if row["id"] not in linked]
    texts = {row["id"]: of_text[row["prompt"]] for row in rest if row["prompt"] in of_text}
    scored = [row for row in rows.prompt_evaluations if row["llm_call_id"] in ids]
    last = {row["llm_call_id"]: row["score"] for row in sorted(scored, key=lambda row: row["created_at"])}
    return Expected(
        prompt_of=linked | texts,
        text_of={r["id"]: r["prompt"] for r in rest if r["id"] not in texts and r["prompt"] is not None},
        by_usage=len(linked),
        by_text=len(texts),
        later=len(valid) - len(linked),
        without_prompt=len(ours) - len(valid),
        without_call=len(rows.prompt_usages) - len(ours),
        scores=last,
        earlier=len(scored) - len(last),
        statuses=Counter(STATUSES.get(row["status"], "ERROR") for row in rows.llm_calls),
    )
