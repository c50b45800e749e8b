"""The outbox: rows that wait for the server in an SQLite file, shared by threads and processes.

When `put` returns, the row survives the death of the process. A power cut or a crash of the machine may take
the rows of the last moments (synchronous=NORMAL), never the file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple
from uuid import UUID
from weakref import WeakSet

from promptgraph.client.calls import Kind, Row
from promptgraph.client.forks import PROCESS
from promptgraph.client.lending import Leased, OutboxStatus, Settled
from promptgraph.client.limits import Bounds, Room
from promptgraph.client.locking import FileLock
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
log = logging.getLogger("promptgraph.client")

BATCH_ROWS, BATCH_BYTES = 1_000, 8 * 1024 * 1024
LEASE_S = 15.0
BUSY_S = 5.0
LOG_EVERY = 100
EMPTY_EVERY_S = 1.0
MAX_LOG_PAGES = 16_000
_FULL, _CORRUPT, _BUSY = (13,), (11, 26), (5, 6)  # SQLite's FULL · CORRUPT, NOTADB · BUSY, LOCKED
_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, call_id BLOB NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS leases (lease INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL,
    last INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refused (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, call_id BLOB NOT NULL,
    body TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT = "INSERT INTO waiting (kind, call_id, body) VALUES (?, ?, ?)"
# one that ends later than any that is given now was given by a clock that went backwards since
_OVER = "DELETE FROM leases WHERE until < ? OR until > ?"
_FREE = """
SELECT seq, kind, call_id, body FROM waiting AS row
WHERE NOT EXISTS (SELECT 1 FROM leases WHERE row.seq BETWEEN first AND last) ORDER BY seq LIMIT ?"""
_COUNT = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"


class Outbox:
    """One outbox file. It is opened when it is first used, and again after a fork.

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
        self.path = path
        self._lease_s = lease_s
        self._batch = batch_rows, batch_bytes
        self._now = now
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._process = 0
        self._lost = 0
        self._emptied = 0.0
        self._inode: int | None = None
        self._file = FileLock(path.with_name(f"{path.name}-lock"), BUSY_S)
        self._room = Room(bounds)
        _ALL.add(self)

    def put(self, row: Row) -> None:
        """Keep a row.

        raises  StoreUnavailableError  the outbox or the disk is full; the row is dropped, counted and logged
                InvalidInputError      the file cannot be used
        cost    20 µs
        """
        try:
            self._guarded(self._put, row)
        except StoreUnavailableError as error:
            self._lost += 1
            if self._lost % LOG_EVERY == 1:
                log.error("%s Rows lost since the start: %d.", error, self._lost)  # noqa: TRY400  # said, not traced
            raise

    def _put(self, db: sqlite3.Connection, row: Row) -> None:
        if not self._room.takes(len(row.text)):
            self._measure(db)
            if not self._room.takes(len(row.text)):
                db.execute(_COUNT, ("dropped", 1))
                raise StoreUnavailableError(
                    f"The outbox {self.path} is full ({self._room.words}): this is not kept."
                )
        db.execute(_PUT, (row.kind, row.call_id.bytes, row.text))

    def _measure(self, db: sqlite3.Connection) -> None:
        """Look again how much there is; others write, too."""
        if _inode(self.path) != self._inode:
            raise _GoneError
        (low, high) = db.execute("SELECT min(seq), max(seq) FROM waiting").fetchone()
        rows = 0 if low is None else high - low + 1
        if rows >= self._room.bounds.rows:
            (rows,) = db.execute("SELECT count(*) FROM waiting").fetchone()
        self._room.measured(rows, _used_bytes(db))

    def lease(self) -> Leased | None:
        """The oldest rows that nobody else is sending, all of one kind; None if there are none."""
        return self._guarded(self._lease)

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
        self._guarded(self._settle, leased, settled)

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
            db.executemany(_COUNT, [each for each in counts.items() if each[1]])
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

        return self._guarded(back)

    def refusals(self, limit: int = 20) -> list[tuple[UUID, str]]:
        """Call id and reason of what was set aside, the newest first."""
        query = "SELECT call_id, reason FROM refused ORDER BY seq DESC LIMIT ?"
        found = self._guarded(lambda db: db.execute(query, (limit,)).fetchall())
        return [(UUID(bytes=call_id), reason) for call_id, reason in found]

    def last(self) -> int | None:
        """The number of the newest row; None if none waits."""

        def newest(db: sqlite3.Connection) -> int | None:
            (seq,) = db.execute("SELECT max(seq) FROM waiting").fetchone()
            return None if seq is None else int(seq)

        return self._guarded(newest)

    def waiting(self, up_to: int | None = None) -> int:
        """How many rows wait, all or those numbered up to `up_to`."""
        query = "SELECT count(*) FROM waiting WHERE seq <= coalesce(?, 9223372036854775807)"
        return self._guarded(lambda db: int(db.execute(query, (up_to,)).fetchone()[0]))

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

        return self._guarded(read)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None and self._process != PROCESS.number:
            _INHERITED.append(db)
        elif db is not None:
            with suppress(TimeoutError), self._file:  # the last one to close empties the log
                db.close()
        self._file.close()

    def _guarded(self, work: Callable[[sqlite3.Connection, *Ts], T], *given: *Ts) -> T:
        """`work` on the file, alone. A file that is no good is set aside once, and a new one begun."""
        with self._lock:
            for is_last in (False, True):
                try:
                    return self._alone(work, *given)
                except _GoneError:
                    log.warning("The outbox %s was taken away; a new one is begun.", self.path)
                    self._close()
                except TimeoutError as error:
                    words = f"The outbox {self.path} is busy: this is not kept; try again."
                    raise StoreUnavailableError(words) from error
                except sqlite3.Error as error:
                    if is_last or (error.sqlite_errorcode & 0xFF) not in _CORRUPT:
                        raise self._told(error) from error
                    self._set_aside(error)
        raise StoreUnavailableError(f"The outbox {self.path} cannot be used: somebody takes it away.")

    def _alone(self, work: Callable[[sqlite3.Connection, *Ts], T], *given: *Ts) -> T:
        # SQLite's own locks let two write or empty the log at one moment, and releases before 3.51.3 may lose
        # a commit then (https://sqlite.org/wal.html#walresetbug)
        if self._db is None:
            _make_private(self.path)
        with self._file:
            try:
                db = self._db
                if db is None or self._process != PROCESS.number:
                    db = self._opened()
                return work(db, *given)
            except sqlite3.Error:
                self._undo()
                raise

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            if self._db is not None and self._db.in_transaction:
                self._db.rollback()

    def _opened(self) -> sqlite3.Connection:
        if self._db is not None:
            _INHERITED.append(self._db)
        self._process = PROCESS.number
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._db = db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {MAX_LOG_PAGES}")
        db.executescript(_TABLES)
        self._inode = _inode(self.path)
        self._room.measured(0, 0, certain=False)
        return db

    def _told(self, error: sqlite3.Error) -> Exception:
        code = error.sqlite_errorcode & 0xFF
        if code in _FULL:
            return StoreUnavailableError(f"The disk of the outbox {self.path} is full: this is not kept.")
        if code in _BUSY:
            return StoreUnavailableError(f"The outbox {self.path} is busy: this is not kept; try again.")
        return StoreUnavailableError(f"The outbox {self.path} cannot be used ({error}): this is not kept.")

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Move a broken file away, unless another process did so before."""
        broken = self._inode
        self._close()
        if broken not in (None, _inode(self.path)):
            return
        aside = f"{self.path}.corrupt-{time.time_ns()}"
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{end}").rename(f"{aside}{end}")
        log.error("The outbox %s is broken (%s): set aside as %s.", self.path, error, aside)
        self._alone(lambda db: db.execute(_COUNT, ("corrupt", 1)))


class _GoneError(Exception):
    """The file is not the one that was opened."""


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _make_private(path: Path) -> None:
    """An empty file for its owner alone, where there is none; SQLite gives its companions the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise InvalidInputError(
            f"The outbox {path} cannot be opened: {error.strerror}.", field="outbox"
        ) from error


# SQLite must not see a fork: its locks stay with the parent, while the child would believe to hold them. So
# every connection is closed before, and opened again by whoever uses it after.
_ALL: WeakSet[Outbox] = WeakSet()
_INHERITED: list[sqlite3.Connection] = []
_HELD: list[Outbox] = []


def _before_fork() -> None:
    for outbox in list(_ALL):
        outbox._lock.acquire()  # noqa: SLF001  # this module's own
        outbox._close()  # noqa: SLF001  # this module's own
        _HELD.append(outbox)


def _after_fork() -> None:
    while _HELD:
        _HELD.pop()._lock.release()  # noqa: SLF001  # this module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
