"""The client against a real server: prompts, rendering, recording."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from promptgraph.client.async_client import AsyncClient
from promptgraph.client.calls import CallDraft
from promptgraph.client.client import Client
from promptgraph.client.prompts import Prompt
from promptgraph.domain.call import CallStatus, RecordStatus
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import (
    ForbiddenError,
    IdempotencyConflictError,
    InvalidInputError,
    InvalidRollupError,
    NotFoundError,
    PromptMismatchError,
    StoreUnavailableError,
)
from promptgraph.domain.prompt import PromptContent, prompt_global_id
from tests.client.conftest import TREE
from tests.client.serving import Network, asked, away, serving, stored
from tests.factories import write_tree

VARIABLES: dict[str, JsonObject] = {
    "support/triage": {"ticket": "My card", "card": "4711"},
    "support/enterprise": {"name": "Ann"},
    "chat": {"history": [{"role": "user", "content": "Hi"}]},
    "verbatim": {},
}
RENDERED = """query($name: String!, $variables: JSON!) { prompt(name: $name) {
  id version contentHash
  render(variables: $variables) { text hash variables messages { role content } } } }"""


@pytest.mark.parametrize("name", VARIABLES)
def test_renders_as_the_server_does(client: Client, server: str, name: str) -> None:
    """Text, messages, variables and hash are the server's own, of the version that it names."""
    theirs = asked(server, RENDERED, name=name, variables=VARIABLES[name])["prompt"]
    prompt = client.prompt(name, version=theirs["version"])
    ours = prompt.render(VARIABLES[name])
    assert (theirs["id"], theirs["contentHash"]) == (prompt.id, prompt.hash)
    expected = [{"role": m["role"].lower(), "content": m["content"]} for m in theirs["render"]["messages"]]
    assert expected == ours.messages
    assert [theirs["render"][key] for key in ("text", "hash", "variables")] == [
        ours.text,
        ours.hash,
        ours.variables,
    ]


@pytest.mark.parametrize(
    ("asked_for", "version", "label"),
    [
        ({}, 2, "production"),
        ({"label": "staging"}, 3, "staging"),
        ({"version": 3}, 3, None),
    ],
    ids=["the usual label", "a label", "a version"],
)
def test_serves_what_is_asked_for(
    client: Client, asked_for: dict[str, Any], version: int, label: str | None
) -> None:
    """A label leads to its version; the usual one where nothing is said."""
    prompt = client.prompt("support/triage", **asked_for)
    assert (version, label) == (prompt.version, prompt.label)
    assert ("gpt-5-mini", {"temperature": 0}, []) == (prompt.model, prompt.config, prompt.tools)
    assert prompt_global_id("support/triage", version) == prompt.id


def test_serves_the_latest_where_the_usual_label_is_missing(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """With a warning, once."""
    assert [1, 1] == [client.prompt("chat").version, client.prompt("chat").version]
    client._core.cache.drop()  # noqa: SLF001  # so that it is looked up again
    assert client.prompt("chat").label is None
    assert ["chat has no label production: the latest version is used instead."] == [
        record.message for record in caplog.records if record.levelno == logging.WARNING
    ]


@pytest.mark.parametrize(
    ("name", "asked_for", "error"),
    [
        ("nothing", {}, NotFoundError),
        ("chat", {"label": "staging"}, NotFoundError),
        ("chat", {"version": 7}, NotFoundError),
        ("chat", {"version": 1, "label": "staging"}, InvalidInputError),
        ("chat", {"version": 0}, InvalidInputError),
        ("chat", {"label": "latest"}, InvalidInputError),
    ],
    ids=["no prompt", "no label", "no version", "both", "version 0", "reserved"],
)
def test_says_what_cannot_be_served(
    client: Client, name: str, asked_for: dict[str, Any], error: type[Exception]
) -> None:
    """By the class of the error's code."""
    with pytest.raises(error):
        client.prompt(name, **asked_for)


QUEUES: Json = {"queue": {"enum": ["billing", "other"]}}
OUTPUT: Json = {"type": "object", "required": ["queue"], "properties": QUEUES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"queue": "billing"}', None),
        ('{"queue": "sales"}', "does not fit the output schema of a version 1: `queue`"),
        ("{}", "does not fit the output schema of a version 1"),
        ("I am sorry", "The answer is no JSON text."),
        ('{"queue": "billing", "queue": "other"}', "The answer is no JSON text."),
        ("[" * 100_000, "The answer is no JSON text."),
    ],
    ids=["fits", "no-choice", "missing", "no-json", "twice", "deep"],
)
def test_holds_a_models_answer_against_the_schema(text: str, expected: str | None) -> None:
    """What fits is given as it is; what does not, is refused, and its value not repeated."""
    content = PromptContent(messages=(), output_schema=OUTPUT)
    prompt = Prompt("id", "a", 1, "hash", content)
    if expected is None:
        assert {"queue": "billing"} == prompt.read_output(text)
        return
    with pytest.raises(InvalidInputError) as refusal:
        prompt.read_output(text)
    assert expected in str(refusal.value)
    assert "sales" not in str(refusal.value)


