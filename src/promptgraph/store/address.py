"""Database addresses: what a URL may say, and the driver it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from promptgraph.domain.errors import InvalidInputError

FIELD = "database_url"
PRIMARY, STANDBY = "read-write", "standby"
"""What a server is, in the words of `target_session_attrs`."""
DIALECTS: Mapping[str, str] = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+asyncpg": "postgresql",
}
OPTIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    "sslmode": ("ssl", frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])),
    "target_session_attrs": (
        "target_session_attrs",
        frozenset(["any", "primary", "standby", "read-write", "read-only", "prefer-standby"]),
    ),
}
"""What the driver may be told behind the ? of a PostgreSQL URL: its word for it, the values."""
OURS = ("host", "port", "connect_timeout", "pooler")
"""What may stand there for us."""
POOLERS = frozenset(["transaction"])
PORT, MAX_PORT = 5432, 65_535
MAX_CONNECT_SECONDS = 60
_SEVERAL = re.compile(
    r"(?P<head>[^:/]+://(?:[^:/@]*(?::[^@]*)?@)?+)(?P<hosts>[^@/?]*,[^@/?]*)(?P<rest>.*)", re.DOTALL
)
"""A URL with more than one host; SQLAlchemy does not take them where other programs do."""
_HOST = re.compile(r"(?P<host>\[[^\]]+\]|/[^:]*|[^:/\[\]]+)(?::(?P<port>\d{1,5}))?")


class Host(NamedTuple):
    """A server's name or address, or the folder of its socket."""

    name: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """`path` is SQLite's file. `url` is for the engine and may hold a password: never print it. `hosts`: of a
    PostgreSQL, in the order in which they are tried; empty where the driver is to find it. `pooled`: a pooler
    gives each transaction another connection.

    units  connect_seconds: for each host
    """

    dialect: str
    url: URL = field(repr=False)
    path: Path | None = None
    hosts: tuple[Host, ...] = ()
    connect_seconds: float | None = None
    pooled: bool = False


def parse_address(text: str, wants: str = PRIMARY) -> Address:
    """The address that `text` stands for, the driver filled in; `wants`: which one of several servers, unless
    it says so itself.

    raises  InvalidInputError  it is none; the sentence never repeats what was given
    """
    several = _SEVERAL.fullmatch(text)
    try:
        url = make_url(text if several is None else several["head"] + several["rest"])
        dialect = DIALECTS[url.drivername]
    except (ArgumentError, KeyError, ValueError) as error:
        raise InvalidInputError(
            "The database URL must look like sqlite:///promptgraph.db or postgresql://user@host/name.",
            field=FIELD,
        ) from error
    if dialect == "sqlite":
        return _sqlite(url)
    return _postgresql(url, () if several is None else several["hosts"].split(","), wants)


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


def _postgresql(url: URL, several: Iterable[str], wants: str) -> Address:
    if not url.database:
        raise InvalidInputError("The database URL names no database.", field=FIELD)
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in url.query.items()}
    hosts = _hosts(url, several, given)
    options: dict[str, Any] = dict(_option(*item) for item in given.items() if item[0] not in OURS)
    if len(hosts) > 1:
        options.setdefault("target_session_attrs", wants)
    return Address(
        "postgresql",
        URL.create("postgresql+asyncpg", url.username, url.password, database=url.database, query=options),
        hosts=hosts,
        connect_seconds=_connect_seconds(given.get("connect_timeout")),
        pooled=_is_pooled(given.get("pooler")),
    )


def _hosts(url: URL, several: Iterable[str], given: Mapping[str, tuple[str, ...]]) -> tuple[Host, ...]:
    """Those before the name of the database, else those of `host=`, with the ports of `port=` if any."""
    named = [*several] or ([_bracketed(url)] if url.host else _items(given.get("host", ())))
    found = [_host(each) for each in named]
    ports = [_port(each) for each in _items(given.get("port", ()))]
    if ports and (not found or len(ports) not in (1, len(found))):
        raise InvalidInputError("The database URL needs one port, or one for each host.", field=FIELD)
    if ports:
        found = [host._replace(port=ports[at % len(ports)]) for at, host in enumerate(found)]
    return tuple(found)


def _bracketed(url: URL) -> str:
    name = f"[{url.host}]" if ":" in str(url.host) else str(url.host)
    return name if url.port is None else f"{name}:{url.port}"


def _items(values: Iterable[str]) -> list[str]:
    """As libpq takes them, separated by commas, or each in an option of its own."""
    return [item for value in values for item in value.split(",")]


def _host(text: str) -> Host:
    found = _HOST.fullmatch(text)
    if found is None:
        raise InvalidInputError(
            "The database URL has a host that is none; several look like this:"
            " postgresql://user@one:5432,two:5432/name.",
            field=FIELD,
        )
    return Host(found["host"].strip("[]"), _port(found["port"] or str(PORT)))


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise InvalidInputError(f"The port of the database URL must be 1 to {MAX_PORT}.", field=FIELD)
    return int(text)


def _connect_seconds(values: tuple[str, ...] | None) -> float | None:
    if values is None:
        return None
    if len(values) != 1 or not values[0].isdecimal() or not 0 < int(values[0]) <= MAX_CONNECT_SECONDS:
        raise InvalidInputError(
            f"connect_timeout of the database URL must be 1 to {MAX_CONNECT_SECONDS} seconds.", field=FIELD
        )
    return float(values[0])


def _is_pooled(values: tuple[str, ...] | None) -> bool:
    if values is not None and (len(values) != 1 or values[0] not in POOLERS):
        raise InvalidInputError("pooler of the database URL must be transaction, or left out.", field=FIELD)
    return values is not None


def _option(name: str, values: tuple[str, ...]) -> tuple[str, str]:
    """The driver's word for an option, and its value."""
    if name not in OPTIONS:
        known = ", ".join((*OURS, *OPTIONS))
        raise InvalidInputError(
            f"The database URL has an unknown option {name!r}; known: {known}.", field=FIELD
        )
    word, allowed = OPTIONS[name]
    if len(values) != 1 or values[0] not in allowed:
        choices = ", ".join(sorted(allowed))
        raise InvalidInputError(f"{name} of the database URL must be one of {choices}.", field=FIELD)
    return word, values[0]
