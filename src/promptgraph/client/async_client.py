"""The client for asyncio: as `Client`, with `await`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack, cast
from uuid import UUID

import httpx

from promptgraph.client.agents import Assignments
from promptgraph.client.cache import Key, Value
from promptgraph.client.calls import CallDraft, CallFacts, Of, Recorded, ScoreFacts
from promptgraph.client.core import Core, Options, settled
from promptgraph.client.courier import LAST_WORDS_S, Flushed
from promptgraph.client.http import AsyncShell
from promptgraph.client.live import AsyncListener
from promptgraph.client.observed import AsyncObservedCall
from promptgraph.client.prompts import Prompt, Rendered
from promptgraph.domain.canonical import Json


class AsyncClient:
    """A promptgraph server for one event loop, as `Client` for threads. With a recorder in the background a
    thread of its own delivers, so a loop that is busy holds up nothing; `transport` is not for that thread.

    raises  InvalidInputError  an option is wrong, or the bundle cannot be read
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._core = Core(server, options)
        self._shell = AsyncShell(self._core.server, transport, self._core.timeout_s)
        self._listener = AsyncListener(self._shell, self._core.cache.drop) if self._core.live else None
        self._refresh: asyncio.Task[None] | None = None

    async def prompt(self, name: str, *, label: str | None = None, version: int | None = None) -> Prompt:
        """As `Client.prompt`."""
        return cast("Prompt", await self._looked(self._core.key(name, label, version)))

    async def render(
        self,
        name: str,
        variables: Mapping[str, Json] | None = None,
        /,
        *,
        label: str | None = None,
        version: int | None = None,
        **more: Json,
    ) -> Rendered:
        """As `Client.render`."""
        prompt = cast("Prompt", await self._looked(self._core.key(name, label, version)))
        return prompt.render({**variables, **more} if variables else more)

    async def assignments(self, agent: str) -> Assignments:
        """As `Client.assignments`."""
        return cast("Assignments", await self._looked(agent))

    async def record(self, prompt: Of, *, model: str, **facts: Unpack[CallFacts]) -> Recorded:
        """As `Client.record`."""
        return await self._recorded(prompt, model, facts)

    async def _recorded(self, prompt: Of, model: str, facts: Mapping[str, Any]) -> Recorded:
        row = self._core.call(prompt, model, facts)
        kept = self._core.kept(row)
        return kept or settled((await self._shell.run(self._core.recorded([row])))[0])

    async def record_many(self, calls: Sequence[CallDraft]) -> list[Recorded]:
        """As `Client.record_many`."""
        rows = self._core.calls(calls)
        if self._core.courier is not None:
            return self._core.kept_each(rows)
        return await self._shell.run(self._core.recorded(rows)) if rows else []

    async def score(self, call: UUID | str, name: str, **facts: Unpack[ScoreFacts]) -> Recorded:
        """As `Client.score`."""
        row = self._core.score(call, name, facts)
        kept = self._core.kept(row)
        return kept or settled((await self._shell.run(self._core.recorded([row])))[0])

    def llm_call(
        self, prompt: Of, *, model: str | None = None, **facts: Unpack[CallFacts]
    ) -> AsyncObservedCall:
        """As `Client.llm_call`, for `async with`."""
        return AsyncObservedCall(self._recorded, prompt, model, facts)

    async def flush(self, timeout: float = 10.0) -> Flushed:  # noqa: ASYNC109  # as Client.flush: it answers, it does not raise
        """As `Client.flush`."""
        return await asyncio.to_thread(self._core.flush, timeout)

    async def close(self, timeout: float = LAST_WORDS_S) -> None:  # noqa: ASYNC109  # as Client.close
        """As `Client.close`."""
        if self._listener is not None:
            await self._listener.stop()
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)
        await asyncio.to_thread(self._core.close, timeout)
        await self._shell.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _looked(self, key: Key) -> Value:
        cache = self._core.cache
        if self._listener is not None:
            self._listener.start()
        value = cache.served(key)
        if value is None:
            return await self._shell.run(self._core.found(key))
        if cache.is_stale(key) and cache.claim_refresh():
            self._refresh = asyncio.create_task(self._shell.run(self._core.refreshed()))
        return value
