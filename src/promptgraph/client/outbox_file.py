"""The file of an outbox: opened when it is first used and again after a fork, used by one at a time, closed
to others, and set aside when it is broken.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple
from weakref import WeakSet

from promptgraph.client.calls import Row
from promptgraph.client.forks import PROCESS
from promptgraph.client.locking import FileLock
from promptgraph.client.spool import FLAGS, PRIVATE, Spool
from promptgraph.domain.errors import InvalidInputError, PromptgraphError, StoreUnavailableError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
log = logging.getLogger("promptgraph.client")

BUSY_S = 5.0
MAX_LOG_PAGES = 16_000
TRIES = 3
MARK, FORMAT = 0x70676F62, 1
"""What SQLite's header says of an outbox: whose file it is, and in which form."""
COMPANIONS = ("", "-wal", "-shm")
_FULL, _CORRUPT, _BUSY = (13,), (11, 26), (5, 6)  # SQLite's FULL · CORRUPT, NOTADB · BUSY, LOCKED
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
_TABLES = f"""
BEGIN;
CREATE TABLE waiting (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, call_id BLOB NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE leases (lease INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL,
    last INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE refused (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, call_id BLOB NOT NULL,
    body TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {MARK};
PRAGMA user_version = {FORMAT};
COMMIT;
"""
PUT = "INSERT INTO waiting (kind, call_id, body) VALUES (?, ?, ?)"
COUNT = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"


