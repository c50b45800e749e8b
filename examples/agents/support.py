"""A support agent that runs offline, but for promptgraph: its model is a stub. Plain, async, and streaming.

promptgraph demo                      # in another terminal, or any server: PROMPTGRAPH_SERVER
python examples/agents/support.py
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from promptgraph import AsyncBaseAgent, AsyncClient, BaseAgent, Client

TICKET = "My card was declined twice, and my flight leaves tonight."


class StubModel:
    """Answers as a model would, always the same."""

    def complete(self, messages: list[dict[str, Any]]) -> tuple[str, int, int]:
        """The answer, the tokens sent and the tokens made."""
        return "billing", sum(len(str(m["content"]).split()) for m in messages), 1

    def stream(self, _messages: list[dict[str, Any]]) -> Iterator[str]:
        """The answer, piece by piece."""
        yield from ("We are ", "looking into ", "your card.")

    async def astream(self, messages: list[dict[str, Any]]) -> AsyncIterator[str]:
        """As `stream`."""
        for piece in self.stream(messages):
            await asyncio.sleep(0)
            yield piece


MODEL = StubModel()


class Support(BaseAgent):
    """Routes a ticket, then answers it."""

    def route(self, ticket: str) -> str:
        """The queue that the ticket belongs to."""
        rendered = self.render_prompt("triage", ticket=ticket)
        with self.llm_call(rendered, provider="stub") as call:
            queue, sent, made = MODEL.complete(rendered.messages)
            call.finish(output=queue, input_tokens=sent, output_tokens=made)
        return queue

    def answer(self, question: str) -> str:
        """The reply, from a stream."""
        rendered = self.render_prompt("answer", {"plan": "free"}, question=question)
        text = ""
        with self.llm_call(rendered, provider="stub") as call:
            for piece in MODEL.stream(rendered.messages):
                call.first_token()
                text += piece
            call.finish(output=text)
        return text


class AsyncSupport(AsyncBaseAgent):
    """The same on an event loop."""

    async def answer(self, question: str) -> str:
        """The reply, from a stream."""
        rendered = await self.render_prompt("answer", {"plan": "free"}, question=question)
        text = ""
        async with self.llm_call(rendered, provider="stub") as call:
            async for piece in MODEL.astream(rendered.messages):
                call.first_token()
                text += piece
            call.finish(output=text)
        return text


async def many(questions: list[str]) -> list[str]:
    """Several tickets at once."""
    async with AsyncClient(recorder="background", environment="example") as client:
        agent = AsyncSupport("support-bot", client)
        return await asyncio.gather(*(agent.answer(question) for question in questions))


def main() -> None:
    """One ticket plainly, three at once."""
    with Client(recorder="background", environment="example") as client:
        agent = Support("support-bot", client)
        print("queue: ", agent.route(TICKET))
        print("answer:", agent.answer(TICKET))
        print(client.flush())
    print("async: ", len(asyncio.run(many([TICKET] * 3))), "answers")


if __name__ == "__main__":
    main()
