"""The socket that a server listens on, taken before anything else is started."""

from __future__ import annotations

import errno
import socket

from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError

BACKLOG = 2048
TRIES = 50
"""How many ports after the wanted one `demo` looks at."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` already, so that nobody else can take it meanwhile.

    raises  StoreUnavailableError  the port is in use
            InvalidInputError      no such host here, or a port that this user may not take
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InvalidInputError(f"There is no host {host!r} to listen on.", field="host") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _refused(error, host, port) from error
    return sock


def listen_near(host: str, port: int) -> socket.socket:
    """A socket on `port`, or on the next free one above it."""
    for wanted in range(port, min(port + TRIES, 65_536)):
        try:
            return listen(host, wanted)
        except StoreUnavailableError:
            continue
    raise StoreUnavailableError(
        f"The ports {port} to {port + TRIES - 1} are all in use; name another with --port."
    )


def url_of(sock: socket.socket) -> str:
    """The address to type into a browser."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(error: OSError, host: str, port: int) -> InvalidInputError | StoreUnavailableError:
    if error.errno == errno.EADDRINUSE:
        return StoreUnavailableError(f"Port {port} is in use; name another with --port.")
    if error.errno == errno.EACCES:
        return InvalidInputError(
            f"Port {port} needs more rights; name one above 1023 with --port.", field="port"
        )
    return InvalidInputError(f"Cannot listen on {host}:{port}: {error.strerror}.", field="host")