class OutboxFile:
    """An SQLite file, and beside it a spool of what was added since somebody last looked into it.

    SQLite's own locks let two write or empty its log at one moment, and releases before 3.51.3 may lose a
    commit then (https://sqlite.org/wal.html#walresetbug): so there is a lock of its own, across processes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.absolute()  # wherever the program moves to
        self._lock = threading.Lock()
        self._file = FileLock(path.with_name(f"{path.name}-lock"), BUSY_S)
        self._spool = Spool(path.with_name(f"{path.name}-spool"))
        self._db: sqlite3.Connection | None = None
        self._process = 0
        self._inode: int | None = None
        _ALL.add(self)

    def add(self, row: Row) -> bool:
        """Keep a row; False where the file is not open, and is first to be opened by `run`.

        raises  StoreUnavailableError  the disk is full, or the file is busy
        """
        with self._lock:
            if not self._is_open:
                return False
            try:
                with self._file:
                    self._spool.add(row)
            except OSError as error:
                raise self._told(error) from error
        return True

    def run(self, work: Callable[[sqlite3.Connection, *Ts], T], *given: *Ts) -> T:
        """`work` on the file, alone, with all that was added. One that is broken is set aside, and a new one
        begun; a new one is begun, too, where somebody took the file away.

        raises  StoreUnavailableError  the disk is full, or the file is busy
                InvalidInputError      there can be no outbox
        """
        with self._lock:
            for _ in range(TRIES):
                try:
                    return self._alone(work, *given)
                except _GoneError as gone:
                    log.log(gone.level, "%s", gone)
                    self._forget()
                    self._file.close()
                except OSError as error:
                    raise self._told(error) from error
        raise StoreUnavailableError(f"The outbox {self.path} cannot be used: it breaks again and again.")

    def _alone(self, work: Callable[[sqlite3.Connection, *Ts], T], *given: *Ts) -> T:
        if not self._is_open:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._file:
            try:
                db = self._db if self._db is not None and self._is_open else self._opened()
                self._gather(db)
                return work(db, *given)
            except BaseException as error:
                self._undo()
                if _is_corrupt(error):
                    raise self._set_aside(error) from error
                if isinstance(error, sqlite3.Error):
                    raise self._unusable(error) from error
                raise

    @property
    def _is_open(self) -> bool:
        return self._db is not None and self._process == PROCESS.number

    def _gather(self, db: sqlite3.Connection) -> None:
        """Move what was added into the table. Who dies between commit and clearing leaves those rows twice:
        they are sent twice, and the server knows them by their ids.
        """
        if not (self._file.is_there and self._spool.is_there and _inode(self.path) == self._inode):
            raise _GoneError(f"The outbox {self.path} was taken away; a new one is begun.")
        if rows := self._spool.rows():
            db.execute("BEGIN IMMEDIATE")
            db.executemany(PUT, rows)
            db.execute("COMMIT")
            self._spool.clear()

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            if self._db is not None and self._db.in_transaction:
                self._db.rollback()

    def _opened(self) -> sqlite3.Connection:
        self._forget()
        _make(self.path)
        self._inode = _inode(self.path)
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._db, self._process = db, PROCESS.number
        try:
            _prepare(db, self.path)
            self._spool.open()
        except BaseException as error:
            self._forget()
            if _is_corrupt(error) and not self._spool.path.exists():  # so it never was an outbox
                raise _foreign(self.path) from error
            raise
        return db

    def _forget(self) -> None:
        """Close it; it is opened again when it is next used."""
        db, self._db = self._db, None
        if db is not None and self._process != PROCESS.number:
            _INHERITED.append(db)
        elif db is not None:
            with suppress(sqlite3.Error):
                db.close()
        self._spool.close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._is_open:
            with suppress(OSError), self._file:  # the last one to close empties SQLite's log
                self._forget()
        self._forget()
        self._file.close()

    def _set_aside(self, error: BaseException) -> _GoneError:
        """Move a broken file away, and begin a new one; under the lock, so that others find that."""
        self._forget()
        aside = f"{self.path}.corrupt-{time.time_ns()}"
        for end in COMPANIONS:
            with suppress(FileNotFoundError):
                Path(f"{self.path}{end}").rename(f"{aside}{end}")
        with suppress(sqlite3.Error):
            self._opened().execute(COUNT, ("corrupt", 1))
        return _GoneError(f"The outbox {self.path} is broken ({error}): set aside as {aside}.", logging.ERROR)

    def _unusable(self, error: sqlite3.Error) -> PromptgraphError:
        code = error.sqlite_errorcode & 0xFF
        why = "is busy" if code in _BUSY else f"cannot be used ({error})"
        return self._full() if code in _FULL else self._away(why)

    def _told(self, error: OSError) -> PromptgraphError:
        if error.errno in _NO_ROOM:
            return self._full()
        if isinstance(error, TimeoutError):
            return self._away("is busy")
        if error.errno in _PASSING:
            return self._away(f"cannot be used ({error.strerror})")
        words = f"The outbox {self.path} cannot be opened: {error.strerror}."
        return InvalidInputError(words, field="outbox")

    def _full(self) -> PromptgraphError:
        return StoreUnavailableError(f"The disk of the outbox {self.path} is full: this is not kept.")

    def _away(self, why: str) -> PromptgraphError:
        return StoreUnavailableError(f"The outbox {self.path} {why}: this is not kept; try again.")


class _GoneError(Exception):
    """The file is not the one that was opened; `level` is that of the log."""

    def __init__(self, message: str, level: int = logging.WARNING) -> None:
        super().__init__(message)
        self.level = level


def _is_corrupt(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and (error.sqlite_errorcode & 0xFF) in _CORRUPT


def _foreign(path: Path) -> InvalidInputError:
    return InvalidInputError(f"{path} is something else than an outbox: name another file.", field="outbox")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _make(path: Path) -> None:
    """An empty file for its owner alone, where there is none. One that is there is not opened: to close it
    again would end the locks that SQLite holds on it for this process.
    """
    try:
        os.close(os.open(path, FLAGS | os.O_EXCL, PRIVATE))
    except FileExistsError as error:
        if not stat.S_ISREG(path.lstat().st_mode):
            words = (
                f"The outbox {path} is a folder, a link or a device: name a plain file, or one to be made."
            )
            raise InvalidInputError(words, field="outbox") from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make it an outbox, where it is empty; SQLite gives its companions the mode of the file.

    raises  InvalidInputError  it is something else
    """
    mark, form = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != MARK:
        raise _foreign(path)
    if form > FORMAT:
        words = f"The outbox {path} is of a newer release: upgrade promptgraph here, or name another file."
        raise InvalidInputError(words, field="outbox")
    for file in (Path(f"{path}{end}") for end in COMPANIONS):
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(PRIVATE)
    if not tables:
        db.executescript(_TABLES)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA wal_autocheckpoint = {MAX_LOG_PAGES}")


# SQLite must not see a fork: its locks stay with the parent, while the child would believe to hold them. So
# every connection is closed before, and opened again by whoever uses it after.
_ALL: WeakSet[OutboxFile] = WeakSet()
_INHERITED: list[sqlite3.Connection] = []
_HELD: list[OutboxFile] = []


def _before_fork() -> None:
    for file in list(_ALL):
        file._lock.acquire()  # noqa: SLF001  # this module's own
        file._close()  # noqa: SLF001  # this module's own
        _HELD.append(file)


def _after_fork() -> None:
    while _HELD:
        _HELD.pop()._lock.release()  # noqa: SLF001  # this module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
