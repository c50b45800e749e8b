"""A call while it happens: when it began, how long it took, how it ended. Recorded when its block ends."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, Unpack
from uuid import UUID

from promptgraph.client.calls import CONTENTS, CallFacts, Of, Recorded
from promptgraph.client.prompts import Prompt, Rendered
from promptgraph.domain.call import CallStatus
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import InvalidInputError, PromptgraphError
from promptgraph.domain.text import cleaned_text

log = logging.getLogger("promptgraph.client")

T = TypeVar("T")
Record: TypeAlias = Callable[[Of, str, Mapping[str, Any]], T]
"""Records a call: what it was made with, the model, the facts."""

MAX_MESSAGE = 4_096


class _Observed:
    """What both kinds share. `call_id` is the call's from the start. Latency comes from the monotonic clock,
    so a clock that is set meanwhile does not count.
    """

    __slots__ = ("_began", "_facts", "_model", "_of", "call_id", "recorded")

    call_id: UUID
    recorded: Recorded | None
    """What became of it, once the block has ended; None where it could not be recorded, which is logged."""

    def __init__(self, of: Of, model: str | None, facts: CallFacts) -> None:
        self._of = of
        self._model = model or _usual_model(of)
        given = facts.get("call_id")
        self.call_id = new_call_id() if given is None else UUID(str(given))
        self._facts: dict[str, Any] = {**facts, "call_id": self.call_id}
        self.recorded = None

    def finish(self, **facts: Unpack[CallFacts]) -> None:
        """Say what came of it: `output`, tokens, and whatever else a call may say."""
        self._facts.update(facts)
        self._facts["latency_ms"] = facts.get("latency_ms") or self._elapsed_ms()

    def first_token(self) -> None:
        """The first token came now; only the first time counts."""
        self._facts.setdefault("time_to_first_token_ms", self._elapsed_ms())

    def _begin(self) -> None:
        if self._facts.get("started_at") is None:
            self._facts["started_at"] = dt.datetime.now(dt.UTC).isoformat()
        self._began = time.perf_counter()

    def _elapsed_ms(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 3)

    def _ended(self, error: BaseException | None) -> dict[str, Any]:
        """What is known now. A call that was finished ended then, however long its answer is worked with."""
        facts = self._facts
        if error is not None:
            facts["latency_ms"] = self._elapsed_ms()
            facts["status"] = CallStatus.ERROR
            facts.setdefault("error_type", type(error).__name__)
            facts.setdefault("error_message", cleaned_text(str(error), MAX_MESSAGE))
        elif "latency_ms" not in facts:
            facts["latency_ms"] = self._elapsed_ms()
        return facts

    def _bare(self) -> dict[str, Any]:
        """The same without its contents, where those are not JSON."""
        for name in CONTENTS:
            self._facts[name] = None
        return self._facts

    def _lost(self, error: PromptgraphError) -> None:
        """A recorder that fails must not take the model's answer with it."""
        log.error("The call %s could not be recorded: %s", self.call_id, error)


class ObservedCall(_Observed):
    """`with client.llm_call(rendered, model="…") as call:`; leave it by an exception, and the call is an
    ERROR with the exception's type.
    """

    __slots__ = ("_record",)

    def __init__(self, record: Record[Recorded], of: Of, model: str | None, facts: CallFacts) -> None:
        super().__init__(of, model, facts)
        self._record = record

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.recorded = self._record(self._of, self._model, self._ended(error))
        except InvalidInputError as flaw:
            self._lost_contents(flaw)
        except PromptgraphError as away:
            self._lost(away)

    def _lost_contents(self, flaw: InvalidInputError) -> None:
        try:
            self.recorded = self._record(self._of, self._model, self._bare())
            log.warning("The call %s was recorded without its contents: %s", self.call_id, flaw)
        except PromptgraphError as error:
            self._lost(error)


class AsyncObservedCall(_Observed):
    """`async with client.llm_call(rendered, model="…") as call:`, as ObservedCall."""

    __slots__ = ("_record",)

    def __init__(
        self, record: Record[Awaitable[Recorded]], of: Of, model: str | None, facts: CallFacts
    ) -> None:
        super().__init__(of, model, facts)
        self._record = record

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.recorded = await self._record(self._of, self._model, self._ended(error))
        except InvalidInputError as flaw:
            await self._lost_contents(flaw)
        except PromptgraphError as away:
            self._lost(away)

    async def _lost_contents(self, flaw: InvalidInputError) -> None:
        try:
            self.recorded = await self._record(self._of, self._model, self._bare())
            log.warning("The call %s was recorded without its contents: %s", self.call_id, flaw)
        except PromptgraphError as error:
            self._lost(error)


def _usual_model(of: Of) -> str:
    prompt = of.prompt if isinstance(of, Rendered) else of
    model = prompt.model if isinstance(prompt, Prompt) else None
    if model is None:
        raise InvalidInputError(
            "Say which model is called: model=…; the prompt recommends none.", field="model"
        )
    return model
