"""Every failure of the database in the project's own words: the one translator."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import exc

from promptgraph.domain.errors import InvalidInputError, PromptgraphError, StoreUnavailableError

AWAY = "The database is out of reach; try again."
BUSY = "The database is busy; try again."
FULL = "The disk of the database is full; free some space, then try again."
NO_FILE = "The database file cannot be opened. Is it there? Run: promptgraph db upgrade"
READ_ONLY = "The database can only be read here; check its file's rights, or write to the primary."
LATE = "The database is busy, or this asks for much: try again, or ask for less, such as a shorter window."
REFUSED = "The database refused a statement."
UNMIGRATED = "The database lacks tables of this release. Run: promptgraph db upgrade"
NO_PRIMARY = "None of the database's servers is the one that the URL asks for now; try again."
UNCONFIRMED = (
    "The database has not heard from its standby, so nobody knows whether this lasts; send it again as it is."
)
POOLED = "The database, or a pooler before it, refused how it was spoken to; see docs/scale.md on poolers."
UNSTORABLE = "The database cannot hold one of these values."

SQLITE: Mapping[int, str] = {
    5: BUSY,  # SQLITE_BUSY
    6: BUSY,  # SQLITE_LOCKED
    8: READ_ONLY,  # SQLITE_READONLY
    10: "The disk of the database failed; try again, then look at the disk.",  # SQLITE_IOERR
    11: "The database file is damaged; restore a copy of it.",  # SQLITE_CORRUPT
    13: FULL,  # SQLITE_FULL
    14: NO_FILE,  # SQLITE_CANTOPEN
    26: "The database file is not an SQLite database.",  # SQLITE_NOTADB
}
POSTGRESQL: Mapping[str, str] = {
    "08": AWAY,
    "08P01": POOLED,
    "26000": POOLED,  # a statement that was prepared on another connection
    "0A000": "The tables of the database have just changed; try again.",  # for a prepared statement
    "25006": READ_ONLY,
    "28": "The database refused the login; check user and password of its URL.",
    "3D000": "The server has no database of this name; create it first.",
    "40": "Another transaction was in the way; try again.",
    "42P01": UNMIGRATED,
    "42703": UNMIGRATED,
    "53100": FULL,
    "53": "The database has no room for another connection; try again.",
    "55P03": BUSY,
    "57014": LATE,
    "57": "The database is stopping or starting; try again.",
    "58": "The disk of the database failed; try again, then look at the disk.",
}
"""By SQLSTATE, or by its class, which is the first two characters."""
COLLISION, LOCKED = "40", "55P03"
BAD_VALUE = "22"
BAD_TYPES = (TypeError, ValueError, OverflowError)
"""What a value raises that cannot be made a parameter: a lone surrogate or a huge integer in JSON."""


class CollisionError(StoreUnavailableError):
    """Another transaction was in the way, and this one was rolled back: `attempts` tries it again."""


class LockedError(StoreUnavailableError):
    """Somebody else's lock was waited for as long as it may be, and nothing was done."""


@contextmanager
def translated() -> Iterator[None]:
    """Inside, whatever the database or its driver raises becomes one of ours, without a word of SQL.

    raises  StoreUnavailableError  it is out of reach, busy, full, stopped or not migrated
            InvalidInputError      a value cannot be stored
            PromptgraphError       it refused a statement: a mistake in the code; the cause says which
    """
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise _meaning(error) from error
    except _drivers() as error:  # where a driver is spoken to without SQLAlchemy in between
        raise _meaning(_wrapped(error)) from error
    except TimeoutError as error:  # of a statement; one that connects is turned around where it is raised
        raise StoreUnavailableError(LATE) from error
    except OSError as error:
        raise StoreUnavailableError(AWAY) from error
    except (UnicodeError, OverflowError) as error:
        raise InvalidInputError(UNSTORABLE) from error


def _meaning(error: exc.SQLAlchemyError) -> PromptgraphError:
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailableError("Too many requests wait for the database; try again.")
    if not isinstance(error, exc.DBAPIError):
        unstorable = isinstance(error, exc.StatementError) and isinstance(error.orig, BAD_TYPES)
        return InvalidInputError(UNSTORABLE) if unstorable else PromptgraphError(REFUSED)
    if sentence := _sentence(error):
        kind = CollisionError if _state(error).startswith(COLLISION) else StoreUnavailableError
        return LockedError(sentence) if _state(error) == LOCKED else kind(sentence)
    if isinstance(error, exc.DataError) or _state(error).startswith(BAD_VALUE):
        return InvalidInputError(UNSTORABLE)
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return StoreUnavailableError(AWAY)
    return PromptgraphError(REFUSED)


def is_locked(error: exc.DBAPIError) -> bool:
    """Whether SQLite gave up waiting for somebody else's lock."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _drivers() -> tuple[type[Exception], ...]:
    """What the drivers raise: sqlite3, then asyncpg where there is a PostgreSQL to speak to; and what
    SQLAlchemy makes of that while it connects.
    """
    asyncpg: Any = sys.modules.get("asyncpg")
    always = (sqlite3.Error, exc.EmulatedDBAPIException)
    return always if asyncpg is None else (*always, asyncpg.PostgresError, asyncpg.InterfaceError)


def _wrapped(error: Exception) -> exc.SQLAlchemyError:
    """What SQLAlchemy would have made of it."""
    made = exc.DBAPIError.instance(None, None, error, Exception)
    return made if isinstance(made, exc.SQLAlchemyError) else exc.DBAPIError(None, None, error)


def _state(error: exc.DBAPIError) -> str:
    """PostgreSQL's SQLSTATE; empty where there is none."""
    return getattr(error.orig, "sqlstate", None) or ""


def _sentence(error: exc.DBAPIError) -> str | None:
    """The sentence of the tables above, by the code that the driver gave."""
    if state := _state(error):
        return POSTGRESQL.get(state) or POSTGRESQL.get(state[:2])
    if str(error.orig).startswith(("no such table", "no such column")):
        return UNMIGRATED
    return SQLITE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)
