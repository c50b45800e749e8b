"""What is wired: settings in, a server that records out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from promptgraph.app import build, clock, recording
from promptgraph.config import load
from promptgraph.domain.call import NewCall
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from promptgraph.store.migrate import upgrade
from promptgraph.web.application import Application
from tests.factories import prompt_yaml, write_tree

RECORD = """mutation($i:[LlmCallInput!]!){recordLlmCalls(input:$i){
  results{status error{code field} llmCall{costUsd costSource traceUrl}}}}"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a prompt and a file of prices."""
    write_tree(tmp_path, {"prompts/a.prompt.yaml": prompt_yaml(1, "Hi {{ name }}")})
    prices = {"*/house": {"input_per_mtok": 2, "output_per_mtok": 8}}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    return tmp_path


def served(home: Path, **more: Any) -> Application:
    given = {"database_url": f"sqlite:///{home / 'x.db'}", "prompts_dir": home / "prompts"} | more
    return build(load(**given))


async def asked(app: Application, query: str, **variables: Any) -> Any:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        body = {"query": query, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def test_records_as_it_is_set(home: Path) -> None:
    """Prices of its own, addresses of traces, calls that name no prompt; metrics follow."""
    app = served(
        home,
        unlinked_calls="accept",
        prices_file=home / "prices.json",
        trace_url_template="https://traces.example/t/{trace_id}",
    )
    row = {"model": "house", "inputTokens": 1_000_000, "outputTokens": 0, "traceId": "abc"}
    async with app.running():
        done = await asked(app, RECORD, i=[row, row | {"promptId": global_id("Prompt", "a", 1)}])
        found = await asked(app, "{metrics{calls unlinkedCalls costUsd}}")
    call = {"costUsd": "2", "costSource": "COMPUTED", "traceUrl": "https://traces.example/t/abc"}
    assert [{"status": "RECORDED", "error": None, "llmCall": call}] * 2 == done["recordLlmCalls"]["results"]
    assert {"calls": 2, "unlinkedCalls": 1, "costUsd": "4"} == found["metrics"]


async def test_a_storm_of_retries_is_one_call_each(home: Path, url: str) -> None:
    """300 requests at once, copies of 10 calls: 10 rows, metrics of 10, 300 equal answers."""
    app = served(home, database_url=url)
    query = """mutation($i:LlmCallInput!){recordLlmCall(input:$i){errors{code} duplicate
      llmCall{callId model inputTokens costUsd startedAt recordedAt}}}"""
    calls = [
        {"callId": str(uuid4()), "promptId": global_id("Prompt", "a", 1), "model": "m", "inputTokens": number}
        for number in range(10)
    ]
    storm = [call | {"agent": "bot"} for _ in range(30) for call in calls]
    async with app.running():
        answers = await asyncio.gather(*(asked(app, query, i=call) for call in storm))
        found = await asked(app, "{llmCalls{totalCount} metrics{calls inputTokens}}")
    payloads = [answer["recordLlmCall"] for answer in answers]
    assert 10 == sum(not payload.pop("duplicate") for payload in payloads)
    assert payloads[:10] * 30 == payloads
    assert [call["callId"] for call in calls] == [payload["llmCall"]["callId"] for payload in payloads[:10]]
    assert {"llmCalls": {"totalCount": 10}, "metrics": {"calls": 10, "inputTokens": 45}} == found


async def test_refuses_unlinked_calls_unless_told(home: Path) -> None:
    """A call names its prompt by default; what a server stored is there when another starts."""
    app = served(home)
    async with app.running():
        done = await asked(app, RECORD, i=[{"model": "house"}, {"model": "house", "promptId": "1"}])
    refused, stored = done["recordLlmCalls"]["results"]
    assert {"code": "INVALID_INPUT", "field": "promptId"} == refused["error"]
    assert ("RECORDED", None) == (stored["status"], stored["llmCall"]["traceUrl"])
    again = served(home)
    async with again.running():
        assert {"metrics": {"calls": 1}} == await asked(again, "{metrics{calls}}")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"unlinked_calls": "maybe"}, "unlinked_calls"),
        ({"trace_url_template": "https://x/"}, "trace_url_template"),
        ({"trace_url_template": "javascript:alert('{trace_id}')"}, "trace_url_template"),
        ({"trace_url_template": "https://x/{trace_id}/{call}"}, "trace_url_template"),
        ({"trace_url_template": "https://x/{trace_id}{trace_id}"}, "trace_url_template"),
        ({"trace_url_template": "https://{trace_id}/"}, "trace_url_template"),
        ({"trace_url_template": "https://x/ {trace_id}"}, "trace_url_template"),
        ({"content": "production=some"}, "content"),
        ({"content": "production=hashed"}, "content_key"),
        ({"content": "hashed", "content_key": "too short"}, "content_key"),
        ({"redact": "no_function"}, "redact"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(
    wrong: dict[str, str], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and the setting to blame."""
    for name, value in wrong.items():
        monkeypatch.setenv(f"PROMPTGRAPH_{name.upper()}", value)
    with pytest.raises(InvalidInputError) as caught:
        load()
    assert field == caught.value.field
    assert f"PROMPTGRAPH_{field.upper()}" in str(caught.value)


def test_a_key_that_is_refused_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it where the settings are shown."""
    monkeypatch.setenv("PROMPTGRAPH_CONTENT_KEY", "short-and-secret")
    with pytest.raises(InvalidInputError, match="at least 32 characters") as caught:
        load()
    assert "short-and-secret" not in str(caught.value)
    monkeypatch.setenv("PROMPTGRAPH_CONTENT_KEY", "secret" * 6)
    assert "secret" not in repr(load())


def test_a_redaction_that_cannot_be_found_stops_the_start(home: Path) -> None:
    """Before a call could be stored without it."""
    with pytest.raises(InvalidInputError, match="no_such_module:redact"):
        served(home, redact="no_such_module:redact")


def shortened(kind: str, value: object) -> object:
    """A redaction hook."""
    return "it" if kind == "errorMessage" else value


async def test_stores_what_policy_and_redaction_leave(home: Path) -> None:
    """By the environment's settings."""
    settings = {"content": "production.variables=hashed", "content_key": "k" * 32}
    app = served(home, **settings, redact=f"{__name__}:shortened", unlinked_calls="accept")
    call = {
        "model": "m",
        "environment": "production",
        "variables": {"a": "b"},
        "errorMessage": "No b",
        "output": 1,
    }
    async with app.running():
        await asked(app, RECORD, i=[call])
        found = await asked(app, "{llmCalls{nodes{contentState variables output errorMessage}}}")
    (stored,) = found["llmCalls"]["nodes"]
    assert {"contentState": "HASHED", "variables": None, "output": 1, "errorMessage": "it"} == stored


def test_prices_that_cannot_be_read_stop_the_start(home: Path) -> None:
    """Before the server listens, in a sentence."""
    with pytest.raises(InvalidInputError, match=r"nowhere\.json"):
        served(home, prices_file=home / "nowhere.json")


async def test_a_commit_is_told_to_whoever_should_hear(home: Path) -> None:
    """A server wakes its subscribers after each commit of its own, and for nothing else."""
    settings = load(database_url=f"sqlite:///{home / 'x.db'}", unlinked_calls="accept")
    db, told = Database(settings.database_url), []
    await upgrade(db)
    _, recorder = recording(db, settings, clock, lambda: told.append("commit"))
    call = NewCall(call_id=new_call_id(), model="m")
    for _ in range(2):  # the second time it is a duplicate
        await recorder.record([call])
    await recorder.stop()
    await db.close()
    assert ["commit"] == told
