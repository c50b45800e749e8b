"""Database addresses: what a URL may say, and the driver it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from promptgraph.domain.errors import InvalidInputError

FIELD = "database_url"
DIALECTS: Mapping[str, str] = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+asyncpg": "postgresql",
}
OPTIONS: Mapping[str, tuple[str, frozenset[str] | None]] = {
    "host": ("host", None),
    "port": ("port", None),
    "sslmode": ("ssl", frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])),
    "target_session_attrs": (
        "target_session_attrs",
        frozenset(["any", "primary", "standby", "read-write", "read-only", "prefer-standby"]),
    ),
}
"""What may stand behind the ? of a PostgreSQL URL: the driver's word for it, its values if they are few."""
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """`path` is SQLite's file. `url` is for the engine and may hold a password: never print it."""

    dialect: str
    url: URL = field(repr=False)
    path: Path | None = None


def parse_address(text: str) -> Address:
    """The address that `text` stands for, the driver filled in.

    raises  InvalidInputError  it is none; the sentence never repeats what was given
    """
    try:
        url = make_url(text)
        dialect = DIALECTS[url.drivername]
    except (ArgumentError, KeyError, ValueError) as error:
        raise InvalidInputError(
            "The database URL must look like sqlite:///promptgraph.db or postgresql://user@host/name.",
            field=FIELD,
        ) from error
    return _sqlite(url) if dialect == "sqlite" else _postgresql(url)


def _sqlite(url: URL) -> Address:
    if url.host or url.query:
        raise InvalidInputError(
            "An SQLite URL has three slashes before a relative path, four before an absolute one, "
            "and no options.",
            field=FIELD,
        )
    if url.database in (None, "", ":memory:"):
        raise InvalidInputError(
            "SQLite needs a file, because several connections share it: sqlite:///promptgraph.db.",
            field=FIELD,
        )
    path = Path(str(url.database)).expanduser().absolute()
    return Address("sqlite", _as_uri(path), path)


def _as_uri(path: Path) -> URL:
    # mode=rw: only a writer makes the file, see database.py
    return URL.create("sqlite+aiosqlite", database=path.as_uri(), query={"uri": "true", "mode": "rw"})


def _postgresql(url: URL) -> Address:
    if not url.database:
        raise InvalidInputError("The database URL names no database.", field=FIELD)
    if url.port is not None and not 0 < url.port <= MAX_PORT:
        raise InvalidInputError(f"The port of the database URL must be 1 to {MAX_PORT}.", field=FIELD)
    query: dict[str, Any] = dict(_option(*item) for item in url.query.items())
    hosts = query.get("host", ())
    if isinstance(hosts, tuple) and len(hosts) > 1:
        query.setdefault("target_session_attrs", "read-write")
    return Address("postgresql", url.set(drivername="postgresql+asyncpg", query=query))


def _option(name: str, value: str | tuple[str, ...]) -> tuple[str, str | tuple[str, ...]]:
    """The driver's word for an option, and its value."""
    if name not in OPTIONS:
        known = ", ".join(OPTIONS)
        raise InvalidInputError(
            f"The database URL has an unknown option {name!r}; known: {known}.", field=FIELD
        )
    word, values = OPTIONS[name]
    if values is not None and value not in values:
        choices = ", ".join(sorted(values))
        raise InvalidInputError(f"{name} of the database URL must be one of {choices}.", field=FIELD)
    return word, value
