"""The outbox: rows that wait for the server in a file, shared by threads and processes.

When `put` returns, the row survives the death of the process. A power cut or a crash of the machine may take
the rows of the last moments (synchronous=NORMAL), never the file.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from promptgraph.client.calls import Kind, Row
from promptgraph.client.lending import Leased, OutboxStatus, Settled
from promptgraph.client.limits import Bounds, Room
from promptgraph.client.outbox_file import COUNT, PUT, OutboxFile
from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError

log = logging.getLogger("promptgraph.client")

BATCH_ROWS, BATCH_BYTES = 1_000, 8 * 1024 * 1024
LEASE_S = 15.0
LOG_EVERY = 100
EMPTY_EVERY_S = 1.0
# one that ends later than any that is given now was given by a clock that went backwards since
_OVER = "DELETE FROM leases WHERE until < ? OR until > ?"
_FREE = """
SELECT seq, kind, call_id, body FROM waiting AS row
WHERE NOT EXISTS (SELECT 1 FROM leases WHERE row.seq BETWEEN first AND last) ORDER BY seq LIMIT ?"""


class Outbox:
    """One outbox. Its file is opened when it is first used, and again after a fork.

    keys  now: seconds since 1970; it may go backwards
    """

    def __init__(
        self,
        path: Path,
        *,
        bounds: Bounds = Bounds(),  # noqa: B008  # frozen
        lease_s: float = LEASE_S,
        batch_rows: int = BATCH_ROWS,
        batch_bytes: int = BATCH_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = OutboxFile(path)
        self.path = self._file.path
        self._lease_s = lease_s
        self._batch = batch_rows, batch_bytes
        self._now = now
        self._room = Room(bounds)
        self._lost = 0
        self._emptied = 0.0

    def put(self, row: Row) -> None:
        """Keep a row.

        raises  StoreUnavailableError  the outbox or the disk is full; the row is dropped, counted and logged
                InvalidInputError      the file cannot be used
        cost    6 µs, and a transaction for every 256 rows
        """
        try:
            if not (self._room.takes(len(row.text)) and self._file.add(row)):
                self._file.run(self._put, row)
        except PromptgraphError as error:
            self._lost += 1
            if self._lost % LOG_EVERY == 1:
                log.error("%s Rows lost since the start: %d.", error, self._lost)  # noqa: TRY400  # said, not traced
            raise

    def _put(self, db: sqlite3.Connection, row: Row) -> None:
        self._measure(db)
        if not self._room.takes(len(row.text)):
            db.execute(COUNT, ("dropped", 1))
            raise StoreUnavailableError(
                f"The outbox {self.path} is full ({self._room.words}): this is not kept."
            )
        db.execute(PUT, (row.kind, row.call_id.bytes, row.text))

    def _measure(self, db: sqlite3.Connection) -> None:
        """Look again how much there is; others write, too."""
        (low, high) = db.execute("SELECT min(seq), max(seq) FROM waiting").fetchone()
        rows = 0 if low is None else high - low + 1
        if rows >= self._room.bounds.rows:
            (rows,) = db.execute("SELECT count(*) FROM waiting").fetchone()
        self._room.measured(rows, _used_bytes(db))

    def lease(self) -> Leased | None:
        """The oldest rows that nobody else is sending, all of one kind; None if there are none."""
        return self._file.run(self._lease)

    def _lease(self, db: sqlite3.Connection) -> Leased | None:
        now = self._now()
        db.execute("BEGIN IMMEDIATE")
        db.execute(_OVER, (now, now + self._lease_s))
        found = self._batch_of(db)
        lease = None
        if found:
            given = db.execute(
                "INSERT INTO leases (first, last, until) VALUES (?, ?, ?)",
                (found[0][0], found[-1][0], now + self._lease_s),
            )
            lease = given.lastrowid
        db.execute("COMMIT")
        if lease is None:
            return None
        seqs, rows = zip(*found, strict=True)
        return Leased(lease, seqs, rows)

    def _batch_of(self, db: sqlite3.Connection) -> list[tuple[int, Row]]:
        """Rows of one kind, up to the first that somebody else has."""
        limit, limit_bytes = self._batch
        found: list[tuple[int, Row]] = []
        size, end = 0, None
        for seq, kind, call_id, body in db.execute(_FREE, (limit,)):
            if not found:
                (end,) = db.execute("SELECT min(first) FROM leases WHERE first > ?", (seq,)).fetchone()
            size += len(body)
            if found and (kind != found[0][1].kind or size > limit_bytes or (end is not None and seq > end)):
                break
            found.append((seq, Row(Kind(kind), UUID(bytes=call_id), body)))
        return found

    def settle(self, leased: Leased, settled: Settled) -> None:
        """Take out what was delivered, set aside what was refused, and give back the rest."""
        self._file.run(self._settle, leased, settled)

    def _settle(self, db: sqlite3.Connection, leased: Leased, settled: Settled) -> None:
        db.execute("BEGIN IMMEDIATE")
        mine = db.execute("DELETE FROM leases WHERE lease = ?", (leased.lease,)).rowcount
        # else it was over: somebody sends these rows again, and their numbers may be given anew
        if mine:
            done = [(leased.seqs[place],) for place in (*settled.delivered, *settled.duplicates)]
            aside = [(reason, leased.seqs[place]) for place, reason in settled.refused]
            db.executemany(
                "INSERT INTO refused (kind, call_id, body, reason)"
                " SELECT kind, call_id, body, ? FROM waiting WHERE seq = ?",
                aside,
            )
            done += [(seq,) for _, seq in aside]
            db.executemany("DELETE FROM waiting WHERE seq = ?", done)
            counts = {
                "delivered": len(settled.delivered) + len(settled.duplicates),
                "duplicates": len(settled.duplicates),
                "set_aside": len(aside),
            }
            db.executemany(COUNT, [each for each in counts.items() if each[1]])
        db.execute("COMMIT")
        if time.monotonic() - self._emptied > EMPTY_EVERY_S:  # here, so that no caller of `put` has to
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._emptied = time.monotonic()

    def retry_refused(self) -> int:
        """Put back what was set aside; how many rows."""

        def back(db: sqlite3.Connection) -> int:
            db.execute("BEGIN IMMEDIATE")
            moved = db.execute(
                "INSERT INTO waiting (kind, call_id, body) SELECT kind, call_id, body FROM refused"
            )
            db.execute("DELETE FROM refused")
            db.execute("COMMIT")
            return moved.rowcount

        return self._file.run(back)

    def refusals(self, limit: int = 20) -> list[tuple[UUID, str]]:
        """Call id and reason of what was set aside, the newest first."""
        query = "SELECT call_id, reason FROM refused ORDER BY seq DESC LIMIT ?"
        found = self._file.run(lambda db: db.execute(query, (limit,)).fetchall())
        return [(UUID(bytes=call_id), reason) for call_id, reason in found]

    def last(self) -> int | None:
        """The number of the newest row; None if none waits."""

        def newest(db: sqlite3.Connection) -> int | None:
            (seq,) = db.execute("SELECT max(seq) FROM waiting").fetchone()
            return None if seq is None else int(seq)

        return self._file.run(newest)

    def waiting(self, up_to: int | None = None) -> int:
        """How many rows wait, all or those numbered up to `up_to`."""
        query = "SELECT count(*) FROM waiting WHERE seq <= coalesce(?, 9223372036854775807)"
        return self._file.run(lambda db: int(db.execute(query, (up_to,)).fetchone()[0]))

    def status(self) -> OutboxStatus:
        """What it holds, and its counters."""

        def read(db: sqlite3.Connection) -> OutboxStatus:
            (waiting,) = db.execute("SELECT count(*) FROM waiting").fetchone()
            (leased,) = db.execute(
                "SELECT count(*) FROM waiting AS row JOIN leases ON row.seq BETWEEN first AND last"
                " WHERE until > ?",
                (self._now(),),
            ).fetchone()
            (refused,) = db.execute("SELECT count(*) FROM refused").fetchone()
            counters = dict(db.execute("SELECT name, value FROM counters").fetchall())
            return OutboxStatus(waiting, leased, refused, _used_bytes(db), **counters)

        return self._file.run(read)

    def close(self) -> None:
        self._file.close()


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
