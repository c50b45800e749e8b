"""The socket that a server listens on."""

import socket

import pytest

from promptgraph.cli.server import listen, listen_near, url_of
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError


def test_takes_the_port_at_once() -> None:
    """A client can connect before the server has started."""
    with (
        listen("127.0.0.1", 0) as sock,
        socket.create_connection(sock.getsockname(), timeout=2) as client,
    ):
        assert sock.getsockname() == client.getpeername()


def test_names_the_option_when_the_port_is_in_use() -> None:
    """The sentence says which port and which option."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            StoreUnavailableError, match=rf"^Port {port} is in use; name another with --port\.$"
        ):
            listen("127.0.0.1", port)


def test_takes_the_next_free_port() -> None:
    """What looks for a port near another finds one above it."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with listen_near("127.0.0.1", port) as sock:
            assert port < sock.getsockname()[1]


@pytest.mark.parametrize("host", ["a" * 300, "192.0.2.1"])
def test_refuses_a_host_that_is_not_here(host: str) -> None:
    """A host of elsewhere is wrong usage."""
    with pytest.raises(InvalidInputError) as caught:
        listen(host, 0)
    assert "host" == caught.value.field


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://localhost:"),  # noqa: S104  # the test is about it
    ],
)
def test_prints_an_address_for_a_browser(host: str, expected: str) -> None:
    """An address that stands for all of them is shown as one that opens."""
    with listen(host, 0) as sock:
        assert f"{expected}{sock.getsockname()[1]}" == url_of(sock)
