"""Database URLs: what they become, and what they may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.store.address import parse_address

HIDDEN = "hunter2"


@pytest.mark.parametrize(
    ("url", "dialect", "driver"),
    [
        ("sqlite:///promptgraph.db", "sqlite", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////var/promptgraph.db", "sqlite", "sqlite+aiosqlite"),
        ("postgresql://u@h/d", "postgresql", "postgresql+asyncpg"),
        ("postgres://u@h:5433/d", "postgresql", "postgresql+asyncpg"),
        ("postgresql+asyncpg:///d?host=/run/postgresql", "postgresql", "postgresql+asyncpg"),
    ],
)
def test_driver_is_filled_in(url: str, dialect: str, driver: str) -> None:
    """Plain URLs get the driver that the project uses."""
    address = parse_address(url)
    assert (dialect, driver) == (address.dialect, address.url.drivername)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///here.db", Path.cwd() / "here.db"),
        ("sqlite:////there/a%20b.db", Path("/there/a b.db")),
        ("sqlite:///~/home.db", Path.home() / "home.db"),
    ],
    ids=["relative", "absolute", "home"],
)
def test_path_of_a_file(url: str, path: Path) -> None:
    """Three slashes begin a relative path, four an absolute one."""
    assert path == parse_address(url).path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root@h/d",
        "sqlite+pysqlite:///x.db",
        "postgresql+psycopg://u@h/d",
        "http://h/d",
        f"postgresql://u:{HIDDEN}@h:port/d",
        f"postgres//u:{HIDDEN}@h/d",
        f"mysql://u:{HIDDEN}@h/d",
    ],
)
def test_refuses_what_is_no_url(url: str) -> None:
    """The sentence shows what a URL looks like, and never what was given."""
    with pytest.raises(InvalidInputError, match=r"must look like sqlite:///promptgraph\.db") as caught:
        parse_address(url)
    assert "database_url" == caught.value.field
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite://promptgraph.db", "three slashes"),
        ("sqlite:///x.db?mode=ro", "no options"),
        ("postgresql://u@h", "names no database"),
        ("postgresql://u@h/", "names no database"),
        (f"postgresql://u:{HIDDEN}@h/d?sslmod=require", "unknown option 'sslmod'"),
        (f"postgresql://u@h/d?password={HIDDEN}", "unknown option 'password'"),
        ("postgresql://u@h/d?sslmode=yes", "sslmode of the database URL must be one of allow, disable"),
        ("postgresql://u@h/d?target_session_attrs=any&target_session_attrs=any", "must be one of"),
        ("postgresql://u@h:0/d", "port of the database URL"),
        ("postgresql://u@h:1,h:0/d", "port of the database URL"),
        (f"postgresql://u:{HIDDEN}@h,,i/d", "a host that is none"),
        ("postgresql://u@h:x,i/d", "a host that is none"),
        ("postgresql://u@h,i/d?port=1,2,3", "one port, or one for each host"),
        ("postgresql:///d?port=1", "one port, or one for each host"),
        ("postgresql://u@h/d?connect_timeout=0", "connect_timeout of the database URL must be 1 to 60"),
        ("postgresql://u@h/d?connect_timeout=soon", "connect_timeout of the database URL must be 1 to 60"),
        ("postgresql://u@h/d?pooler=session", "pooler of the database URL must be transaction"),
        ("postgresql://u@h:99999/d", "port of the database URL"),
    ],
)
def test_refuses_a_url_that_cannot_work(url: str, sentence: str) -> None:
    """What is missing or unknown is named before anything is connected."""
    with pytest.raises(InvalidInputError, match=sentence) as caught:
        parse_address(url)
    assert HIDDEN not in str(caught.value)


def test_options_get_the_driver_s_words() -> None:
    """`sslmode`, as other programs spell it, is what the driver calls ssl."""
    assert {"ssl": "require"} == dict(parse_address("postgresql://u@h/d?sslmode=require").url.query)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u@one:5433,two/d", [("one", 5433), ("two", 5432)]),
        (f"postgresql://u:{HIDDEN}@one,[::1]:7/d?sslmode=require", [("one", 5432), ("::1", 7)]),
        ("postgresql://u:a,b@h/d", [("h", 5432)]),
        ("postgresql://u@[::1]/d", [("::1", 5432)]),
        ("postgresql://u@/d?host=one:1&host=two:2", [("one", 1), ("two", 2)]),
        ("postgresql://u@/d?host=one,two&port=1,2", [("one", 1), ("two", 2)]),
        ("postgresql://u@/d?host=one,two&port=7", [("one", 7), ("two", 7)]),
        ("postgresql:///d?host=/run/postgresql", [("/run/postgresql", 5432)]),
        ("postgresql:///d", []),
    ],
)
def test_hosts_come_as_other_programs_take_them(url: str, hosts: list[tuple[str, int]]) -> None:
    """Before the name, or as options, one or several; the password is not looked into."""
    assert hosts == list(parse_address(url).hosts)


def test_pooler_and_patience_are_told_by_the_url() -> None:
    """They are ours, and the driver does not hear of them."""
    address = parse_address("postgresql://u@h/d?pooler=transaction&connect_timeout=7")
    assert (True, 7, {}) == (address.pooled, address.connect_seconds, dict(address.url.query))
    plain = parse_address("postgresql://u@h/d")
    assert (False, None) == (plain.pooled, plain.connect_seconds)


def test_several_hosts_mean_the_one_that_writes() -> None:
    """With more than one host the primary is wanted, unless the URL says otherwise."""
    hosts = "postgresql://u@/d?host=h1:5432&host=h2:5433"
    assert "read-write" == parse_address(hosts).url.query["target_session_attrs"]
    asked = parse_address(f"{hosts}&target_session_attrs=any")
    assert "any" == asked.url.query["target_session_attrs"]
    assert "target_session_attrs" not in parse_address("postgresql://u@h/d").url.query


def test_password_is_never_shown() -> None:
    """An address that is printed or logged hides it."""
    assert HIDDEN not in repr(parse_address(f"postgresql://u:{HIDDEN}@h/d"))
