"""Calls as rows of a file or lines of a terminal: their prompts and agents by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from promptgraph.cli.output import as_json, camel, instant
from promptgraph.domain.call import FACTS, PLACES, CallContent, CallStatus, LlmCall
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.store.agents import agents_by_id
from promptgraph.store.calls import contents_by_call
from promptgraph.store.database import Session
from promptgraph.store.prompts import prompts_by_id

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula, and runs it."""

AS_STORED = (
    *FACTS,
    "cost_usd",
    "cost_source",
    "latency_ms",
    "time_to_first_token_ms",
    "started_at",
    "recorded_at",
    *PLACES,
    "content_state",
)
CONTENTS = ("variables", "output", "metadata")
NAMES = ("callId", "prompt", "version", "agent", *map(camel, AS_STORED))
"""The keys of a row, the columns of a table: as the fields of the API, but prompt and agent by name."""


@dataclass(slots=True)
class Names:
    """Prompts and agents by id, each looked up once: neither changes its name while it is read."""

    prompts: dict[int, tuple[str, int]] = field(default_factory=dict)
    agents: dict[int, str] = field(default_factory=dict)

    async def learn(self, session: Session, calls: Sequence[LlmCall]) -> None:
        """Look up what these calls name.

        cost  two statements where something is new
        """
        ids = sorted({call.prompt_id for call in calls if call.prompt_id} - self.prompts.keys())
        for prompt in await prompts_by_id(session, ids) if ids else ():
            if prompt is not None:
                self.prompts[prompt.id] = prompt.name, prompt.version
        ids = sorted({call.agent_id for call in calls if call.agent_id} - self.agents.keys())
        self.agents |= {a.id: a.name for a in (await agents_by_id(session, ids) if ids else ()) if a}

    def prompt(self, call: LlmCall) -> tuple[str, int] | tuple[None, None]:
        return self.prompts.get(call.prompt_id or 0, (None, None))

    def agent(self, call: LlmCall) -> str | None:
        return self.agents.get(call.agent_id or 0)


async def rows_of(
    session: Session, calls: Sequence[LlmCall], names: Names, *, contents: bool
) -> list[JsonObject]:
    """A row per call; variables, output and metadata only where `contents` are asked for.

    cost  three statements at most
    """
    await names.learn(session, calls)
    about = await contents_by_call(session, [call.id for call in calls]) if contents else [None] * len(calls)
    return [
        _row(call, names) | (_contents(content) if contents else {})
        for call, content in zip(calls, about, strict=True)
    ]


def _row(call: LlmCall, names: Names) -> JsonObject:
    name, version = names.prompt(call)
    facts: JsonObject = {
        "callId": str(call.id),
        "prompt": name,
        "version": version,
        "agent": names.agent(call),
    }
    for field_ in AS_STORED:
        value = getattr(call, field_)
        facts[camel(field_)] = f"{value:f}" if field_ == "cost_usd" and value is not None else as_json(value)
    return facts


def _contents(content: CallContent | None) -> JsonObject:
    if content is None:
        return {"variables": None, "output": None, "metadata": {}}
    return {"variables": content.variables, "output": content.output, "metadata": content.metadata}


def json_line(row: JsonObject) -> str:
    """A row as one line of JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def cells_of(row: JsonObject) -> list[str]:
    """A row as cells that no spreadsheet runs; lists and objects as JSON."""
    return [_cell(value) for value in row.values()]


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return json_line(value) if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def line_of(call: LlmCall, names: Names) -> str:
    """A call as one line to look at."""
    name, version = names.prompt(call)
    words = [
        instant(call.started_at),
        call.status.value
        if call.status == CallStatus.OK
        else f"{call.status.value} {call.error_type or ''}".strip(),
        f"{name}@{version}" if name else "(no prompt)",
        call.model,
        names.agent(call) or "",
        call.environment,
        "" if call.latency_us is None else f"{call.latency_us / 1000:.0f} ms",
        _tokens(call),
        "" if call.cost_usd is None else f"{call.cost_usd:f} USD",
        str(call.id),
    ]
    return "  ".join(word for word in words if word)


def _tokens(call: LlmCall) -> str:
    if call.input_tokens is None and call.output_tokens is None:
        return ""
    counts = ("?" if count is None else str(count) for count in (call.input_tokens, call.output_tokens))
    return f"{' → '.join(counts)} tokens"
