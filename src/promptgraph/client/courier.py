"""What takes rows from an outbox to the server: a thread of the client, or the command line."""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from promptgraph.client.calls import Recorded
from promptgraph.client.forks import PROCESS, LockPerProcess
from promptgraph.client.http import Shell
from promptgraph.client.lending import Settled
from promptgraph.client.limits import LATE, is_late
from promptgraph.client.outbox import LEASE_S, Outbox
from promptgraph.client.patience import Patience
from promptgraph.client.sending import delivered
from promptgraph.client.threads import begun
from promptgraph.domain.call import RecordStatus
from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError

log = logging.getLogger("promptgraph.client")

GATHER_S = 0.1
"""How long rows are gathered before they are sent."""
POLL_S = 0.02
STOP_S = 5.0
LAST_WORDS_S = 2.0
"""How long the end of a program may be held up by what is in the outbox."""
UNENDING = Patience(first_s=0.2, longest_s=30.0)


@dataclass(frozen=True, slots=True)
class Flushed:
    """`delivered`: rows that left the outbox for the server, whoever sent them; `refused`: rows that it will
    never take, set aside; `remaining`: rows that still wait.
    """

    delivered: int
    remaining: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one batch."""

    recorded: int = 0
    duplicates: int = 0
    refused: int = 0


def deliver_batch(outbox: Outbox, shell: Shell, *, late: bool = False) -> Delivered | None:
    """Send the oldest rows that nobody else is sending; None if there are none. Calls that have waited for
    too long are set aside, and nothing is sent then.

    keys    late: send those, too
    raises  PromptgraphError  the server takes none now; they stay in the outbox
    """
    leased = outbox.lease()
    if leased is None:
        return None
    now = dt.datetime.now(dt.UTC)
    if not late and (old := [place for place, row in enumerate(leased.rows) if is_late(row, now)]):
        log.error("%d calls were set aside. %s", len(old), LATE)
        outbox.settle(leased, Settled((), refused=tuple((place, LATE) for place in old)))
        return Delivered(refused=len(old))
    try:
        results = shell.run(delivered(leased.rows))
    except BaseException:
        outbox.settle(leased, Settled(()))
        raise
    settled = _settled(results)
    outbox.settle(leased, settled)
    for result in results:
        if result.error is not None and result.status is RecordStatus.REJECTED:
            log.error("The server refuses the call %s; it was set aside: %s", result.call_id, result.error)
        elif result.error is not None and result.status is not None:
            log.warning("The call %s was recorded without its contents: %s", result.call_id, result.error)
    return Delivered(len(settled.delivered), len(settled.duplicates), len(settled.refused))


def _settled(results: list[Recorded]) -> Settled:
    """What is retryable stays where it is."""
    places = list(enumerate(results))
    return Settled(
        tuple(place for place, each in places if each.status is RecordStatus.RECORDED),
        tuple(place for place, each in places if each.status is RecordStatus.DUPLICATE),
        tuple(
            (place, str(each.error))
            for place, each in places
            if each.status is RecordStatus.REJECTED and not isinstance(each.error, StoreUnavailableError)
        ),
    )


class Courier:
    """A thread that delivers an outbox, started by the first row, and anew after a fork."""

    def __init__(self, outbox: Outbox, shell: Callable[[], Shell], *, gather_s: float = GATHER_S) -> None:
        self.outbox = outbox
        self._shell = shell
        self._gather_s = gather_s
        self._starting = LockPerProcess()
        self._reset()

    def _reset(self) -> None:
        self._process = PROCESS.number
        self._thread: threading.Thread | None = None
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._stopped = threading.Event()
        self._troubled: str | None = None

    def wake(self) -> None:
        """There is something to deliver."""
        if self._process != PROCESS.number or self._thread is None or not self._thread.is_alive():
            self._start()
        if not self._work.is_set():
            self._work.set()

    def _start(self) -> None:
        with self._starting.get():
            if self._process != PROCESS.number:
                self._reset()
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = begun(self._run, "courier")
                atexit.register(self._bye)

    def _bye(self) -> None:
        if self._process == PROCESS.number:
            self.close(LAST_WORDS_S)

    def close(self, timeout_s: float) -> None:
        """Deliver what can be delivered in time; the rest stays for another process."""
        try:
            left = self.flush(timeout_s).remaining
        except PromptgraphError as error:
            log.warning("%s", error)
        else:
            if left:
                place = self.outbox.path
                log.warning(
                    "%d rows wait in %s for the next process, or for: promptgraph outbox deliver", left, place
                )
        self.stop()
        self.outbox.close()

    def flush(self, timeout_s: float) -> Flushed:
        """Wait until what is in the outbox now is delivered, or the time is up."""
        if not self.outbox.path.exists():
            return Flushed(0, 0)
        ends = time.monotonic() + timeout_s
        before = self.outbox.status()
        last = self.outbox.last()
        if last is not None:
            self._hurry.set()
            self.wake()
        while last is not None and self.outbox.waiting(last) and time.monotonic() < ends:
            self.wake()
            time.sleep(min(POLL_S, max(0.0, ends - time.monotonic())))
        after = self.outbox.status()
        return Flushed(
            after.delivered - before.delivered,
            after.waiting,
            after.set_aside - before.set_aside,
        )

    def stop(self) -> None:
        """End the thread; what is in the outbox stays there."""
        atexit.unregister(self._bye)
        if self._process != PROCESS.number or self._thread is None:
            return
        self._stopped.set()
        self._work.set()
        self._hurry.set()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_S)
        self._thread = None

    def _run(self) -> None:
        shell = self._shell()
        failures = 0
        while not self._stopped.is_set():
            # a process that was killed leaves rows whose lease ends some time
            self._work.wait(LEASE_S)
            self._hurry.wait(self._gather_s)
            self._work.clear()
            self._hurry.clear()
            try:
                self._empty(shell)
                failures = 0
            except PromptgraphError as error:
                failures += 1
                self._tell(error)
                self._work.set()
                asked_s: float | None = getattr(error, "after_s", None)
                # a flush cuts short a pause of our own, never one that the server asks for
                pausing = self._stopped if asked_s else self._hurry
                pausing.wait(UNENDING.backoff(failures, asked_s))
        shell.close()

    def _empty(self, shell: Shell) -> None:
        """Deliver until there is nothing that this process may send."""
        total: Counter[str] = Counter()
        while not self._stopped.is_set() and (one := deliver_batch(self.outbox, shell)) is not None:
            total["recorded"] += one.recorded + one.duplicates
            if not one.recorded + one.duplicates + one.refused:
                raise StoreUnavailableError("The server takes no row now.")
        if self._troubled and total["recorded"]:
            log.warning("The server takes calls again; %d delivered.", total["recorded"])
            self._troubled = None

    def _tell(self, error: PromptgraphError) -> None:
        """Each kind of trouble once."""
        if self._troubled != type(error).__name__:
            self._troubled = type(error).__name__
            log.warning("Calls stay in the outbox %s for now: %s", self.outbox.path, error)
