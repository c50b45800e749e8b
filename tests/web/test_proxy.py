"""A proxy in front: its word counts, and nobody else's."""

from __future__ import annotations

import pytest

from promptgraph.domain.visit import CURRENT, Visit
from promptgraph.web.gate import SIGNED_IN
from promptgraph.web.proxy import proxy_of

PROXY = proxy_of(["10.0.0.1", "10.0.0.2"], "X-Forwarded-User")


@pytest.fixture
def visit() -> Visit:
    """The request under way."""
    made = Visit(b"1")
    CURRENT.set(made)
    return made


@pytest.mark.parametrize(
    ("client", "headers", "address", "user"),
    [
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "203.0.113.9", None),
        ("10.0.0.1", {"x-forwarded-for": "127.0.0.1, 203.0.113.9"}, "203.0.113.9", None),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9, 10.0.0.2"}, "203.0.113.9", None),
        ("10.0.0.1", {"x-forwarded-for": "", "x-forwarded-user": "ada"}, "10.0.0.1", "ada"),
        ("10.0.0.1", {"x-forwarded-user": "a\tb"}, "10.0.0.1", None),
        ("10.0.0.1", {"x-forwarded-user": "a" * 257}, "10.0.0.1", None),
        ("10.0.0.9", {"x-forwarded-for": "127.0.0.1", "x-forwarded-user": "root"}, "10.0.0.9", None),
    ],
    ids=["client", "forged", "two proxies", "user", "no line", "too long", "stranger"],
)
async def test_who_asks(
    visit: Visit, client: str, headers: dict[str, str], address: str, user: str | None
) -> None:
    """The last address that is no proxy's, and the user that the proxy names."""
    assert PROXY is not None
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    told = PROXY.told({"type": "http", "client": (client, 1), "headers": raw})
    assert (address, user, user) == (told["client"][0], visit.user, told.get(SIGNED_IN))


def test_without_addresses_there_is_none() -> None:
    """A header alone trusts nobody."""
    assert proxy_of([], "X-Forwarded-User") is None
