"""The client for programs that wait: threads, scripts, notebooks, WSGI workers."""

from __future__ import annotations

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
from promptgraph.client.http import Shell
from promptgraph.client.live import Listener
from promptgraph.client.observed import ObservedCall
from promptgraph.client.prompts import Prompt, Rendered
from promptgraph.client.threads import begun
from promptgraph.domain.canonical import Json


class Client:
    """A promptgraph server for programs that wait. Any number of threads may use one; it survives a fork, and
    starts no thread before it needs one. `server` is its address: PROMPTGRAPH_SERVER, or this machine's.

    raises  InvalidInputError  an option is wrong, or the bundle cannot be read
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._core = Core(server, options, None if transport is None else lambda: self._shell)
        self._shell = Shell(self._core.server, transport, self._core.timeout_s)
        self._listener = Listener(self._shell, self._core.cache.drop) if self._core.live else None

    def prompt(self, name: str, *, label: str | None = None, version: int | None = None) -> Prompt:
        """A prompt: this version, or what a label points to; the client's usual label where nothing is said,
        and the latest version, with a warning, where the prompt lacks that.

        raises  NotFoundError          there is none
                StoreUnavailableError  the server is away, and neither memory nor bundle has it
        """
        return cast("Prompt", self._looked(self._core.key(name, label, version)))

    def render(
        self,
        name: str,
        variables: Mapping[str, Json] | None = None,
        /,
        *,
        label: str | None = None,
        version: int | None = None,
        **more: Json,
    ) -> Rendered:
        """What to send, rendered here: `.messages`, `.text`, and the `.prompt` it was made from. Variables
        are given by name; one that is called `label` or `version` goes into the mapping.

        raises  as `prompt`, and InvalidInputError or TemplateError where the variables do not fit
        """
        prompt = cast("Prompt", self._looked(self._core.key(name, label, version)))
        return prompt.render({**variables, **more} if variables else more)

    def assignments(self, agent: str) -> Assignments:
        """Which prompts an agent uses, by role and circumstances.

        raises  as `prompt`
        """
        return cast("Assignments", self._looked(agent))

    def record(self, prompt: Of, *, model: str, **facts: Unpack[CallFacts]) -> Recorded:
        """Record a call by the prompt that it was made with. With a recorder in the background it is in the
        outbox on return, else at the server; to send it again, with the same `call_id`, is safe.

        raises  StoreUnavailableError  the server or the outbox takes nothing now
                PromptgraphError       the server refuses the call
        """
        return self._recorded(prompt, model, facts)

    def _recorded(self, prompt: Of, model: str, facts: Mapping[str, Any]) -> Recorded:
        row = self._core.call(prompt, model, facts)
        kept = self._core.kept(row)
        return kept or settled(self._shell.run(self._core.recorded([row]))[0])

    def record_many(self, calls: Sequence[CallDraft]) -> list[Recorded]:
        """Record calls, each as by `record`; what became of each, in order. One that is refused, or for which
        server or outbox had no room, has an `error` and holds up no other.

        raises  StoreUnavailableError  the server takes nothing now
                InvalidInputError      a value has not the type that it must have; nothing was stored
        """
        rows = self._core.calls(calls)
        if self._core.courier is not None:
            return self._core.kept_each(rows)
        return self._shell.run(self._core.recorded(rows)) if rows else []

    def score(self, call: UUID | str, name: str, **facts: Unpack[ScoreFacts]) -> Recorded:
        """Say what a recorded call is worth: a value, a label, or both.

        raises  as `record`
        """
        row = self._core.score(call, name, facts)
        kept = self._core.kept(row)
        return kept or settled(self._shell.run(self._core.recorded([row]))[0])

    def llm_call(self, prompt: Of, *, model: str | None = None, **facts: Unpack[CallFacts]) -> ObservedCall:
        """A call to be observed: `with client.llm_call(rendered, model="…") as call: … call.finish(…)`. It is
        recorded when the block ends, OK or ERROR. The prompt's model stands in where none is given.
        """
        return ObservedCall(self._recorded, prompt, model, facts)

    def flush(self, timeout: float = 10.0) -> Flushed:
        """Wait until what is in the outbox now is at the server, at most `timeout` seconds."""
        return self._core.flush(timeout)

    def close(self, timeout: float = LAST_WORDS_S) -> None:
        """Deliver what can be delivered in time, and close everything; what is left stays in the outbox."""
        if self._listener is not None:
            self._listener.stop()
        self._core.close(timeout)
        self._shell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _looked(self, key: Key) -> Value:
        cache = self._core.cache
        if self._listener is not None:
            self._listener.start()
        value = cache.served(key)
        if value is None:
            return self._shell.run(self._core.found(key))
        claimed = cache.is_stale(key) and cache.claim_refresh()
        if claimed and begun(self._shell.run, "refresh", self._core.refreshed()) is None:
            cache.release_refresh(failed=True)
        return value
