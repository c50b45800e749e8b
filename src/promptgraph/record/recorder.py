"""Recording: calls that arrive together share a commit, and each is answered after the commit that holds it.

No timer: the writer takes whatever is waiting, commits it, and looks again. A row leaves memory only once it
is answered.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from time import monotonic
from typing import NamedTuple, TypeAlias
from uuid import UUID

from promptgraph.domain.call import LlmCall, NewCall, RecordStatus, RecordWarning
from promptgraph.domain.call_hash import is_same
from promptgraph.domain.call_rules import began, check_kept, check_rows
from promptgraph.domain.errors import (
    IdempotencyConflictError,
    InvalidInputError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.record.earlier import is_about_today, stored_earlier
from promptgraph.record.keeping import Keeper
from promptgraph.record.preparing import Outcome, Prepared, Preparer
from promptgraph.record.prices import PriceBook
from promptgraph.record.tallies import Tallies
from promptgraph.store.attempts import attempted
from promptgraph.store.bulk import Driver
from promptgraph.store.call_writes import add_calls, confirm
from promptgraph.store.calls import calls_by_id
from promptgraph.store.database import Database
from promptgraph.store.retention import moment

log = logging.getLogger("promptgraph.record")

QUEUE_LIMIT, QUEUE_BYTES = 10_000, 64 * 1024 * 1024
BATCH, BATCH_BYTES = 500, 8 * 1024 * 1024

CONFLICT = (
    "callId was used for another call, which stays as it is. A retry must send the same values;"
    " another call needs an id of its own."
)
CROWDED = "Too many calls wait to be written; send this one again, with the same callId."
STOPPING = "This server is stopping; send the call again, with the same callId."
UNKNOWN = "Nobody knows whether this call was stored; send it again, with the same callId."
UNSTORABLE = "The database refused this call; no other call of its batch was held up by it."

_by_id = attrgetter("id.int")
"""Everybody writes in one order: of two that meet the second waits, and the first for nobody."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one call. `call` is the stored one, of a duplicate the first; `error` says why a
    rejected one is not stored, and whether to try again.
    """

    status: RecordStatus
    call_id: UUID | None = None
    call: LlmCall | None = None
    warnings: tuple[RecordWarning, ...] = ()
    error: PromptgraphError | None = None


class _Stored(NamedTuple):
    """What is stored under an id, and whether this commit put it there."""

    call: LlmCall
    new: bool


_Fate: TypeAlias = _Stored | PromptgraphError


class _Request:
    """The calls of one caller. `answer` is done when the last of them is settled."""

    def __init__(self, size: int) -> None:
        self.results: list[Recorded | None] = [None] * size
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open = size

    def settle(self, place: int, result: Recorded) -> None:
        if self.results[place] is not None:
            return
        self.results[place] = result
        self._open -= 1
        if not self._open and not self.answer.done():  # done already where the caller has gone
            self.answer.set_result(None)


class _Waiting(NamedTuple):
    """A row in the queue: what to store, and whom to answer."""

    row: Prepared
    request: _Request
    place: int
    since: float

    def settle(self, fate: _Fate, *, first: bool) -> None:
        row = self.row
        if isinstance(fate, PromptgraphError):
            result = Recorded(RecordStatus.REJECTED, row.id, warnings=row.warnings, error=fate)
        elif not is_same(row.digest, row.facts["hash_scheme"], fate.call):
            error = IdempotencyConflictError(CONFLICT, field="callId")
            result = Recorded(RecordStatus.REJECTED, row.id, warnings=row.warnings, error=error)
        else:
            status = RecordStatus.RECORDED if fate.new and first else RecordStatus.DUPLICATE
            result = Recorded(status, row.id, fate.call, row.warnings)
        self.request.settle(self.place, result)


class Recorder:
    """Records calls, in groups, by one task. `start` it, and `stop` it so that it writes what waits."""

    def __init__(  # noqa: PLR0913  # all that an operator may set
        self,
        db: Database,
        prices: PriceBook,
        *,
        now: Callable[[], dt.datetime],
        unlinked: bool = False,
        retention_days: int | None = None,
        keeper: Keeper | None = None,
        queue_limit: int = QUEUE_LIMIT,
        queue_bytes: int = QUEUE_BYTES,
        batch: int = BATCH,
        wake: Callable[[], None] | None = None,
        pace: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`keeper` says what is stored of what calls are about: all of it, without one. `wake` is called
        after each commit that stored something; `pace` is awaited before the next one.

        units  retention_days: older calls are refused; queue_limit: rows that may wait, and queue_bytes: how
               large they may be together; batch: rows that a commit takes at most
        """
        self._db = db
        self._keeper = keeper or Keeper()
        self._preparer = Preparer(
            db, prices, now=now, unlinked=unlinked, retention_days=retention_days, keeper=self._keeper
        )
        self._limit = queue_limit
        self._room = queue_bytes
        self._batch = batch
        self._stored = wake or _nothing
        self._pace = pace or _at_once
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.tallies = Tallies()

    @property
    def waiting(self) -> int:
        """How many calls wait to be written."""
        return len(self._queue)

    @property
    def lost_parts(self) -> int:
        """How many values were not stored because their redaction failed."""
        return self._keeper.lost

    async def start(self) -> None:
        """Accept calls from now on."""
        self._stopping = False
        self._ensure_writer()

    async def stop(self) -> None:
        """Refuse calls from now on, and wait until those that were accepted are written and answered."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def record(self, calls: Sequence[NewCall]) -> list[Recorded]:
        """What became of each call, in order, once all of them are settled: the recorded ones are on disk.
        A caller that goes away does not take its calls back.

        raises  TooManyRowsError  more than a request may hold
        """
        check_rows(calls)
        if not calls:
            return []
        request, came = _Request(len(calls)), monotonic()
        try:
            outcomes = await self._preparer.prepare(calls)
            earlier = await self._stored_earlier(calls, outcomes)
        except StoreUnavailableError as error:
            return [Recorded(RecordStatus.REJECTED, call.call_id, error=error) for call in calls]
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Prepared):
                self._enqueue(_Waiting(outcome, request, place, came))
            elif place in earlier:
                stored = earlier[place]
                request.settle(place, Recorded(RecordStatus.DUPLICATE, stored.id, stored))
            else:
                request.settle(place, Recorded(RecordStatus.REJECTED, calls[place].call_id, error=outcome))
        self._wake.set()
        await request.answer
        results = [result for result in request.results if result is not None]
        self.tallies.statuses.update(result.status for result in results)
        return results

    async def _stored_earlier(
        self, calls: Sequence[NewCall], outcomes: Sequence[Outcome]
    ) -> dict[int, LlmCall]:
        """By place the calls that would be refused today, and are stored all the same."""
        refused = {
            place: calls[place]
            for place, outcome in enumerate(outcomes)
            if isinstance(outcome, PromptgraphError) and is_about_today(outcome)
        }
        return await stored_earlier(self._db, refused) if refused else {}

    def _enqueue(self, waiting: _Waiting) -> None:
        crowded = len(self._queue) >= self._limit or waiting.row.size > self._room
        if self._stopping or crowded:
            waiting.settle(StoreUnavailableError(STOPPING if self._stopping else CROWDED), first=True)
            return
        self._ensure_writer()
        self._queue.append(waiting)
        self._room -= waiting.row.size

    def _ensure_writer(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all(), name="promptgraph recorder")
            self._task.add_done_callback(_tell)

    async def _write_all(self) -> None:
        try:
            while self._queue or not self._stopping:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._pace()
                    await self._write(self._head())
        finally:  # cancelled, or a mistake in the code: whoever waits is told that nobody knows
            while self._queue:
                self._queue[0].settle(StoreUnavailableError(UNKNOWN), first=True)
                self._leave()

    def _head(self) -> list[_Waiting]:
        """What the next commit holds: at least one row, no more than a batch."""
        size = 0
        head: list[_Waiting] = []
        for waiting in islice(self._queue, self._batch):
            size += waiting.row.size
            if head and size > BATCH_BYTES:
                break
            head.append(waiting)
        return head

    def _leave(self) -> None:
        self._room += self._queue.popleft().row.size

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        """Write the head of the queue, answer it, and only then take it off."""
        first: dict[UUID, _Waiting] = {}
        for waiting in batch:
            first.setdefault(waiting.row.id, waiting)
        rows = sorted((waiting.row for waiting in first.values()), key=_by_id)
        fates = await self._fates(rows)
        for waiting in batch:
            id_ = waiting.row.id
            waiting.settle(fates[id_], first=waiting is first[id_])
        for _ in batch:
            self._leave()
        self.tallies.rows.add(len(batch))
        self.tallies.waits.add(monotonic() - batch[0].since)

    async def _fates(self, rows: Sequence[Prepared]) -> dict[UUID, _Fate]:
        """What is stored under each row's id after one commit, or why it is not. Where the database refuses
        a row, halves are tried until that one is alone, so that it holds up no other.
        """
        try:
            return await attempted(lambda: self._commit(rows))
        except StoreUnavailableError as error:
            return dict.fromkeys((row.id for row in rows), error)
        except PromptgraphError as error:
            if len(rows) == 1:
                return {rows[0].id: _refusal(error)}
        half = len(rows) // 2
        return await self._fates(rows[:half]) | await self._fates(rows[half:])

    async def _commit(self, rows: Sequence[Prepared]) -> dict[UUID, _Fate]:
        calls: dict[UUID, LlmCall] = {}
        late: dict[UUID, _Fate] = {}
        committing = False

        def write(driver: Driver) -> set[UUID]:
            nonlocal calls, committing
            told = [at for row in rows if (at := began(row.id, row.started_at))]
            at, kept_since = moment(driver, min(told, default=None))
            late.update(_too_old(rows, at, kept_since) if kept_since else {})
            calls = {row.id: row.call(at) for row in rows if row.id not in late}
            contents = [row.content for row in rows if row.content is not None]
            added = add_calls(driver, list(calls.values()), contents, at)
            committing = True
            if not added:
                confirm(driver, [row.id for row in rows])
            return added

        try:
            new = await self._db.at_once(write)
        except StoreUnavailableError:
            raise
        except PromptgraphError as error:
            if committing:  # a definite error must mean that nothing was stored
                raise StoreUnavailableError(UNKNOWN) from error
            raise
        if new:
            self._stored()
        fates: dict[UUID, _Fate] = {id_: _Stored(calls[id_], new=True) for id_ in new}
        if len(new) == len(rows):
            return fates
        gone: _Fate = StoreUnavailableError(UNKNOWN)
        return fates | await self._earlier(
            {row.id: late.get(row.id, gone) for row in rows if row.id not in new}
        )

    async def _earlier(self, ids: Mapping[UUID, _Fate]) -> dict[UUID, _Fate]:
        """Calls that were there already; what becomes of one that is not, `ids` say: it is too old, or it was
        deleted in between and is to be sent again.
        """
        try:
            async with self._db.read() as session:
                stored = await calls_by_id(session, list(ids))
        except StoreUnavailableError as error:  # what was new is on disk, and is answered so
            return dict.fromkeys(ids, error)
        return {
            id_: _Stored(call, new=False) if call else otherwise
            for (id_, otherwise), call in zip(ids.items(), stored, strict=True)
        }


def _too_old(
    rows: Iterable[Prepared], at: dt.datetime, kept_since: dt.datetime
) -> dict[UUID, PromptgraphError]:
    """Those that began before what is kept, and the refusal of each."""
    found: dict[UUID, PromptgraphError] = {}
    for row in rows:
        try:
            check_kept(row.id, row.started_at, kept_since)
            check_kept(None, row.started_at or at, kept_since)
        except PromptgraphError as error:
            found[row.id] = error
    return found


def _nothing() -> None:
    """What follows a commit, unless somebody asked for more."""


async def _at_once() -> None:
    """What comes before a commit, unless somebody asked for more."""


def _tell(task: asyncio.Task[None]) -> None:
    """Say in the log why the writer ended, unless it was told to; the next call starts another."""
    if not task.cancelled() and (error := task.exception()):
        log.error("The writer of calls failed; it starts again with the next call.", exc_info=error)


def _refusal(error: PromptgraphError) -> PromptgraphError:
    if isinstance(error, InvalidInputError):
        return error
    refused = InvalidInputError(UNSTORABLE)
    refused.__cause__ = error
    return refused