def test_refuses_variables_as_the_server_does(client: Client) -> None:
    """A missing variable is named, and nothing is sent."""
    with pytest.raises(InvalidInputError, match="ticket") as refused:
        client.render("support/triage", tone="calm")
    assert "variables.ticket" == refused.value.field


EVERY: dict[str, Any] = {
    "agent": "bot",
    "environment": "test",
    "operation": "chat",
    "provider": "openai",
    "response_model": "m-2026",
    "response_id": "r1",
    "release": "1.2",
    "attempt": 1,
    "status": CallStatus.ERROR,
    "error_type": "Timeout",
    "error_message": "too late",
    "finish_reasons": ("stop",),
    "tool_call_count": 2,
    "input_tokens": 10,
    "output_tokens": 20,
    "cache_read_input_tokens": 1,
    "cache_write_input_tokens": 2,
    "reasoning_output_tokens": 3,
    "cost_usd": Decimal("0.000000001"),
    "latency_ms": 12.5,
    "time_to_first_token_ms": 1.25,
    "started_at": dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC),
    "conversation_id": "c",
    "user_id": "u",
    "trace_id": "t",
    "span_id": "s",
    "output": {"queue": ["billing"]},
    "metadata": {"k": 1},
}


def test_records_every_fact_of_a_call(client: Client, server: str) -> None:
    """Each under its name, linked to the version, with the label that led to it, and nothing sensitive."""
    rendered = client.render("support/triage", ticket="Hi", card="4711")
    recorded = client.record(rendered, model="m", **EVERY)
    assert RecordStatus.RECORDED == recorded.status
    names = " ".join(_api(name) for name in EVERY if name != "agent")
    found = stored(
        server, recorded.call_id, f"{names} model label agent {{ name }} prompt {{ version }} variables"
    )
    assert {"ticket": "Hi", "tone": "neutral"} == found.pop("variables")
    assert {"version": 2} == found.pop("prompt")
    assert {"name": "bot"} == found.pop("agent")
    assert ("m", "production") == (found.pop("model"), found.pop("label"))
    sent: dict[str, Any] = {_api(name): value for name, value in EVERY.items() if name != "agent"}
    sent |= {
        "status": "ERROR",
        "costUsd": "0.000000001",
        "startedAt": "2026-11-20T10:00:00Z",
        "finishReasons": ["stop"],
    }
    assert sent == found


