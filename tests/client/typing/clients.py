"""What a type checker says of the clients: checked, never run."""

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


def sync(client: Client) -> None:
    assert_type(client.prompt("a"), Prompt)
    rendered = client.render("a", label="staging", ticket="x", history=[])
    assert_type(rendered, Rendered)
    assert_type(rendered.text, str)
    assert_type(rendered.prompt.version, int)
    assert_type(client.record(rendered, model="m", input_tokens=1, output={"a": 1}), Recorded)
    client.record(rendered, model="m", input_tokens="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a number
    client.record(rendered, model="m", tokens=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no such fact
    client.record(rendered)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the model is missing
    assert_type(client.flush(1.0), Flushed)
    with client.llm_call(rendered) as call:
        assert_type(call, ObservedCall)
        call.finish(**llm_call_from({}))
        call.finish(outputs="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no such fact
    Client("http://localhost", recorder="queue")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no such recorder
    assert_type(llm_call_from({}), CallFacts)
    assert_type(PromptService(client).prompt_for("bot", "triage"), Prompt)
    assert_type(BaseAgent("bot", client).render_prompt("triage", {"plan": "gold"}, ticket="x"), Rendered)


async def not_sync(client: AsyncClient) -> None:
    assert_type(await client.prompt("a", version=2), Prompt)
    rendered = await client.render("a", {"ticket": "x"})
    assert_type(rendered, Rendered)
    assert_type(await client.record(rendered, model="m"), Recorded)
    async with client.llm_call(rendered, model="m") as call:
        assert_type(call, AsyncObservedCall)
    assert_type(await client.flush(), Flushed)
    assert_type(await AsyncBaseAgent("bot", client).render_prompt("triage", ticket="x"), Rendered)
