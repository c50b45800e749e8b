"""From what a caller sends to what is stored: checked, linked, hashed, priced, or refused."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from promptgraph.domain.call import (
    FACTS,
    PLACES,
    CallContent,
    CostSource,
    LlmCall,
    NewCall,
    RecordWarning,
    micros,
    nanos,
)
from promptgraph.domain.call_hash import hash_scheme, idempotency_hash
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.call_rules import EARLIEST, check_call, warnings_of
from promptgraph.domain.canonical import json_size
from promptgraph.domain.errors import InvalidInputError, PromptgraphError
from promptgraph.domain.retention import kept_from, start_of
from promptgraph.record.callers import MAX_UNDECLARED, Agents
from promptgraph.record.keeping import Keeper, Kept, Sent
from promptgraph.record.linking import FIELD, Linked, Prompts
from promptgraph.record.prices import PriceBook
from promptgraph.store.database import Database

T = TypeVar("T")
U = TypeVar("U")

BREATH = 50
"""After so many rows the event loop gets its turn."""

AS_SENT = (*FACTS, *PLACES, "rendered_hash")
_as_sent = attrgetter(*AS_SENT)

ROW_BYTES = 4_096
"""About what a row takes beside its contents."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that may be stored. `facts` are fields of LlmCall, all but the instants that only the commit
    knows; `started_at` is the caller's, if it sent one.

    units  size: about how many bytes it is, written as JSON
    """

    id: UUID
    digest: str
    facts: dict[str, Any]
    started_at: dt.datetime | None
    content: CallContent | None
    warnings: tuple[RecordWarning, ...] = ()
    size: int = ROW_BYTES

    def call(self, recorded_at: dt.datetime) -> LlmCall:
        """The call, as it is stored at this instant."""
        return LlmCall(**self.facts, started_at=self.started_at or recorded_at, recorded_at=recorded_at)


Outcome: TypeAlias = Prepared | PromptgraphError


class Preparer:
    """Makes rows of calls. `unlinked`: whether a call may name no prompt; `retention_days`: how old one is at
    most; `keeper` says what is stored of what it was about.
    """

    def __init__(
        self,
        db: Database,
        prices: PriceBook,
        *,
        now: Callable[[], dt.datetime],
        unlinked: bool,
        retention_days: int | None,
        keeper: Keeper,
    ) -> None:
        self._prompts = Prompts(db)
        self._agents = Agents(db, now)
        self._prices = prices
        self._now = now
        self._unlinked = unlinked
        self._days = retention_days
        self._keeper = keeper

    async def prepare(self, calls: Sequence[NewCall]) -> list[Outcome]:
        """For each call what would be stored, or why it is refused.

        raises  StoreUnavailableError  the database is out of reach, and prompts or agents must be looked up
        cost    about 100 µs a call beside its contents; what must be looked up, once for all calls
        """
        now = self._now()
        oldest = EARLIEST if self._days is None else start_of(kept_from(now, self._days))
        found = await _in_turns(lambda call: self._flaw(call, now, oldest), calls)
        sound = [call for call, flaw in zip(calls, found, strict=True) if flaw is None]
        prompts = await self._prompts.find(call.prompt_id for call in sound if call.prompt_id is not None)
        links = [flaw or _link(call, prompts) for call, flaw in zip(calls, found, strict=True)]
        named = zip(calls, links, strict=True)
        agents = await self._agents.find(
            call.agent for call, link in named if call.agent and not isinstance(link, PromptgraphError)
        )
        rows = list(zip(calls, links, await self._redacted(calls, links), strict=True))
        return await _in_turns(lambda row: self._outcome(*row, agents, now), rows)

    async def _redacted(
        self, calls: Sequence[NewCall], links: Sequence[Linked | PromptgraphError | None]
    ) -> list[Sent | None]:
        """What a redaction leaves of each call; one that is refused it is not shown."""
        rows = [
            (call, link)
            for call, link in zip(calls, links, strict=True)
            if not isinstance(link, PromptgraphError)
        ]
        sent = iter(await self._keeper.redacted(rows))
        return [None if isinstance(link, PromptgraphError) else next(sent) for link in links]

    def _flaw(self, call: NewCall, now: dt.datetime, oldest: dt.datetime) -> PromptgraphError | None:
        try:
            check_call(call, now, oldest)
        except InvalidInputError as error:
            return error
        if call.prompt_id is None and not self._unlinked:
            return InvalidInputError(
                "promptId is missing: say which version of a prompt was sent. This server takes calls"
                " without one only with UNLINKED_CALLS=accept.",
                field=FIELD,
            )
        return None

    def _outcome(
        self,
        call: NewCall,
        link: Linked | PromptgraphError | None,
        redacted: Sent | None,
        agents: Mapping[str, int | None],
        now: dt.datetime,
    ) -> Outcome:
        if isinstance(link, PromptgraphError):
            return link
        return self._prepared(call, link, redacted, agents, now)

    def _prepared(
        self,
        call: NewCall,
        link: Linked | None,
        redacted: Sent | None,
        agents: Mapping[str, int | None],
        now: dt.datetime,
    ) -> Prepared:
        id_ = call.call_id or new_call_id()
        digest = idempotency_hash(call, link.id if link else None)
        kept = self._keeper.kept(id_, call, link, redacted)
        facts: dict[str, Any] = dict(zip(AS_SENT, _as_sent(call), strict=True))
        facts |= {
            "id": id_,
            "prompt_id": link.id if link else None,
            "agent_id": agents.get(call.agent) if call.agent else None,
            "latency_us": _micros(call.latency_ms),
            "time_to_first_token_us": _micros(call.time_to_first_token_ms),
            "error_message": kept.error_message,
            "rendered_hash": call.rendered_hash if _is_whole(kept, call) else None,
            "content_state": kept.state,
            "content_hash": digest,
            "hash_scheme": hash_scheme(call),
        }
        facts["cost_nano_usd"], facts["cost_source"] = self._cost(call, now)
        warnings = (*warnings_of(call), *_misfits(call, link), *_crowd(call, agents), *kept.warnings)
        size = ROW_BYTES + sum(
            json_size(each) for each in (call.variables, call.output, call.metadata) if each
        )
        return Prepared(id_, digest, facts, call.started_at, kept.content, warnings, size)

    def _cost(self, call: NewCall, now: dt.datetime) -> tuple[int | None, CostSource | None]:
        if call.cost_usd is not None:
            return nanos(call.cost_usd), CostSource.REPORTED
        price = self._prices.price(call, call.started_at or now)
        return (price.nano_usd, price.source) if price else (None, None)


async def _in_turns(make: Callable[[T], U], rows: Sequence[T]) -> list[U]:
    """What `make` makes of each row; after each BREATH of them others get their turn."""
    made: list[U] = []
    for start in range(0, len(rows), BREATH):
        if start:
            await asyncio.sleep(0)
        made += map(make, rows[start : start + BREATH])
    return made


def _link(
    call: NewCall, prompts: Mapping[str, Linked | PromptgraphError]
) -> Linked | PromptgraphError | None:
    """The version that a call names, None for none, or why it may not be named."""
    if call.prompt_id is None:
        return None
    link = prompts[call.prompt_id]
    if isinstance(link, Linked):
        try:
            link.check_hash(call.prompt_hash)
        except PromptgraphError as error:
            return error
    return link


def _is_whole(kept: Kept, call: NewCall) -> bool:
    """Whether all variables are stored as they were sent: a hash of the text that they made is of no use
    without them, but to try what they might have been.
    """
    stored = kept.content.variables if kept.content else None
    return stored is call.variables or stored == call.variables


def _misfits(call: NewCall, link: Linked | None) -> tuple[RecordWarning, ...]:
    misfit = link.misfit(call.variables) if link and call.variables is not None else None
    if misfit is None:
        return ()
    return (RecordWarning("VARIABLES_MISFIT", misfit.field, f"{misfit} The call was recorded all the same."),)


def _crowd(call: NewCall, agents: Mapping[str, int | None]) -> tuple[RecordWarning, ...]:
    if call.agent is None or agents[call.agent] is not None:
        return ()
    message = (
        f"There are {MAX_UNDECLARED} agents already that no file declares; the call was recorded without its"
        " agent. Declare the agent in a file, or send names that do not change from call to call."
    )
    return (RecordWarning("TOO_MANY_AGENTS", "agent", message),)


def _micros(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else micros(milliseconds)