def _api(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def test_records_by_whatever_names_the_prompt(client: Client, server: str) -> None:
    """A rendering, a prompt, or its id."""
    rendered = client.render("support/enterprise", name="Ann")
    for of in (rendered, rendered.prompt, rendered.prompt.id):
        recorded = client.record(of, model="m")
        assert {"prompt": {"name": "support/enterprise"}} == stored(
            server, recorded.call_id, "prompt { name }"
        )


def test_recording_twice_is_safe(client: Client) -> None:
    """The same id again changes nothing; with other content it is an error."""
    prompt, call_id = client.prompt("support/enterprise"), new_call_id()
    states = [client.record(prompt, model="m", call_id=call_id).status for _ in range(2)]
    assert [RecordStatus.RECORDED, RecordStatus.DUPLICATE] == states
    with pytest.raises(IdempotencyConflictError):
        client.record(prompt, model="another", call_id=str(call_id))


def test_records_many_each_for_itself(client: Client) -> None:
    """One that is refused says why, and holds up no other."""
    good = client.prompt("support/enterprise")
    calls = [{"prompt": good, "model": "m", "facts": {"latency_ms": ms}} for ms in (1.0, -1.0, 2.0)]
    results = client.record_many(calls)  # type: ignore[arg-type]  # plain dicts, as callers have them
    assert ["RECORDED", "REJECTED", "RECORDED"] == [result.status for result in results]
    assert "latencyMs" == getattr(results[1].error, "field", None)
    assert [] == client.record_many([])


def test_many_that_fail_on_the_way_say_which(server: str) -> None:
    """More than one request holds: what is stored is told, and the rest has the error."""
    network = Network()
    with Client(server, transport=network) as client:
        prompt = client.prompt("support/enterprise")
        network.script.extend([None, *[away()] * 4])
        results = client.record_many([CallDraft(prompt=prompt, model="m")] * 501)
    assert {RecordStatus.RECORDED} == {result.status for result in results[:500]}
    assert (None, StoreUnavailableError) == (results[500].status, type(results[500].error).__mro__[1])


def test_scores_a_call(client: Client, server: str) -> None:
    """Until it is scored again by the same source, the score stays."""
    recorded = client.record(client.prompt("support/enterprise"), model="m")
    client.score(recorded.call_id, "helpful", value=0.5, comment="so so")
    assert {"scores": [{"name": "helpful", "value": 0.5, "comment": "so so"}]} == stored(
        server, recorded.call_id, "scores { name value comment }"
    )
    with pytest.raises(NotFoundError):
        client.score(new_call_id(), "helpful", value=1)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"latency": 3}, "latency_ms"),
        ({"output": {1, object()}}, "object is not JSON"),
        ({"latency_ms": float("nan")}, "Out of range"),
        ({"started_at": dt.datetime(2026, 1, 1)}, "zone"),  # noqa: DTZ001  # that is the point
        ({"call_id": "seven"}, "UUID"),
        ({"output": "x" * 2_000_000}, "at most"),
    ],
    ids=["a name that is none", "no JSON", "NaN", "no zone", "no id", "too large"],
)
def test_refuses_what_cannot_be_sent(client: Client, facts: dict[str, Any], words: str) -> None:
    """Before anything is sent, with what is meant."""
    with pytest.raises(InvalidInputError, match=words):
        client.record(None, model="m", **facts)


def test_a_retired_prompt_is_still_recorded(tmp_path: Path) -> None:
    """What was rendered before its file was taken away names the version that was sent."""
    write_tree(tmp_path / "prompts", TREE)
    with serving(tmp_path) as url, Client(url) as client:
        rendered = client.render("chat", history=[])
        write_tree(tmp_path / "prompts", {"new.prompt.yaml": TREE["verbatim.prompt.yaml"]})
        (tmp_path / "prompts/chat.prompt.yaml").unlink()
        files = [
            {"path": str(path.relative_to(tmp_path / "prompts")), "text": path.read_text()}
            for path in (tmp_path / "prompts").rglob("*.*")
        ]
        sync = "mutation($input: SyncPromptsInput!) { syncPrompts(input: $input) { errors { message } } }"
        assert {"syncPrompts": {"errors": []}} == asked(url, sync, input={"files": files})
        recorded = client.record(rendered, model="m")
        found = stored(url, recorded.call_id, "prompt { name version retiredAt }")["prompt"]
        assert ("chat", 1, True) == (found["name"], found["version"], found["retiredAt"] is not None)


def test_another_text_under_the_number_is_told(client: Client) -> None:
    """The hash that was rendered travels with the call."""
    prompt = client.prompt("support/enterprise")
    with pytest.raises(PromptMismatchError):
        client.record(prompt.id, model="m", prompt_hash="0" * 64)


def unavailable(**more: bool) -> JsonObject:
    """An error of the whole request, as the server tells it."""
    return {"message": "x", "extensions": {"code": "UNAVAILABLE", **more}}


