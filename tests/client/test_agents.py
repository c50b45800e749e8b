"""Agents: prompts by role and circumstances, and calls that are observed while they happen."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping

import pytest

from promptgraph import AsyncBaseAgent, AsyncClient, BaseAgent, Client, PromptService, UsesPrompts
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError, NotFoundError
from tests.client.serving import Network, asked, away, stored


class Router(BaseAgent):
    """An agent as its author writes it, on a model that always says the same."""

    def route(self, ticket: str) -> str:
        rendered = self.render_prompt("triage", ticket=ticket)
        with self.llm_call(rendered, model="stub") as call:
            call.finish(output="billing", input_tokens=len(rendered.text), output_tokens=1)
        return "billing"


class Enterprise(UsesPrompts):
    """What was an agent before; it knows its customer."""

    name = "bot"

    def __init__(self, prompts: PromptService) -> None:
        self.prompts = prompts

    @property
    def circumstances(self) -> Mapping[str, Json]:
        return {"plan": "enterprise"}


LAST = """query { agent(name: "bot") { prompt(role: "triage", context: {plan: "gold"}) { id }
  llmCalls(first: 1) { nodes { model status prompt { name version } label agent { name } } } } }"""


def test_a_call_is_linked_to_prompt_and_agent(client: Client, server: str) -> None:
    """Three lines in an agent, and the graph knows which version it sent."""
    assert "billing" == Router("bot", client).route("My card")
    (call,) = asked(server, LAST)["agent"]["llmCalls"]["nodes"]
    assert {"name": "support/triage", "version": 2} == call["prompt"]
    assert ("stub", "OK", "production", {"name": "bot"}) == (
        call["model"], call["status"], call["label"], call["agent"],
    )  # fmt: skip


def test_circumstances_choose_as_the_server_does(client: Client, server: str) -> None:
    """The first assignment that holds; what is given comes on top of the agent's own."""
    theirs = asked(server, LAST)["agent"]["prompt"]["id"]
    prompts = PromptService(client)
    assert theirs == prompts.prompt_for("bot", "triage", {"plan": "gold"}).id
    assert theirs == Enterprise(prompts).render_prompt("triage", name="Ann").prompt.id
    plain = Enterprise(prompts).render_prompt("triage", {"plan": "free"}, ticket="Hi")
    assert "support/triage" == plain.prompt.name
    assert "Hi" == prompts.render("support/triage", {"ticket": "Hi"}).messages[-1]["content"]
    assert 3 == prompts.prompt("support/triage", label="staging").version


@pytest.mark.parametrize(
    ("agent", "role", "words"),
    [("nobody", "triage", "agent nobody"), ("bot", "sing", "'sing'.*it has triage")],
    ids=["agent", "role"],
)
def test_an_assignment_that_is_missing_is_named(client: Client, agent: str, role: str, words: str) -> None:
    """With what there is instead."""
    with pytest.raises(NotFoundError, match=words):
        BaseAgent(agent, client).render_prompt(role)


class BrokenModelError(Exception):
    """What a model's client raises."""


def test_an_exception_is_recorded_and_goes_on(client: Client, server: str) -> None:
    """As an ERROR with its type and words; the caller gets it as it was."""
    prompt = client.prompt("support/enterprise")
    call = client.llm_call(prompt, model="m")
    with pytest.raises(BrokenModelError), call:
        raise BrokenModelError("no\x00 answer")
    assert {"status": "ERROR", "errorType": "BrokenModelError", "errorMessage": "no? answer"} == stored(
        server, call.call_id, "status errorType errorMessage"
    )


def stream() -> Iterator[str]:
    time.sleep(0.03)
    yield "bil"
    time.sleep(0.03)
    yield "ling"


def test_a_stream_tells_its_first_token(client: Client, server: str) -> None:
    """From the start of the block, by the first piece; the latency ends with `finish`, not with the block."""
    prompt = client.prompt("support/enterprise")
    with client.llm_call(prompt, model="m") as call:
        text = ""
        for piece in stream():
            call.first_token()
            text += piece
        call.finish(output=text)
        time.sleep(0.2)
    found = stored(server, call.call_id, "output latencyMs timeToFirstTokenMs")
    assert "billing" == found["output"]
    assert 30 <= found["timeToFirstTokenMs"] <= found["latencyMs"] - 30
    assert found["latencyMs"] < 60 + 150


def test_the_prompts_model_stands_in(client: Client, server: str) -> None:
    """Where the caller names none; without either the call is not begun."""
    with client.llm_call(client.render("support/triage", ticket="Hi")) as call:
        pass
    assert {"model": "gpt-5-mini"} == stored(server, call.call_id, "model")
    with pytest.raises(InvalidInputError, match="model="):
        client.llm_call(client.prompt("support/enterprise"))


def test_contents_that_are_no_json_do_not_lose_the_call(
    client: Client, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is recorded without them, and the log says so."""
    with client.llm_call(client.prompt("support/enterprise"), model="m") as call:
        call.finish(output=object(), input_tokens=3)
    assert {"inputTokens": 3, "output": None} == stored(server, call.call_id, "inputTokens output")
    assert "without its contents" in caplog.text


def test_a_recorder_that_fails_keeps_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The model was paid; the log says which call is missing."""
    network = Network()
    network.always = away()
    with Client("http://localhost:1", transport=network) as client:
        with client.llm_call("UHJvbXB0CmEKMQ", model="m") as call:
            call.finish(output="paid for")
        assert call.recorded is None
    assert [str(call.call_id)] == [
        w for r in caplog.records if r.levelno == logging.ERROR for w in r.message.split() if "-" in w
    ]


async def test_async_agents_do_the_same(server: str) -> None:
    """By role, observed, with errors and many at once."""
    async with AsyncClient(server, environment="async") as client:
        agent = AsyncBaseAgent("bot", client)

        async def route(ticket: str) -> object:
            rendered = await agent.render_prompt("triage", ticket=ticket)
            async with agent.llm_call(rendered) as call:
                await asyncio.sleep(0.01)
                call.finish(output="billing")
            return call.call_id

        ids = await asyncio.gather(*(route(f"ticket {number}") for number in range(10)))
        for call_id in ids:
            found = await asyncio.to_thread(stored, server, call_id, "latencyMs environment agent { name }")
            assert found.pop("latencyMs") >= 10
            assert {"environment": "async", "agent": {"name": "bot"}} == found
        failing = agent.llm_call(await agent.prompts.render("support/triage", ticket="Hi"))
        with pytest.raises(TimeoutError):
            async with failing, asyncio.timeout(0.01):
                await asyncio.sleep(5)
        assert {"errorType": "TimeoutError"} == await asyncio.to_thread(
            stored, server, failing.call_id, "errorType"
        )
