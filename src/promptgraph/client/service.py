"""Prompts for agents: a service that always gives the record with the text, a mixin for what already is an
agent, and a small agent to start from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from promptgraph.client.async_client import AsyncClient
from promptgraph.client.calls import CallFacts, Of
from promptgraph.client.client import Client
from promptgraph.client.observed import AsyncObservedCall, ObservedCall
from promptgraph.client.prompts import Prompt, Rendered
from promptgraph.domain.canonical import Json, JsonObject

NOWHERE: Mapping[str, Json] = {}


class PromptService:
    """Prompts by name, or by what they are to an agent; never a text without its record."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def prompt(self, name: str, *, label: str | None = None, version: int | None = None) -> Prompt:
        """As `Client.prompt`."""
        return self.client.prompt(name, label=label, version=version)

    def render(self, name: str, variables: Mapping[str, Json] | None = None, /, **more: Json) -> Rendered:
        """As `Client.render`, by the client's usual label; every name is a variable's."""
        return self.client.render(name, {**(variables or {}), **more})

    def prompt_for(self, agent: str, role: str, circumstances: Mapping[str, Json] = NOWHERE) -> Prompt:
        """The prompt that `agent` uses for `role`: that of the role's first assignment that holds.

        raises  NotFoundError  none does
        """
        return self.client.assignments(agent).prompt(role, circumstances)

    def render_for(
        self, agent: str, role: str, variables: JsonObject, circumstances: Mapping[str, Json] = NOWHERE
    ) -> Rendered:
        """What `agent` sends for `role`.

        raises  NotFoundError      no assignment holds
                InvalidInputError  the variables do not fit
        """
        return self.prompt_for(agent, role, circumstances).render(variables)


class UsesPrompts:
    """For a class that has a `name` and, as `prompts`, a PromptService: it asks for prompts by role, and its
    calls are recorded as its own.
    """

    name: str
    prompts: PromptService

    @property
    def circumstances(self) -> Mapping[str, Json]:
        """What holds now, for the assignments' `when`; nothing by default."""
        return NOWHERE

    def render_prompt(
        self, role: str, circumstances: Mapping[str, Json] | None = None, /, **variables: Json
    ) -> Rendered:
        """What to send for `role`, by the agent's assignments; `circumstances` come on top of its own.

        raises  as `PromptService.render_for`
        """
        holding = {**self.circumstances, **(circumstances or {})}
        return self.prompts.render_for(self.name, role, variables, holding)

    def llm_call(self, prompt: Of, *, model: str | None = None, **facts: Unpack[CallFacts]) -> ObservedCall:
        """As `Client.llm_call`, by this agent."""
        facts.setdefault("agent", self.name)
        return self.prompts.client.llm_call(prompt, model=model, **facts)


class BaseAgent(UsesPrompts):
    """An agent by name, on a client."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.prompts = PromptService(client)


class AsyncPromptService:
    """As PromptService, with `await`."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def prompt(self, name: str, *, label: str | None = None, version: int | None = None) -> Prompt:
        """As `Client.prompt`."""
        return await self.client.prompt(name, label=label, version=version)

    async def render(
        self, name: str, variables: Mapping[str, Json] | None = None, /, **more: Json
    ) -> Rendered:
        """As `PromptService.render`."""
        return await self.client.render(name, {**(variables or {}), **more})

    async def prompt_for(self, agent: str, role: str, circumstances: Mapping[str, Json] = NOWHERE) -> Prompt:
        """As `PromptService.prompt_for`."""
        return (await self.client.assignments(agent)).prompt(role, circumstances)

    async def render_for(
        self, agent: str, role: str, variables: JsonObject, circumstances: Mapping[str, Json] = NOWHERE
    ) -> Rendered:
        """As `PromptService.render_for`."""
        return (await self.prompt_for(agent, role, circumstances)).render(variables)


class AsyncUsesPrompts:
    """As UsesPrompts, on an AsyncPromptService."""

    name: str
    prompts: AsyncPromptService

    @property
    def circumstances(self) -> Mapping[str, Json]:
        """What holds now, for the assignments' `when`; nothing by default."""
        return NOWHERE

    async def render_prompt(
        self, role: str, circumstances: Mapping[str, Json] | None = None, /, **variables: Json
    ) -> Rendered:
        """As `UsesPrompts.render_prompt`."""
        holding = {**self.circumstances, **(circumstances or {})}
        return await self.prompts.render_for(self.name, role, variables, holding)

    def llm_call(
        self, prompt: Of, *, model: str | None = None, **facts: Unpack[CallFacts]
    ) -> AsyncObservedCall:
        """As `AsyncClient.llm_call`, by this agent."""
        facts.setdefault("agent", self.name)
        return self.prompts.client.llm_call(prompt, model=model, **facts)


class AsyncBaseAgent(AsyncUsesPrompts):
    """As BaseAgent, on an AsyncClient."""

    def __init__(self, name: str, client: AsyncClient) -> None:
        self.name = name
        self.prompts = AsyncPromptService(client)