GARBAGE = httpx.Response(200, text="<html>Welcome to nginx!</html>")
BUSY = httpx.Response(429, headers={"retry-after": "0"})


@pytest.mark.parametrize(
    "happens",
    [away(), httpx.ReadTimeout("late"), httpx.Response(500), httpx.Response(503), BUSY, GARBAGE],
    ids=["away", "late", "500", "503", "429", "garbage"],
)
def test_a_passing_failure_is_not_noticed(server: str, happens: object) -> None:
    """The same request goes out again, with the same id, and the call is there once."""
    network = Network()
    with Client(server, transport=network) as client:
        prompt = client.prompt("support/enterprise")
        network.script.extend([happens, happens])
        recorded = client.record(prompt, model="m")
        assert RecordStatus.RECORDED == recorded.status
        assert [str(recorded.call_id)] * 3 == [
            body["variables"]["input"][0]["callId"] for body in network.asked[-3:]
        ]


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        (away(), StoreUnavailableError),
        (httpx.Response(500, text="oh"), StoreUnavailableError),
        (httpx.Response(200, json={"data": {}}), StoreUnavailableError),
        (
            httpx.Response(200, json={"data": None, "errors": [unavailable(retryable=True)]}),
            StoreUnavailableError,
        ),
        (
            httpx.Response(200, json={"data": None, "errors": [unavailable()]}),
            InvalidRollupError,
        ),
        (httpx.Response(429, headers={"retry-after": "3600"}), StoreUnavailableError),
        (httpx.Response(401), ForbiddenError),
        (httpx.Response(404), InvalidInputError),
        (httpx.Response(302), InvalidInputError),
    ],
    ids=["away", "500", "empty", "UNAVAILABLE", "for good", "429 for an hour", "401", "404", "redirect"],
)
def test_a_lasting_failure_is_typed(happens: object, error: type[Exception]) -> None:
    """After a few tries, soon; what is no use to repeat, at once."""
    network = Network()
    network.always = happens
    with Client("http://localhost:1", transport=network) as client, pytest.raises(error):
        client.record(None, model="m")
    assert len(network.asked) in ((1, 4) if error is StoreUnavailableError else (1,))


def test_the_key_travels_in_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given or from the environment; it is never shown."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(401)

    monkeypatch.setenv("PROMPTGRAPH_API_KEY", "from-outside")
    for key in ("given", None):
        network = Network(answer)
        with Client("http://localhost:1", api_key=key, transport=network) as client:
            assert "given" not in repr(client._core.server)  # noqa: SLF001  # where it is kept
            with pytest.raises(ForbiddenError, match="API key"):
                client.prompt("chat")
    assert ["Bearer given", "Bearer from-outside"] == seen


@pytest.mark.parametrize(
    "options",
    [
        {"label": "latest"},
        {"recorder": "none"},
        {"bundle": "/nowhere.json"},
        {"api_key": "a\nb"},
        {"colour": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_wrong_options_are_told_at_once(options: Any) -> None:
    """Before anything is asked or opened."""
    with pytest.raises(InvalidInputError):
        Client("http://localhost:1", **options)


async def test_the_async_client_does_the_same(server: str) -> None:
    """Prompts, rendering, recording and scoring, on an event loop."""
    async with AsyncClient(server) as client:
        rendered = await client.render("support/triage", ticket="Hi")
        assert (2, "Hi") == (rendered.prompt.version, rendered.messages[-1]["content"])
        async with client.llm_call(rendered, model="m") as call:
            call.first_token()
            call.finish(output="billing", output_tokens=1)
        assert call.recorded is not None
        assert RecordStatus.RECORDED == call.recorded.status
        await client.score(call.call_id, "helpful", label="yes")
        (many,) = await client.record_many([{"prompt": rendered, "model": "m", "facts": {}}])
        assert {"model": "m"} == stored(server, many.call_id, "model")
        assert (
            "support/enterprise" == (await client.assignments("bot")).prompt("triage", {"plan": "gold"}).name
        )
        assert (await client.prompt("chat")).version == 1
        assert await client.record_many([]) == []
