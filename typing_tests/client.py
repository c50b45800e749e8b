"""What a checker sees of the client: checked, never run. An ignore that is not needed is an error, so each
says that a mistake is found.
"""

from __future__ import annotations

from typing import assert_type

from promptgraph import (
    AsyncBaseAgent,
    AsyncClient,
    BaseAgent,
    CallFacts,
    Client,
    Flushed,
    Prompt,
    PromptService,
    Recorded,
    Rendered,
    llm_call_from,
)
from promptgraph.client.observed import AsyncObservedCall, ObservedCall


def waiting(client: Client) -> None:
    """Each answer has its type."""
    assert_type(client.prompt("triage", label="staging"), Prompt)
    rendered = client.render("triage", {"label": "a variable"}, ticket="x")
    assert_type(rendered, Rendered)
    assert_type(rendered.prompt, Prompt)
    assert_type(rendered.prompt.version, int)
    assert_type(rendered.text, str)
    assert_type(client.record(rendered, model="m", input_tokens=1, output={"a": 1}), Recorded)
    assert_type(client.record_many([{"prompt": rendered, "model": "m"}]), list[Recorded])
    assert_type(client.flush(1.0), Flushed)
    with client.llm_call(rendered, model="m", conversation_id="c") as call:
        assert_type(call, ObservedCall)
        call.finish(**llm_call_from({}))
        assert_type(call.recorded, Recorded | None)


async def awaiting(client: AsyncClient) -> None:
    """The same with `await`."""
    assert_type(await client.prompt("triage"), Prompt)
    assert_type(await client.render("triage", {"ticket": "x"}), Rendered)
    assert_type(await client.record("an id", model="m"), Recorded)
    assert_type(await client.flush(), Flushed)
    async with client.llm_call(None, model="m") as call:
        assert_type(call, AsyncObservedCall)
        call.finish(output={"queue": "billing"})


async def agents(client: Client, awaited: AsyncClient) -> None:
    """Agents and services."""
    assert_type(PromptService(client).prompt_for("bot", "triage"), Prompt)
    assert_type(BaseAgent("bot", client).render_prompt("triage", {"plan": "gold"}, ticket="x"), Rendered)
    assert_type(await AsyncBaseAgent("bot", awaited).render_prompt("triage", ticket="x"), Rendered)
    assert_type(llm_call_from(object()), CallFacts)


def mistakes(client: Client) -> None:
    """Found before anything runs."""
    client.record("an id", model="m", input_tokens="12")  # type: ignore[arg-type]  # a number
    client.record("an id", model="m", latency=1.0)  # type: ignore[call-arg]  # latency_ms
    client.record("an id")  # type: ignore[call-arg]  # a call has a model
    client.llm_call("an id", model="m").finish(outputs="x")  # type: ignore[call-arg]  # output
    Client("https://prompts.example.com", recorder="later")  # type: ignore[arg-type]  # there is no such
    client.prompt("triage", version="2")  # type: ignore[arg-type]  # a number
